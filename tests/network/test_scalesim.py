"""SCALE-Sim topologies in both forms."""

import pytest

import bfimna as bf

HEADER = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,\n"  # noqa: E501


def read(tmp_path, text, name="t.csv"):
    (tmp_path / name).write_text(text)
    return bf.read_scalesim(tmp_path / name)


def test_alexnets_second_layer_is_the_zoos(tmp_path):
    network = read(
        tmp_path, HEADER + "Conv1, 227, 227, 11, 11, 3, 64, 4,\nConv2,31,31,5,5,64,192,1,\n"
    )
    assert network.matmul_names == ("Conv1", "Conv2")
    for gemm, ours in zip(network.matmuls, bf.zoo.alexnet().matmuls[:2], strict=True):
        assert (gemm.m, gemm.k, gemm.n) == (
            ours.m,
            ours.k,
            ours.n,
        )


def test_two_strides(tmp_path):
    header = HEADER.replace("Strides", "Stride height, Stride width")
    network = read(tmp_path, header + "a, 9, 9, 1, 1, 2, 3, 2, 4,\n")
    assert network.shapes["a"] == (3, 5, 3)


def test_gemm_form(tmp_path):
    (gemm,) = read(tmp_path, "Layer,M,N,K,\nq,12,30,50,\n").matmuls
    assert (gemm.n, gemm.m, gemm.k, gemm.macs) == (12, 30, 50, 12 * 30 * 50)


def test_the_report_states_what_the_file_leaves_out(tmp_path):
    network = read(tmp_path, "Layer,M,N,K,\nq,12,30,50,\n")
    technology = bf.data.load_technology("sram-14nm-lstp")
    report = bf.simulate(network, bf.Precision.fixed(network, 8), bf.Chip.limited(), technology)
    assert "pooling" in report.notes[0]
    assert "padding" in report.notes[0]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("Layer, IFMAP Height\n", "line 1: no column 'ifmap width'"),
        (HEADER + "a,9,9,1,1,2,3,x,\n", "line 2: strides must be .*'x'"),
        (HEADER + "\na,9,9,1,1,2\n", "line 3: num filter must be .*''"),
        (HEADER + "a,9,9,1,1,99999999999,3,1,\n", "line 2: channels"),
        (HEADER + "a,2,2,3,3,2,3,1,\n", "a window of 3 does not fit"),
        ("Layer,M,N,K,Sparsity\nq,1,2,3,1:4\n", "sparsity '1:4' is not modelled"),
        (
            HEADER.strip() + "Channels\na,9,9,1,1,2,3,1,7\n",
            "line 1: column 'channels' is given twice",
        ),
        (HEADER + "a" + f",{2**20}" * 7 + "\n", "line 2: layer 'a.*larger than|adds up more than"),
        (HEADER + f"a,1,1,1,1,{2**20},{2**20},1\nb,9,9,1,1,2,3,1,4\n", "line 3: more cells than"),
        ("Layer,M,N,K\nq,1_0,2,3\n", "line 2: m must be a whole number .*'1_0'"),
        ("Layer,M,N,K\nq,٣,2,3\n", "line 2: m must be a whole number"),
        ("Layer,M,N,K\nq," + "9" * 5000 + ",2,3\n", "line 2: m must be a whole number"),
        ("Layer,M,N,K\n,1,2,3\n", "line 2: a layer's name must have 1 to 200 characters"),
        ("Layer,M,N,K\n" + "q" * 9999 + ",1,2,3\n", "line 2: a layer's name"),
    ],
)
def test_errors_name_the_line(text, reason, tmp_path):
    with pytest.raises(bf.BfimnaError, match=rf"t\.csv.*{reason}") as error:
        read(tmp_path, text)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400


def test_layers_may_stand_in_any_column(tmp_path):
    network = read(tmp_path, "M,N,K,Layer\n12,30,50,q\n")
    assert (network.matmul_names, network.macs) == (("q",), 12 * 30 * 50)


