"""Ways of saying the same: patterns of bits, suggestions, what a budget is a fraction of."""

import re
from pathlib import Path

import pytest

import bfimna as bf

SRAM = "sram-14nm-lstp"


def test_patterns_decide_as_in_a_file(tmp_path):
    bits = {"layer1.*": (4, 8), "*": 3, "layer3.?.*": 5, "conv1": 8}
    ours = bf.Precision.by_layer(bf.zoo.resnet18(), bits)
    lines = (f'"{name}": {list(b) if isinstance(b, tuple) else b}' for name, b in bits.items())
    (tmp_path / "a.yaml").write_text("\n".join(lines))
    read = bf.read_precision(bf.zoo.resnet18(), tmp_path / "a.yaml")
    assert (ours.weight_bits, ours.activation_bits) == (read.weight_bits, read.activation_bits)
    assert ours["conv1"] == (8, 8)
    assert ours["layer1.0.conv1"] == (3, 3)  # a later pattern
    assert bf.simulate("resnet18", {"*": 4}).precision.mean_bits == 4
    assert bf.sweep("resnet18", [{"*": 4}, {"*": 5}]).mean_bits.tolist() == [4, 5]
    with pytest.raises(bf.BfimnaError, match=re.escape("unknown layer of resnet18 'layer9.*'")):
        bf.simulate("resnet18", {"*": 4, "layer9.*": 8})


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"chip": "lr"}, "did you mean 'LR'?"),
        ({"technology": "rram"}, "did you mean 'reram-14nm-lstp'?"),
        ({"technology": "SRAM-14NM-LSTP"}, "did you mean 'sram-14nm-lstp'?"),
        ({"precision": "4"}, "did you mean 4, or 'int4'?"),
        ({"network": "ResNet18"}, "did you mean 'resnet18'?"),
    ],
)
def test_near_names_are_suggested(words, message):
    with pytest.raises(bf.BfimnaError, match=re.escape(message)):
        bf.simulate(**{"network": "resnet18", **words})


@pytest.mark.parametrize("mapping", [None, "best"])
def test_a_fraction_says_what_it_is_of(mapping):
    net = bf.zoo.resnet18()
    omega = bf.search.hawq_sensitivity(net)
    budget = bf.search.Budget("edp_js", fraction=0.25)
    bits = bf.search.choose(net, omega, budget, "paper", SRAM, mapping=mapping)
    (note,) = [note for note in bits.notes if note.startswith("budget")]
    low, high = (float(x) for x in re.findall(r"bits, ([\d.e-]+)", note))
    assert note.startswith("budget: 25 % of the way from edp_js with all layers at 4 bits")
    limit = float(bits.name.partition("<=")[2])
    assert limit == pytest.approx(low + 0.25 * (high - low), rel=1e-3)
    assert note in bf.simulate(net, bits, "paper", SRAM).notes
    fixed = bf.search.Budget("edp_js", limit=high)
    assert not bf.search.choose(net, omega, fixed, "paper", SRAM, mapping=mapping).notes


def test_the_package_is_typed():
    assert (Path(bf.__file__).parent / "py.typed").is_file()
    assert {"search", "emulator", "digits"} <= set(dir(bf))
