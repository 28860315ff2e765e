"""Precisions by hand: CSV and YAML with patterns; errors name file and line."""

import pytest

import bfimna as bf

NET = bf.zoo.resnet18()


def read(tmp_path, name, text, default=None):
    path = tmp_path / name
    path.write_text(text)
    return bf.read_precision(NET, path, default)


def test_csv(tmp_path):
    text = "layer,weight_bits,activation_bits\nconv1, 8, 8\n\nlayer3.*,2,4\n"
    bits = read(tmp_path, "mine.csv", text, default=6)
    assert (bits.name, bits["conv1"], bits["layer3.0.conv1"], bits["fc"]) == (
        "mine", (8, 8), (2, 4), (6, 6),
    )  # fmt: skip


ROWS = "conv1,8,4\n'*',6,6\n".replace("'", "")
VARIANTS = {
    "comments": "# bits of a run\nlayer,weight_bits,activation_bits\n # more\n" + ROWS,
    "another case": "Layer,Weight_Bits, Activation Bits\n" + ROWS,
    "another order": "activation_bits,layer,weight_bits\n4,conv1,8\n6,*,6\n",
    "trailing commas": "layer,weight_bits,activation_bits,\nconv1,8,4,\n*,6,6,,\n",
    "pandas' index": ",layer,weight_bits,activation_bits\n0,conv1,8,4\n1,*,6,6\n",
    "floats": "layer,weight_bits,activation_bits\nconv1,8.0,4.0\n*,6,6.0\n",
}


@pytest.mark.parametrize("what", VARIANTS)
def test_csv_as_others_write_it(what, tmp_path):
    bits = read(tmp_path, "mine.csv", VARIANTS[what])
    assert (bits["conv1"], bits["fc"]) == ((8, 4), (6, 6))


def test_yaml_patterns_the_last_and_the_exact_count(tmp_path):
    text = "conv1: 8\n'*': 4\nlayer3.*: [2, 5]\nlayer3.1.*: 3\n"
    bits = read(tmp_path, "p.yaml", text)
    assert bits["conv1"] == (8, 8)
    assert bits["layer2.0.conv1"] == (4, 4)
    assert bits["layer3.0.conv2"] == (2, 5)
    assert bits["layer3.1.conv2"] == (3, 3)


def test_a_pattern_that_decides_nothing_is_noted(tmp_path):
    bits = read(tmp_path, "p.yaml", "layer1.*: 4\n'*': 8\nconv1: 2\n")
    (note,) = bits.notes
    assert note.endswith("p.yaml line 1: 'layer1.*' decides no bits: of several patterns the last "
                         "counts, and a layer's own name before all")  # fmt: skip
    assert note in bf.simulate(NET, bits, "LR", "sram-14nm-lstp").notes
    assert not read(tmp_path, "p.yaml", "'*': 8\nlayer1.*: 4\nconv1: 2\n").notes


def test_layers_left_out_without_a_default_are_listed(tmp_path):
    with pytest.raises(bf.BfimnaError, match=r"p\.yml: .*gives no bits to: .*fc"):
        read(tmp_path, "p.yml", "layer*: 4\nconv1: 4\n")


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("p.yaml", "'*': 4\nconv7: 8\n", r"p\.yaml line 2: unknown layer.*'conv1'"),
        ("p.yaml", "'*': 4\n\nconv1: 17\n", r"line 3: weight bits .*from 1 to 16"),
        ("p.yaml", "'*': 4\nconv1: [8, 4.5]\n", r"line 2: activation bits .*'4\.5'"),
        ("p.yaml", "'*': 4\nconv1: [8]\n", "line 2: want bits"),
        ("p.yaml", "'*': 4\nconv1: {a: 1}\n", "line 2: want bits"),
        (
            "p.yaml",
            "conv1: 4\nfc: 4\nconv1: 5\n",
            "line 3: 'conv1' is given twice, first on line 1",
        ),
        ("p.yaml", "a: [\n", r"p\.yaml line \d: not valid YAML"),
        ("p.yaml", "- 4\n", "want a mapping"),
        ("p.yaml", "[" * 5000, "nested too deeply"),
        ("p.yaml", "a: &a [*a, *a]\n", "line 1"),
        ("p.csv", "layer,bits\n", r"p\.csv line 1: want layer, weight_bits"),
        ("p.csv", "layer,weight_bits,activation_bits\nconv1,8\n", "line 2: want"),
        ("p.csv", "layer,weight_bits,activation_bits\nconv1,8,8,9\n", "line 2: want"),
        ("p.csv", "layer,weight_bits,layer\n", "line 1: want"),
        ("p.csv", "layer,,weight_bits,activation_bits\n", "line 1: want"),
        ("p.csv", "layer,weight_bits,activation_bits\nconv1,8.5,8\n", "line 2: weight bits"),
        ("p.csv", "layer,weight_bits,activation_bits\n\nconv1,8,x\n", "line 3: activation bits"),
        ("p.txt", "", r"want a \.csv"),
    ],
)
def test_errors_name_the_line(name, text, reason, tmp_path):
    with pytest.raises(bf.BfimnaError, match=reason) as error:
        read(tmp_path, name, text)
    assert "\n" not in str(error.value)


def test_missing_and_binary_files(tmp_path):
    with pytest.raises(bf.BfimnaError, match="no such file"):
        bf.read_precision(NET, tmp_path / "none.csv")
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(bf.BfimnaError, match="not UTF-8"):
        bf.read_precision(NET, tmp_path / "b.csv")
