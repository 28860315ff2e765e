"""Functions of one word that files write as several nodes; operators with no layer of their own."""

import numpy as np
import pytest
from onnx import helper

import bfimna as bf

from .onnx_models import constant, convolution, node, save, weights

C, W = convolution()


def scalar(name, value):
    return constant(name, value)


def read(tmp_path, nodes, given=(), **options):
    return bf.read_onnx(save(tmp_path / "m.onnx", [C, *nodes], [W, *given], **options))


def kinds(network, start=2):
    return [layer.kind for layer in network.layers[start:]]


HALF, ONE, THREE, SIX = (scalar(n, v) for n, v in (("h", 0.5), ("o", 1.0), ("t", 3.0), ("s", 6.0)))
ZERO, ROOT = scalar("z", 0.0), scalar("r", 2**0.5)
SIGMOID, HARD = node("Sigmoid", "c", out="g"), node("HardSigmoid", "c", out="g")
FUSED = {
    "SiLU": ("lookup", [SIGMOID, node("Mul", "c", "g", out="y")]),
    "SiLU, the other way": ("lookup", [SIGMOID, node("Mul", "g", "c", out="y")]),
    "hard swish": ("hardswish", [HARD, node("Mul", "g", "c", out="y")]),
    "hard swish, its formula": (
        "hardswish",
        [node("Add", "c", "t", out="a"), node("Clip", "a", "z", "s", out="b"),
         node("Mul", "c", "b", out="m"), node("Div", "m", "s", out="y")],
    ),
    "hard swish, divided first": (
        "hardswish",
        [node("Add", "c", "t", out="a"), node("Clip", "a", "z", "s", out="b"),
         node("Div", "b", "s", out="m"), node("Mul", "c", "m", out="y")],
    ),
    "GELU": (
        "lookup",
        [node("Div", "c", "r", out="a"), node("Erf", "a", out="b"), node("Add", "b", "o", out="d"),
         node("Mul", "c", "d", out="e"), node("Mul", "e", "h", out="y")],
    ),
    "GELU by tanh": (
        "lookup",
        [node("Pow", "c", "t", out="p"), node("Mul", "p", "h", out="q"),
         node("Add", "c", "q", out="u"), node("Mul", "u", "h", out="v"), node("Tanh", "v", out="w"),
         node("Add", "o", "w", out="d"), node("Mul", "c", "d", out="e"),
         node("Mul", "e", "h", out="y")],
    ),
    "Mish": (
        "lookup",
        [node("Softplus", "c", out="a"), node("Tanh", "a", out="b"),
         node("Mul", "c", "b", out="y")],
    ),
    "GELU by tanh, its cube multiplied out": (
        "lookup",
        [node("Mul", "c", "c", out="n"), node("Mul", "n", "c", out="p"),
         node("Mul", "p", "h", out="q"), node("Add", "c", "q", out="u"),
         node("Mul", "u", "h", out="v"), node("Tanh", "v", out="w"), node("Add", "o", "w", out="d"),
         node("Mul", "c", "h", out="e"), node("Mul", "e", "d", out="y")],
    ),
    "softplus with a threshold": (
        "lookup",
        [node("Greater", "c", "t", out="m"), node("Softplus", "c", out="s1"),
         node("Where", "m", "c", "s1", out="y")],
    ),
    "Mish, its exponential read twice": (
        "lookup",
        [node("Exp", "c", out="e"), node("Add", "e", "t", out="a"), node("Mul", "e", "a", out="n"),
         node("Add", "n", "s", out="d"), node("Div", "n", "d", out="q"),
         node("Mul", "c", "q", out="y")],
    ),
    "gate read twice": (
        "lookup",
        [SIGMOID, node("Mul", "g", "c", out="m"), node("Add", "m", "g", out="y")],
    ),
    "gate behind a quantiser, read twice": (
        "lookup",
        [SIGMOID, node("Identity", "g", out="i"), node("Mul", "i", "c", out="m"),
         node("Add", "m", "g", out="y")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", FUSED)
def test_function_of_one_word_is_one_layer(what, tmp_path):
    kind, nodes = FUSED[what]
    network = read(tmp_path, nodes, [HALF, ONE, THREE, SIX, ZERO, ROOT])
    assert kinds(network) == [kind]
    assert network.layers[-1].inputs == ("c_node",)


@pytest.mark.parametrize(("gate", "fused"), [("HardSigmoid", "HardSwish"), ("Sigmoid", "Swish")])
def test_two_nodes_cost_what_the_operator_does(gate, fused, tmp_path):
    """With a quantiser between them too."""
    technology = bf.data.load_technology("sram-14nm-lstp")
    latencies = []
    for nodes in (
        [node(gate, "c", out="g"), node("Mul", "g", "c", out="y")],
        [node(gate, "c", out="g"), node("QuantizeLinear", "g", "o", "u", out="gq"),
         node("DequantizeLinear", "gq", "o", "u", out="gd"), node("Mul", "gd", "c", out="y")],
        [node(fused, "c", out="y")],
    ):  # fmt: skip
        network = read(tmp_path, nodes, [ONE, constant("u", 0, np.uint8)], opset=24)
        bits = bf.Precision.fixed(network, 8)
        latencies.append(bf.simulate(network, bits, bf.Chip.limited(), technology).latency_s)
    assert latencies[0] == latencies[1] == latencies[2]


KEPT = {
    "gate of another tensor": (
        [SIGMOID, node("Relu", "c", out="e"), node("Mul", "g", "e", out="y")],
        ["lookup"],
    ),
    "gate that others read": (
        [SIGMOID, node("Mul", "g", "c", out="m"), node("GlobalMaxPool", "g", out="p"),
         node("Mul", "m", "p", out="y")],
        ["lookup", "mul", "maxpool", "mul"],
    ),
    "sum with a scaled copy": (
        [node("Mul", "c", "h", out="m"), node("Add", "m", "c", out="y")], ["scale", "add"]),
    "square": ([node("Mul", "c", "c", out="y")], ["mul"]),
    "factor a channel": (
        [SIGMOID, node("Mul", "g", "v", out="m"), node("Tanh", "m", out="y")],
        ["lookup", "scale", "lookup"],
    ),
    "gate behind a quantiser that others read": (
        [SIGMOID, node("Identity", "g", out="i"), node("Mul", "i", "c", out="m"),
         node("GlobalMaxPool", "g", out="p"), node("Mul", "m", "p", out="y")],
        ["lookup", "mul", "maxpool", "mul"],
    ),
    "formula without a look-up": (
        [node("Mul", "c", "c", out="n"),
         node("Add", "n", "c", out="y")],
        ["mul", "add"],
    ),
    "mask of another size": (
        [node("GlobalMaxPool", "c", out="p"), node("Greater", "p", "h", out="m"),
         node("Where", "m", "c", "h", out="y")],
        ["maxpool", "lookup", "view", "bias", "mul", "bias"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", KEPT)
def test_functions_of_two_tensors_stay_apart(what, tmp_path):
    nodes, expected = KEPT[what]
    network = read(tmp_path, nodes, [constant("v", np.ones((4, 1, 1))), HALF])
    assert kinds(network) == expected


# ---- operators by layers that exist ----------------------------------------------------------


def test_softmax_inside_a_graph(tmp_path):
    nodes = [node("Softmax", "c", out="s", axis=1), node("Mul", "s", "c", out="y")]
    network = read(tmp_path, nodes)
    assert kinds(network) == [
        "view", "maxpool", "view", "add", "lookup", "avgpool", "lookup", "mul", "view", "mul",
    ]  # fmt: skip
    assert network["s_node.maxpool"].kernel == (4, 1)
    assert network.notes == ()


def test_maximum_of_two_tensors_loads_both(tmp_path):
    network = read(tmp_path, [node("Relu", "c", out="r"), node("Max", "c", "r", out="y")])
    pooled = network["y_node"]
    assert (pooled.kind, pooled.kernel) == ("maxpool", (2, 1))
    assert network.shapes["y_node"] == (4 * 64, 1, 1)


@pytest.mark.parametrize(("op", "kind"), [("Max", "relu"), ("Min", "clip")])
def test_maximum_with_a_number(op, kind, tmp_path):
    assert kinds(read(tmp_path, [node(op, "c", "z", out="y")], [ZERO])) == [kind]


def test_bilinear_is_two_neighbours_along_each_axis(tmp_path):
    nodes = [node("Resize", "c", "", "sc", out="y", mode="linear")]
    network = read(tmp_path, nodes, [constant("sc", [1, 1, 2, 2])])
    assert kinds(network) == ["view", "view", "add", "scale", "add"] * 2
    assert network.shapes[network.layers[-1].name] == (4, 16, 16)
    assert network.shapes["y_node.2.sum"] == (4, 16, 8)


def test_reduction_adds_up_each_word_once(tmp_path):
    network = read(
        tmp_path, [node("ReduceSum", "c", "a", out="y")], [constant("a", [1, 3], np.int64)]
    )
    pooled = network["y_node"]
    assert (pooled.kind, pooled.kernel, network.shapes["y_node"]) == ("avgpool", (32, 1), (8, 1, 1))


def test_two_inputs(tmp_path):
    conv, w = convolution("d", "z0", (2, 4))
    path = save(tmp_path / "m.onnx", [C, conv, node("Add", "c", "d", out="y")], [W, w])
    import onnx

    model = onnx.load(path)
    model.graph.input.append(helper.make_tensor_value_info("z0", 1, ["N", 2, "h", "w"]))
    path.write_bytes(model.SerializeToString())
    with pytest.raises(bf.BfimnaError, match="input 'z0' has shape"):
        bf.read_onnx(path)
    with pytest.raises(
        bf.BfimnaError, match="must be a mapping: the graph has the inputs 'x', 'z0'"
    ):
        bf.read_onnx(path, input_shape=(2, 8, 8))
    network = bf.read_onnx(path, input_shape={"z0": (2, 8, 8)})
    assert [layer.kind for layer in network.layers] == ["input", "input", "conv", "conv", "add"]
    assert network.macs == 64 * 9 * 4 * (3 + 2)


def test_bias_of_a_product_over_positions_is_folded(tmp_path):
    nodes = [node("Transpose", "x", out="t", perm=[0, 2, 3, 1]), node("MatMul", "t", "w", out="m"),
             node("Add", "m", "b", out="y")]  # fmt: skip
    path = save(tmp_path / "m.onnx", nodes, [weights("w", 3, 5), weights("b", 5)])
    assert kinds(bf.read_onnx(path), 1) == ["view", "view", "conv", "view"]


def test_every_obstacle_is_listed(tmp_path):
    nodes = [
        C,
        *(node("NonMaxSuppression", "c", out=f"n{k}") for k in range(9)),
        node("Relu", "n0", out="hidden"),
        node("Pow", "c", "c", out="p"),
        node("MatMul", "p", "p", out="q"),
        node("Sum", *(f"n{k}" for k in range(1, 9)), "q", "hidden", out="y"),
    ]
    with pytest.raises(bf.BfimnaError) as error:
        bf.read_onnx(save(tmp_path / "m.onnx", nodes, [W]))
    message = str(error.value)
    assert "11 obstacles: NonMaxSuppression 9 nodes 'n0_node'," in message
    assert "and 3 more: not modelled; Pow node 'p_node': an exponent" in message
    assert "MatMul node 'q_node': a product of two tensors" in message
    assert "hidden" not in message
    assert len(message) < 1000
