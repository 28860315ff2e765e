"""Networks: shapes, MACs, and the errors of malformed graphs."""

import numpy as np
import pytest

from bfimna import BfimnaError, Layer, Network, data
from bfimna.network import zoo

INPUT = Layer("input", "input", channels=4, size=(8, 6))


def conv(name="conv", source="input", channels=8, **options):
    return Layer(name, "conv", (source,), channels, **options)


@pytest.mark.parametrize(
    ("name", "weights", "macs"),
    [  # model document, section 5
        ("alexnet", 61_090_496, 714_188_480),
        ("vgg16", 138_344_128, 15_470_264_320),
        ("resnet18", 11_678_912, 1_814_073_344),
        ("resnet50", 25_502_912, 4_089_184_256),
    ],
)
def test_zoo_has_the_published_weights_and_macs(name, weights, macs):
    net = zoo.load(name)
    assert (net.weights, net.macs) == (weights, macs)


@pytest.mark.parametrize("name", list(data.HAWQ_NAMES))
def test_hawq_v3_lists_the_same_layers_parameters_and_macs(name):
    net = zoo.load(name)
    ours = {g.layer.name: (g.weights, g.macs) for g in net.matmuls}
    theirs = data.hawq_sensitivity(name)
    assert len(theirs) == len(net.matmuls) - 2  # all but the first and the last layer
    for row in theirs.itertuples():
        assert ours[row.layer] == (row.parameters, row.macs), row.layer


def test_convolution_with_groups_dilation_and_uneven_padding():
    net = Network("n", (INPUT, conv(kernel=(3, 1), stride=(2, 1), padding=(2, 0, 1, 0),
                                    dilation=(2, 1), groups=2)))  # fmt: skip
    # height: (8 + 2 + 1 - (2·(3-1) + 1)) // 2 + 1 = 4; width: 6
    assert net.shapes["conv"] == (8, 4, 6)
    (gemm,) = net.matmuls
    assert (gemm.m, gemm.k, gemm.n) == (
        4,
        2 * 3 * 1,
        24,
    )  # per group: 8/2 outputs, 4/2 inputs
    assert gemm.weights == 8 * 2 * 3  # half of the input channels each
    assert gemm.macs == 8 * 2 * 3 * 24


def test_depthwise_convolution_has_one_input_channel_per_dot_product():
    (gemm,) = Network("n", (INPUT, conv(channels=4, kernel=(3, 3), groups=4))).matmuls
    assert (gemm.m, gemm.k, gemm.weights) == (1, 9, 36)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([], "has no layers"),
        ([INPUT, INPUT], "two layers named 'input'"),
        ([conv()], "takes 'input', which no layer before it computes"),
        ([INPUT, conv(kernel=(9, 9))], "a window of 9 does not fit 8 padded pixels"),
        ([INPUT, conv(groups=3)], "cannot be split into 3 groups"),
        ([INPUT, conv(channels=0)], "channels must be a whole number of at least 1, not 0"),
        ([INPUT, conv(stride=(0, 1))], "stride must be a whole number of at least 1, not 0"),
        ([INPUT, conv(kernel=3)], "kernel must be 2 whole numbers, not 3"),
        ([INPUT, conv(kernel=(3, 3, 3))], "kernel must be 2 whole numbers"),
        ([INPUT, conv(padding=(1, 1))], "padding must be 4 whole numbers"),
        ([INPUT, conv(kernel=(3, True))], "kernel must be a whole number of at least 1, not True"),
        ([INPUT, conv(channels=float("nan"))], "channels must be a whole number"),
        ([INPUT, conv(ceil=1)], "ceil must be true or false"),
        ([INPUT, conv(name=7)], "name and kind must be text"),
        ([INPUT, Layer("x", ["conv"], ("input",))], "name and kind must be text"),
        ([INPUT, Layer("x", "relu", "input")], "inputs must be a tuple"),
        ([INPUT, "relu"], "must be a tuple of Layers"),
        ([INPUT, Layer("x", "convolution", ("input",))], "unknown kind 'convolution'"),
        ([INPUT, Layer("x", "relu")], "takes 1 inputs, not 0"),
        ([INPUT, conv(), Layer("x", "add", ("input", "conv"))], "adds tensors of different shapes"),
        ([INPUT, Layer("fc", "linear", ("input",), 10)], "flatten it first"),
    ],
)
def test_malformed_graphs_are_refused_by_name(layers, message):
    with pytest.raises(BfimnaError, match=message):
        Network("n", tuple(layers))


def test_a_tensor_is_read_by_the_next_weighted_layers_through_residual_adds():
    net = zoo.resnet18()
    names = net.matmul_names

    def readers(layer):
        return {names[k] for k in net.readers[layer]}

    assert readers("conv1") == {"layer1.0.conv1", "layer1.1.conv1", "layer2.0.conv1",
                                "layer2.0.downsample.0"}  # fmt: skip
    assert readers("fc") == set()
    assert names[net.makers["fc"]] == "fc"


@pytest.mark.parametrize("kind", [np.int16, np.uint8, np.int64, float])
def test_numpys_numbers_cannot_overflow_a_layer(kind):
    layers = [
        Layer("input", "input", channels=kind(128), size=(kind(224), kind(224))),
        conv(channels=kind(128), kernel=[kind(3)] * 2, padding=(kind(1),) * 4, groups=kind(2)),
    ]
    plain = [
        Layer("input", "input", channels=128, size=(224, 224)),
        conv(channels=128, kernel=(3, 3), padding=(1,) * 4, groups=2),
    ]
    net = Network("n", layers)
    assert net == Network("n", tuple(plain))
    assert net.macs == 128 * 64 * 9 * 224 * 224


def test_an_unknown_layer_is_named():
    net = zoo.alexnet()
    assert net["features.0"].kind == "conv"
    for name in ("features.99", 3, ["features.0"], None):
        with pytest.raises(BfimnaError, match=r"unknown layer of alexnet .*Known: "):
            net[name]


def test_repr_and_table_of_a_network():
    net = zoo.resnet18()
    assert repr(net) == "<Network resnet18: 50 layers, 21 weighted, 11.7 M weights, 1.81 G MACs>"
    page = net._repr_html_()
    assert "<td>64 × 112 × 112</td><td>9408</td><td>118013952</td>" in page
    evil = Network("n", (INPUT,), notes=("<script>",))
    assert "&lt;script&gt;" in evil._repr_html_()
