"""Einsum, CumSum, cubic resizing, embeddings, detection at the end."""

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto

import bfimna as bf

from .onnx_models import build, constant, convolution, node, save, weights

C, W = convolution()
SHAPE = (1, 3, 8, 6)


def kinds(network):
    return [layer.kind for layer in network.layers]


def runtime(model, **feeds):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model.SerializeToString(), options).run(None, feeds)[0]


@pytest.mark.parametrize(
    ("equation", "dims", "order"),
    [("nchw,cd->ndhw", (3, 5), "xw"), ("bchw,wk->bchk", (6, 4), "xw"),
     ("dc,nchw->nhwd", (7, 3), "wx"), ("nchw,chk->nwk", (3, 8, 5), "xw")],
)  # fmt: skip
def test_einsum_with_weights_is_a_product_of_matrices(equation, dims, order, tmp_path):
    inputs = order.replace("w", "k")
    nodes, given = [node("Einsum", *inputs, out="y", equation=equation)], [weights("k", *dims)]
    y = runtime(build(nodes, given, SHAPE), x=np.zeros(SHAPE, np.float32))
    network = bf.read_onnx(save(tmp_path / "m.onnx", nodes, given, SHAPE))
    assert np.prod(network.shapes[network.layers[-1].name]) == y.size
    letters = set(equation) - set(",->")
    size = dict(zip(equation.split("->")[0].split(",")[order.index("x")], SHAPE, strict=True))
    size |= dict(zip(equation.split("->")[0].split(",")[order.index("w")], dims, strict=True))
    assert network.macs == np.prod([size[letter] for letter in letters])
    assert network.weights == np.prod(dims)


def test_cumulative_sum_adds_at_doubling_distances(tmp_path):
    nodes, given = [node("CumSum", "x", "axis", out="y")], [constant("axis", 2, np.int64)]
    network = bf.read_onnx(save(tmp_path / "m.onnx", nodes, given, SHAPE))
    assert kinds(network) == ["input", *["view", "add"] * 3]
    x = np.random.default_rng(1).integers(-9, 9, 8)
    total = x.copy()
    for distance in (1, 2, 4):
        total = total + np.pad(total, (distance, 0))[:8]
    np.testing.assert_array_equal(total, np.cumsum(x))


def test_cubic_is_four_neighbours_along_each_axis(tmp_path):
    nodes = [node("Resize", "x", "", "sc", out="y", mode="cubic")]
    given = [constant("sc", [1, 1, 2, 3])]
    y = runtime(build(nodes, given, SHAPE), x=np.zeros(SHAPE, np.float32))
    network = bf.read_onnx(save(tmp_path / "m.onnx", nodes, given, SHAPE))
    assert network.shapes[network.layers[-1].name] == y.shape[1:]
    axis = ["view", "scale"] + ["view", "scale", "add"] * 3
    assert kinds(network) == ["input", *axis * 2]


def test_rows_of_an_embedding_are_the_hosts(tmp_path):
    nodes = [node("Gather", "table", "x", out="e"), node("MatMul", "e", "w", out="y")]
    given = [weights("table", 1000, 16), weights("w", 16, 4)]
    path = save(tmp_path / "m.onnx", nodes, given, (1, 12), kind=TensorProto.INT64)
    network = bf.read_onnx(path)
    assert kinds(network) == ["input", "view", "conv", "view"]
    assert (network.weights, network.macs) == (16 * 4, 12 * 16 * 4)
    assert network.notes == (
        "Gather node 'e_node' of a constant table is left to the host: its result is an input",
    )


def test_detections_at_the_end_are_the_hosts(tmp_path):
    """The boxes that non-maximum suppression picks, and what is picked by them."""
    nodes = [
        C,
        node("Reshape", "c", "boxes", out="b"),
        node("Reshape", "c", "scores", out="s"),
        node("NonMaxSuppression", "b", "s", "most", out="n"),
        node("Gather", "n", "last", out="at", axis=1),
        node("Gather", "b", "at", out="y", axis=1),
    ]
    whole = lambda name, value: constant(name, value, np.int64)  # noqa: E731
    given = [W, whole("boxes", [1, -1, 4]), whole("scores", [1, 1, -1]), whole("most", [5]),
             whole("last", 2)]  # fmt: skip
    path = save(tmp_path / "m.onnx", nodes, given)
    network = bf.read_onnx(path)
    assert kinds(network) == ["input", "conv", "view", "view"]
    assert network.notes == (
        "NonMaxSuppression node 'n_node' at the end is left to the host: not counted",
    )


def test_weights_on_the_left_of_a_product(tmp_path):
    nodes = [node("MatMul", "w", "x", out="m"), node("Add", "m", "b", out="y")]
    given = [weights("w", 5, 8), weights("b", 1, 5, 1)]
    y = runtime(build(nodes, given, SHAPE), x=np.zeros(SHAPE, np.float32))
    network = bf.read_onnx(save(tmp_path / "m.onnx", nodes, given, SHAPE))
    assert network.shapes[network.layers[-1].name] == y.shape[1:]
    assert (network.weights, network.macs) == (5 * 8, 5 * 8 * 3 * 6)
    assert kinds(network) == ["input", "view", "conv", "view", "bias"]


def test_dropout_left_on_is_named_as_the_cause(tmp_path):
    nodes = [C, node("Bernoulli", "half", out="keep"), node("Div", "keep", "p", out="k"),
             node("Mul", "c", "k", out="y")]  # fmt: skip
    given = [W, constant("half", np.full((1, 4, 8, 8), 0.5)), constant("p", 0.5)]
    with pytest.raises(bf.BfimnaError, match=r"m\.onnx: Bernoulli node 'keep_node': .* evaluation"):
        bf.read_onnx(save(tmp_path / "m.onnx", nodes, given))
