"""A precision written to a file reads back the same."""

from dataclasses import replace

import pytest

import bfimna as bf


@pytest.mark.parametrize("ending", ["yaml", "yml", "json", "csv"])
@pytest.mark.parametrize("network", ["alexnet", "resnet50", "vgg16"])
def test_it_reads_back(ending, network, tmp_path):
    net = bf.load_network(network)
    bits = bf.Precision.mixed(net, 5, seed=3)
    bits = replace(bits, activation_bits=bits.activation_bits[::-1])
    path = tmp_path / f"mine.{ending}"
    text = {"csv": bits.to_csv, "json": bits.to_json}.get(ending, bits.to_yaml)(path)
    assert path.read_text() == text
    assert bf.read_precision(net, path) == replace(bits, name="mine")
    assert bf.load_precision(net, str(path)).weight_bits == bits.weight_bits
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("ending", ["yaml", "json"])
def test_widths_of_tensors_read_back_too(ending, tmp_path):
    bits = bf.load_precision("resnet18", "hawq_v3/latency-low")
    getattr(bits, f"to_{ending}")(tmp_path / f"a.{ending}")
    again = bf.read_precision(bf.zoo.resnet18(), tmp_path / f"a.{ending}")
    assert again == replace(bits, name="a")
    assert again.tensor_bits == bits.tensor_bits != ()


def test_a_csv_refuses_widths_of_tensors(tmp_path):
    bits = bf.load_precision("resnet18", "hawq_v3/latency-low")
    with pytest.raises(bf.BfimnaError, match="holds no widths of tensors; use to_yaml or to_json"):
        bits.to_csv(tmp_path / "a.csv")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", [" a", "#a", "a\nb", '"', "a,b", "*", "é", "tensor_bits", "😀"])
@pytest.mark.parametrize("ending", ["yaml", "json", "csv"])
def test_odd_names_of_layers_are_kept_or_refused(name, ending):
    bits = bf.Precision("odd", (name, "b"), (3, 4), (5, 6))
    write = getattr(bits, f"to_{ending}")
    if ending == "csv" and name in (" a", "#a", "a\nb"):
        with pytest.raises(bf.BfimnaError, match="holds characters that the format does not keep"):
            write()
    else:
        assert name in write() or name in ("a\nb", '"')


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("'*': 4\ntensor_bits: {maxpool: 99}", "line 2: bits of tensor 'maxpool'"),
        ("'*': 4\ntensor_bits: {maxpool: 9, maxpool: 8}", "line 2: 'maxpool' is given twice"),
        ("'*': 4\ntensor_bits: {maxpool: [9]}", "line 2: want a tensor's layer and its bits"),
        ("'*': 4\ntensor_bits: {maxpol: 9}", "did you mean 'maxpool'"),
        ("'*': 4\ntensor_bits: 9", "unknown layer or pattern"),
    ],
)
def test_wrong_widths_of_tensors_are_told_with_their_line(text, message, tmp_path):
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(bf.BfimnaError, match=message):
        bf.read_precision(bf.zoo.resnet18(), tmp_path / "a.yaml")


def test_a_file_that_cannot_be_written(tmp_path):
    bits = bf.load_precision("alexnet", 4)
    with pytest.raises(bf.BfimnaError, match=r"want a name that ends in \.yaml or \.yml"):
        bits.to_yaml(tmp_path / "a.csv")
    with pytest.raises(bf.BfimnaError, match="cannot be written: No such file or directory"):
        bits.to_json(tmp_path / "missing" / "a.json")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(bf.BfimnaError, match="cannot be written"):
        bits.to_csv(tmp_path / "folder.csv")
    assert [file.name for file in tmp_path.iterdir()] == ["folder.csv"]
