"""Networks: shapes, MACs, and what a malformed graph is told."""

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
    ours = {g.layer.name: (g.weights, g.macs) for g in net.gemms}
    theirs = data.hawq_sensitivity(name)
    assert len(theirs) == len(net.gemms) - 2  # all but the first and the last layer
    for row in theirs.itertuples():
        assert ours[row.layer] == (row.parameters, row.macs), row.layer


def test_convolution_with_groups_dilation_and_uneven_padding():
    net = Network("n", (INPUT, conv(kernel=(3, 1), stride=(2, 1), padding=(2, 0, 1, 0),
                                    dilation=(2, 1), groups=2)))  # fmt: skip
    # height: (8 + 2 + 1 - (2·(3-1) + 1)) // 2 + 1 = 4; width: 6
    assert net.shapes["conv"] == (8, 4, 6)
    (gemm,) = net.gemms
    assert (gemm.i, gemm.j, gemm.u) == (4, 2 * 3 * 1, 24)  # per group: 8/2 outputs, 4/2 inputs
    assert gemm.weights == 8 * 2 * 3  # half of the input channels each
    assert gemm.macs == 8 * 2 * 3 * 24


def test_depthwise_convolution_has_one_input_channel_a_dot_product():
    (gemm,) = Network("n", (INPUT, conv(channels=4, kernel=(3, 3), groups=4))).gemms
    assert (gemm.i, gemm.j, gemm.weights) == (1, 9, 36)


@pytest.mark.parametrize(
    ("layers", "told"),
    [
        ([], "has no layers"),
        ([INPUT, INPUT], "two layers named 'input'"),
        ([conv()], "takes 'input', which no layer before it makes"),
        ([INPUT, conv(kernel=(9, 9))], "a window of 9 does not fit 8 padded pixels"),
        ([INPUT, conv(groups=3)], "cannot be split into 3 groups"),
        ([INPUT, conv(channels=0)], "channels must be a whole number of at least 1, not 0"),
        ([INPUT, conv(stride=(0, 1))], "stride must be a whole number of at least 1, not 0"),
        ([INPUT, Layer("x", "convolution", ("input",))], "unknown kind 'convolution'"),
        ([INPUT, Layer("x", "relu")], "takes 1 inputs, not 0"),
        ([INPUT, conv(), Layer("x", "add", ("input", "conv"))], "adds tensors of different shapes"),
        ([INPUT, Layer("fc", "linear", ("input",), 10)], "flatten it first"),
    ],
)
def test_malformed_graphs_are_refused_by_name(layers, told):
    with pytest.raises(BfimnaError, match=told):
        Network("n", tuple(layers))


def test_a_tensor_is_read_by_the_next_weighted_layers_through_residual_adds():
    net = zoo.resnet18()
    names = net.gemm_names

    def readers(layer):
        return {names[k] for k in net.readers[layer]}

    assert readers("conv1") == {"layer1.0.conv1", "layer1.1.conv1", "layer2.0.conv1",
                                "layer2.0.downsample.0"}  # fmt: skip
    assert readers("fc") == set()
    assert names[net.makers["fc"]] == "fc"
