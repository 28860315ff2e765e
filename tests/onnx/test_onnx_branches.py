"""Branches that sizes decide stand in place of their Ifs; others are obstacles among all."""

import numpy as np
import pytest
from onnx import TensorProto, helper

import bfimna as bf

from .onnx_models import constant, convolution, node, save, weights

C, W = convolution()


def branch(name, nodes, stored=(), output=None):
    made = helper.make_tensor_value_info(output or nodes[-1].output[0], TensorProto.FLOAT, None)
    return helper.make_graph(nodes, name, [], [made], list(stored))


def choice(condition, then, other, out="y", name="y_node"):
    return helper.make_node("If", [condition], [out], name, then_branch=then, else_branch=other)


def about_rows(rows):
    """Return nodes that ask whether the convolution's result has so many rows."""
    return [
        C,
        node("Shape", "c", out="shape"),
        node("Gather", "shape", "two", out="height"),
        node("Equal", "height", "rows", out="is"),
    ], [W, constant("two", 2, np.int64), constant("rows", rows, np.int64)]


def kinds(network):
    return [layer.kind for layer in network.layers]


@pytest.mark.parametrize(("rows", "taken"), [(8, ["relu", "conv"]), (7, ["lookup"])])
def test_the_branch_that_a_size_decides(rows, taken, tmp_path):
    """Names within a branch are its own: here both make `r`, as does the graph around."""
    nodes, given = about_rows(rows)
    inside = [node("Relu", "c", out="r"), node("Conv", "r", "v", out="z")]
    then = branch("then", inside, [weights("v", 5, 4, 1, 1)])
    other = branch("else", [node("Sigmoid", "c", out="r")])
    nodes += [
        choice("is", then, other),
        node("Abs", "y", out="r"),
        node("MaxPool", "r", out="e", kernel_shape=[2, 2]),
    ]
    network = bf.read_onnx(save(tmp_path / "m.onnx", nodes, given))
    expected = ["input", "conv", *taken, *(["lookup"] if rows == 8 else []), "maxpool"]
    assert kinds(network) == expected
    assert network.weights == 108 + 20 * (rows == 8)


def test_a_branch_that_hands_a_tensor_on(tmp_path):
    nodes, given = about_rows(8)
    kept = branch("then", [node("Identity", "c", out="i")])
    nodes += [
        choice("is", kept, branch("else", [node("Relu", "c", out="r")])),
        node("Tanh", "y", out="e"),
    ]
    assert kinds(bf.read_onnx(save(tmp_path / "m.onnx", nodes, given))) == [
        "input",
        "conv",
        "lookup",
    ]


def test_a_branch_within_a_branch(tmp_path):
    """The inner condition is known once the outer branch is taken."""
    nodes, given = about_rows(8)
    inner = choice(
        "deep",
        branch("t", [node("Relu", "c", out="t")]),
        branch("e", [node("Tanh", "c", out="t")]),
        "z",
        "in",
    )
    asks = [
        node("Shape", "c", out="s"),
        node("Gather", "s", "two", out="h"),
        node("Less", "h", "rows", out="deep"),
    ]
    then = branch("then", [*asks, inner])
    nodes += [choice("is", then, branch("else", [node("Abs", "c", out="a")]))]
    network = bf.read_onnx(save(tmp_path / "m.onnx", nodes, given))
    assert network.layers[-1].kind == "lookup"
    assert "Tanh" not in network.layers[-1].name
    assert network.layers[-1].name == "t_node"


def test_a_condition_from_the_data_is_an_obstacle_among_all(tmp_path):
    """The tensors that branches read are read, so that no convolution before them is dropped."""
    other = branch("else", [node("Abs", "c", out="a")])
    nodes = [
        C,
        node("ReduceMax", "c", out="m", keepdims=0),
        node("Greater", "m", "zero", out="is"),
        choice("is", branch("then", [node("Relu", "c", out="r")]), other),
        node("NonMaxSuppression", "c", out="n"),
        node("Add", "y", "n", out="e"),
    ]  # fmt: skip
    path = save(tmp_path / "m.onnx", nodes, [W, constant("zero", 0.0)])
    says = "2 obstacles: If node 'y_node': control flow is not modelled; NonMax.*'n_node': not mod"
    with pytest.raises(bf.BfimnaError, match=says):
        bf.read_onnx(path)


def test_names_within_branches_are_text(tmp_path):
    nodes, given = about_rows(8)
    then = branch("then", [node("Relu", "c", out="inside")])
    nodes += [choice("is", then, branch("else", [node("Abs", "c", out="a")]))]
    path = save(tmp_path / "m.onnx", nodes, given)
    path.write_bytes(path.read_bytes().replace(b"inside", b"in\xffide"))
    with pytest.raises(bf.BfimnaError, match=r"not UTF-8|not an ONNX file"):
        bf.read_onnx(path)
