"""Fused operators of ONNX Runtime and a model's own functions, as their plain operations."""

import numpy as np
import onnx
import pytest
from onnx import helper

import bfimna as bf

from .onnx_models import build, constant, convolution, node, save, weights

W = weights("w", 4, 3, 3, 3)
RUNTIME = "com.microsoft"


def layers(network):
    return [(layer.kind, layer.kernel, layer.padding) for layer in network.layers]


@pytest.mark.parametrize(
    ("activation", "plain"),
    [({"activation": "Relu"}, {"op": "Relu"}),
     ({"activation": "LeakyRelu", "activation_params": [0.2]}, {"op": "LeakyRelu", "alpha": 0.2}),
     ({"activation": "LeakyRelu", "activation_params": [2.0]}, {"op": "LeakyRelu", "alpha": 2.0}),
     ({"activation": "HardSigmoid", "activation_params": [0.2, 0.5]}, {"op": "HardSigmoid"}),
     ({"activation": "Tanh"}, {"op": "Tanh"})],
)  # fmt: skip
def test_fused_convolution_is_the_convolution_and_its_activation(activation, plain, tmp_path):
    fused = node("FusedConv", "x", "w", out="y", domain=RUNTIME, pads=[1] * 4, **activation)
    apart = [node("Conv", "x", "w", out="c", pads=[1] * 4),
             node(plain.pop("op"), "c", out="y", **plain)]  # fmt: skip
    networks = [bf.read_onnx(save(tmp_path / "m.onnx", nodes, [W])) for nodes in ([fused], apart)]
    assert layers(networks[0]) == layers(networks[1])
    assert networks[0].macs == networks[1].macs == 108 * 64


def test_fused_convolution_adds_its_fourth_input(tmp_path):
    conv, w = convolution()
    nodes = [conv, node("FusedConv", "x", "w", "b", "c", out="y", domain=RUNTIME, pads=[1] * 4,
                        activation="Relu")]  # fmt: skip
    network = bf.read_onnx(save(tmp_path / "m.onnx", nodes, [w, W, weights("b", 4)]))
    assert [layer.kind for layer in network.layers] == ["input", "conv", "conv", "add", "relu"]


def test_fused_product_has_its_activation(tmp_path):
    fused = node("FusedGemm", "x", "g", out="y", domain=RUNTIME, transB=1, activation="Relu")
    network = bf.read_onnx(save(tmp_path / "m.onnx", [fused], [weights("g", 10, 16)], (1, 16)))
    assert [layer.kind for layer in network.layers] == ["input", "linear", "relu"]


def with_functions(path, nodes, functions, given):
    model = build(nodes, given)
    model.opset_import.append(helper.make_opsetid("own", 1))
    model.functions.extend(functions)
    path.write_bytes(model.SerializeToString())
    return path


def block():
    """Return a function: a padded convolution whose stride the caller gives, and a pool of it."""
    conv = node("Conv", "X", "K", out="t", pads=[1] * 4)
    conv.attribute.append(onnx.AttributeProto(name="strides", type=onnx.AttributeProto.INTS,
                                              ref_attr_name="s"))  # fmt: skip
    axes = helper.make_node("Constant", [], ["axes"], value=constant("", [2], np.int64))
    body = [conv, axes, node("ReduceMax", "t", "axes", out="Y")]
    opsets = [helper.make_opsetid("", 18)]
    return helper.make_function("own", "Block", ["X", "K"], ["Y"], body, opsets, ["s"])


def test_functions_of_the_model_are_inlined_at_each_call(tmp_path):
    """With names of their own, attributes of the call, constants, and a function within."""
    twice = helper.make_function(
        "own", "Twice", ["A", "K1", "K2"], ["B"],
        [helper.make_node("Block", ["A", "K1"], ["m"], "first", domain="own", s=[2, 2]),
         helper.make_node("Block", ["m", "K2"], ["B"], "second", domain="own", s=[1, 1])],
        [helper.make_opsetid("own", 1)],
    )  # fmt: skip
    calls = [
        helper.make_node("Twice", ["x", "w", "v"], ["h"], "one", domain="own"),
        helper.make_node("Block", ["h", "v"], ["y"], "two", domain="own", s=[1, 2]),
    ]
    path = with_functions(
        tmp_path / "m.onnx", calls, [block(), twice], [W, weights("v", 4, 4, 3, 3)]
    )
    network = bf.read_onnx(path)
    assert network.gemm_names == ("one/first/t_node", "one/second/t_node", "two/t_node")
    assert [network[name].stride for name in network.gemm_names] == [(2, 2), (1, 1), (1, 2)]
    assert network.macs == 108 * 16 + 144 * 4 + 144 * 2


