"""Precisions: fixed, random and published, with HAWQ-V3's figures for the published ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bfimna import BfimnaError, Precision, data
from bfimna.network import zoo

NET = zoo.resnet18()


@pytest.mark.parametrize("bits", [0, 17, 3.5, -1, "8", None, True, np.True_, float("nan")])
def test_bits_are_whole_and_from_1_to_16(bits):
    with pytest.raises(BfimnaError, match="bits"):
        Precision.fixed(NET, bits)


def test_fixed_takes_one_width_or_two():
    assert Precision.fixed(NET, weights=4, activations=8)["fc"] == (4, 8)
    with pytest.raises(BfimnaError, match="give either bits, or both"):
        Precision.fixed(NET, 8, weights=4)
    with pytest.raises(BfimnaError, match="give either bits, or both"):
        Precision.fixed(NET, weights=4)


@given(mean=st.floats(1, 16), seed=st.integers(0, 100))
def test_mixed_meets_its_mean_within_its_range_and_is_reproducible(mean, seed):
    bits = Precision.mixed(NET, mean, seed)
    assert abs(bits.mean_bits - mean) <= 0.5 / len(NET.matmuls) + 1e-9
    assert all(1 <= b <= 16 for b in bits.weight_bits)
    assert bits == Precision.mixed(NET, mean, seed)


def test_mixed_widths_differ():
    assert len(set(Precision.mixed(NET, 5, seed=0).weight_bits)) > 3
    assert Precision.mixed(NET, 5, seed=0) != Precision.mixed(NET, 5, seed=1)


def test_a_scheme_that_names_a_layer_the_network_lacks_is_refused():
    with pytest.raises(BfimnaError, match=r"unknown layer of resnet18 'layer5\.0\.conv1'"):
        Precision.by_layer(NET, {"layer5.0.conv1": 4}, default=8)
    with pytest.raises(BfimnaError, match="gives no bits to: conv1, "):
        Precision.by_layer(NET, {"fc": 4})
    with pytest.raises(BfimnaError, match="unknown precision of vgg16 'hawq_v3/int8'"):
        data.load_precision(zoo.vgg16(), "hawq_v3/int8")


def test_a_precision_of_another_network_is_refused():
    with pytest.raises(BfimnaError, match="is for other layers than 'alexnet' has"):
        Precision.fixed(NET, 8).bops(zoo.alexnet())


@pytest.mark.parametrize("name", list(data.HAWQ_NAMES))
def test_bops_agree_with_hawq_v3(name):
    """HAWQ-V3's BOPS column against Σ MACs · weight bits · activation bits, in 10⁹.

    The fixed schemes agree to the digits printed (fp32 and int8 rounded, int4 cut off). The mixed
    schemes' column lies 0.4 to 3 % below the sum over the bits that HAWQ-V3 published for them,
    and their size column up to 0.42 MB above: the two are not of the same bits. No single
    omission explains all rows (leaving out the downsample layers at 8 bits explains ResNet18's but
    for bops-medium, and none of ResNet50's). The bits themselves are not in doubt: HAWQ-V3's own
    integer program gives them back.
    """
    net, published = zoo.load(name), data.hawq_accuracy(name).set_index("scheme").bops_g
    assert abs(net.macs * 32 * 32 / 1e9 - published["fp32"]) <= 0.5
    for scheme in data.hawq_schemes(name):
        ours = data.load_precision(net, scheme).bops(net) / 1e9
        theirs = published[scheme.removeprefix("hawq_v3/")]
        if scheme == "hawq_v3/int8":
            assert abs(ours - theirs) <= 0.5
        elif scheme == "hawq_v3/int4":
            assert int(ours) == theirs
        else:
            assert 1.003 < ours / theirs < 1.031, scheme


@pytest.mark.parametrize("name", list(data.HAWQ_NAMES))
def test_hawq_v3_s_residual_stream_has_16_bits_and_its_ends_have_8(name):
    net = zoo.load(name)
    stream = {"maxpool", *(layer.name for layer in net.layers if layer.kind == "add")}
    for scheme in data.hawq_schemes(name):
        bits = data.load_precision(net, scheme)
        assert dict(bits.tensor_bits) == dict.fromkeys(stream, 16)
        assert (bits["conv1"], bits["fc"]) == ((8, 8), (8, 8))
    four = data.load_precision(net, "hawq_v3/int4")
    assert {four[layer] for layer in four.layers[1:-1]} == {(4, 4)}
    assert data.load_precision(net, "int4")["conv1"] == (4, 4)
    with pytest.raises(BfimnaError, match="unknown network of HAWQ-V3 'vgg16'"):
        data.hawq_tensors("vgg16")


@pytest.mark.parametrize("name", list(data.HAWQ_NAMES))
def test_model_sizes_are_near_hawq_v3s(name):
    net, published = zoo.load(name), data.hawq_accuracy(name).set_index("scheme").size_mb
    for scheme in data.hawq_schemes(name):
        ours = data.load_precision(net, scheme).size_bits(net) / 8 / 2**20
        assert abs(ours - published[scheme.removeprefix("hawq_v3/")]) < 0.43, scheme


def test_numpys_bits_cannot_overflow():
    bits = Precision.fixed(NET, np.int8(16))
    assert bits == Precision.fixed(NET, 16)
    assert bits.bops(NET) == 256 * NET.macs
    array = np.full(len(NET.matmuls), 16, dtype=np.uint8)
    assert Precision("int16", list(NET.matmul_names), array, array) == bits


@pytest.mark.parametrize(
    ("bits", "message"),
    [
        ({"fc": (8, 8, 8)}, "one width, or"),
        ({"fc": np.True_}, "bits of layer 'fc' must be a whole number"),
        ({"fc": None}, "bits of layer 'fc'"),
        ([8] * 21, "must be a mapping of layers to bits"),
    ],
)
def test_bits_by_layer_are_one_width_or_two(bits, message):
    with pytest.raises(BfimnaError, match=message):
        Precision.by_layer(NET, bits, default=8)
    assert Precision.by_layer(NET, {"fc": [4, 8]}, default=8)["fc"] == (4, 8)


@pytest.mark.parametrize("mean", [float("nan"), "5", None, True, 17, 0.5])
def test_a_mean_is_a_number_from_1_to_16(mean):
    with pytest.raises(BfimnaError, match="mean_bits must be"):
        Precision.mixed(NET, mean)


def test_repr_table_and_errors_of_a_precision():
    bits = Precision.by_layer(NET, {"fc": 4}, default=8)
    assert repr(bits) == "<Precision custom: 21 layers, 4 to 8 bits, 7.81 on average>"
    assert "<td>fc</td><td>4</td><td>4</td>" in bits._repr_html_()
    for name in ("conv9", 0, ["fc"]):
        with pytest.raises(BfimnaError, match="unknown layer of precision custom"):
            bits[name]
    with pytest.raises(BfimnaError, match="must be a tuple"):
        Precision("p", NET.matmul_names, 8, 8)


@pytest.mark.parametrize(
    ("layers", "tensors", "message"),
    [
        ((1, "a"), (), r"layers of precision 'p': a name must be text, not 1 \(int\)"),
        ((["a"], "b"), (), r"layers of precision 'p': a name must be text, not \['a'\] \(list\)"),
        (("a", "a"), (), "layers of precision 'p': 'a' is given twice"),
        (("a", "b"), {1: 8, "b": 8}, r"tensor_bits of precision 'p': a name must be text, not 1"),
        (("a", "b"), (("b", 8), ("b", 9)), "tensor_bits of precision 'p': 'b' is given twice"),
        (("a", "b"), (8, 9), "tensor_bits of precision 'p' must be a mapping"),
    ],
)
def test_layers_are_different_names(layers, tensors, message):
    with pytest.raises(BfimnaError, match=message):
        Precision("p", layers, (8, 8), (8, 8), tensors)


@pytest.mark.parametrize("name", [None, 8, ["int8"]])
def test_a_name_is_text(name):
    with pytest.raises(BfimnaError, match="name of a precision must be text, not"):
        Precision(name, ("a",), (8,), (8,))