def test_largest_numbers_are_simulated(tmp_path):
    """Fields of 2^20 are allowed as long as every tensor and sum can be counted exactly."""
    network = read(tmp_path, f"Layer,M,N,K\nq,{2**20},{2**20},{2**20}\n")
    technology = bf.data.load_technology("sram-14nm-lstp")
    report = bf.simulate(network, bf.Precision.fixed(network, 16), bf.Chip.limited(), technology)
    assert 0 < report.latency_s < float("inf")


def test_missing_and_binary_files(tmp_path):
    with pytest.raises(bf.BfimnaError, match="no such file"):
        bf.read_scalesim(tmp_path / "none.csv")
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(bf.BfimnaError, match="not UTF-8 text"):
        bf.read_scalesim(tmp_path / "b.csv")


def macs_of_scalesim(text):
    """MACs by SCALE-Sim's own rules: columns by position, outputs by ceil (topology_utils.py)."""
    total = 0
    for line in text.splitlines()[1:]:
        cells = [cell.strip() for cell in line.split(",")]
        if len(cells) > 7 and cells[1]:
            height, width, tall, wide, channels, filters, stride = map(int, cells[1:8])
            across = int(cells[8]) if cells[8:] and cells[8].isdigit() else stride
            rows = -(-(height - tall + stride) // stride)
            columns = -(-(width - wide + across) // across)
            total += rows * columns * tall * wide * channels * filters
    return total


TOPOLOGIES = {
    "overhanging windows": HEADER + "a, 228, 228, 11, 11, 3, 64, 4,\nb, 5, 6, 1, 2, 2, 3, 3,\n",
    "a repeated header": HEADER.replace("IFMAP Height", "IFMAP Width") + "a,9,5,3,1,2,3,2,\n",
    "other spellings": HEADER.replace("Channels", "channel").replace("Num Filter", "num filters")
    + "a,9,5,3,1,2,3,2,\n",
    "sections, remarks and an empty row": HEADER + ",,,,,,,,\nAlexNet,\na,9,5,3,1,1,1,2,#dw\n",
    "more columns": HEADER.strip() + ",,Eh,e2\na,9,5,3,1,2,3,2,,,110,12100\n",
    "the stride twice": HEADER + "a,9,5,3,1,2,3,2,2, \n",
    "no commas at the ends": HEADER.strip(",\n") + "\na,9,5,3,1,2,3,2\n",
}


@pytest.mark.parametrize("what", TOPOLOGIES)
def test_macs_are_scalesims(what, tmp_path):
    assert read(tmp_path, TOPOLOGIES[what]).macs == macs_of_scalesim(TOPOLOGIES[what])


def test_tabs_between_cells(tmp_path):
    text = HEADER.replace(",", "\t") + "a\t9\t5\t3\t1\t2\t3\t2\t\n"
    assert read(tmp_path, text).macs == macs_of_scalesim(text.replace("\t", ","))


def test_columns_that_are_not_read_are_noted(tmp_path):
    network = read(tmp_path, "Layer,M,N,K,Colour\nq,12,30,50,7\n")
    assert network.macs == 12 * 30 * 50
    assert "columns not read: colour" in network.notes


def test_repeated_names_are_numbered(tmp_path):
    network = read(tmp_path, HEADER + "fc,1,1,1,1,8,4,1,\nfc,1,1,1,1,4,2,1,\n")
    assert network.matmul_names == ("fc", "fc.2")


def test_strides_by_their_names_in_either_order(tmp_path):
    """100 x 40 positions: 34 windows 3 apart, the last one overhanging, by 38 windows 1 apart."""
    header = HEADER.replace("Strides,", "Stride Width,Stride Height")
    network = read(tmp_path, header + "c,100,40,3,3,8,8,1,3\n")
    assert network["c"].stride == (3, 1)
    assert network.macs == 34 * 38 * 9 * 8 * 8


def test_scalesims_mark_of_a_depthwise_convolution(tmp_path):
    """SCALE-Sim splits a layer with DP in its name into one a channel, all with every filter."""
    network = read(tmp_path, HEADER + "DP_2,9,9,3,3,4,2,1,\n")
    assert network.macs == 4 * (7 * 7 * 9 * 1 * 2)