def test_a_function_that_calls_itself_is_refused(tmp_path):
    body = [helper.make_node("Block", ["X"], ["Y"], "again", domain="own")]
    model = build([helper.make_node("Block", ["x"], ["y"], "call", domain="own")])
    model.functions.append(
        helper.make_function("own", "Block", ["X"], ["Y"], body, [helper.make_opsetid("own", 1)])
    )
    path = tmp_path / "m.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(bf.BfimnaError, match=r"Block node 'call/again.*not modelled"):
        bf.read_onnx(path)


LAST = "qonnx.custom_op.channels_last"


@pytest.mark.parametrize("domain", [LAST, RUNTIME])
def test_channels_last_costs_what_channels_first_does(domain, tmp_path):
    """The same network, its input and weights with channels last; quantisers keep their place."""
    names = ("Conv", "MaxPool") if domain == LAST else ("NhwcConv", "NhwcMaxPool")
    last = [
        node(names[0], "x", "w", out="c", domain=domain, kernel_shape=[3, 3], pads=[1] * 4),
        node(names[1], "c", out="p", domain=domain, kernel_shape=[2, 2], strides=[2, 2]),
        node("Relu", "p", out="y"),
    ]
    first = [
        node("Conv", "x", "w", out="c", pads=[1] * 4),
        node("MaxPool", "c", out="p", kernel_shape=[2, 2], strides=[2, 2]),
        node("Relu", "p", out="y"),
    ]
    network = bf.read_onnx(
        save(tmp_path / "m.onnx", last, [weights("w", 4, 3, 3, 3)], (1, 8, 6, 3))
    )
    plain = bf.read_onnx(save(tmp_path / "m.onnx", first, [W], (1, 3, 8, 6)))
    assert [k for k in layers(network) if k[0] not in ("view", "input")] == layers(plain)[1:]
    assert (network.weights, network.macs) == (plain.weights, plain.macs)
    assert network.shapes[network.layers[-1].name] == (4, 3, 4)
    technology = bf.data.load_technology("sram-14nm-lstp")
    energies = [
        bf.simulate(n, bf.Precision.fixed(n, 8), bf.Chip.limited(), technology).layers
        for n in (network, plain)
    ]
    sums = [table[table.phase == "multiply"].energy_j.sum() for table in energies]
    assert sums[0] == sums[1]


def test_batch_norm_with_channels_last_is_folded(tmp_path):
    nodes = [
        node("Conv", "x", "w", out="c", domain=LAST, kernel_shape=[3, 3], pads=[1] * 4),
        node("BatchNormalization", "c", "v", "v", "v", "v", out="y", domain=LAST),
    ]
    given = [weights("w", 4, 3, 3, 3), constant("v", np.ones(4))]
    network = bf.read_onnx(save(tmp_path / "m.onnx", nodes, given, (1, 8, 6, 3)))
    assert [layer.kind for layer in network.layers] == ["input", "view", "conv", "view"]


def test_quantised_convolution_with_channels_last(tmp_path):
    nodes = [
        node("QLinearConv", "x", "s", "z", "w", "s", "wz", "s", "z", out="y", domain=RUNTIME,
             channels_last=1),
    ]  # fmt: skip
    given = [weights("w", 4, 3, 3, 3, dtype=np.int8), constant("s", 1.0),
             constant("z", 0, np.uint8), constant("wz", 0, np.int8)]  # fmt: skip
    path = save(tmp_path / "m.onnx", nodes, given, (1, 8, 6, 3), kind=onnx.TensorProto.UINT8)
    network = bf.read_onnx(path)
    assert network.macs == 108 * 6 * 4
    assert bf.read_onnx_precision(path)["y_node"] == (8, 8)
