"""Sizes of every tensor and folded values: ONNX Runtime, run with every tensor as an output."""

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from onnx import helper

import bfimna as bf
from bfimna.onnx.model_graph import read_graph

from .onnx_models import LIGHT, build, constant, node, save, weights


def whole(name, *values):
    return constant(name, values, np.int64)


def number(name, value):
    return constant(name, value, np.int64)


ONES = constant("v3", np.ones(3))
#: what → nodes, constants; the input x is (2, 3, 8, 6)
CASES = {
    "legacy flatten": (
        [node("Shape", "x", out="s"), node("Gather", "s", "i0", out="b", axis=0),
         node("Unsqueeze", "b", "a0", out="u"), node("Concat", "u", "rest", out="t", axis=0),
         node("Reshape", "x", "t", out="y")],
        [number("i0", 0), whole("a0", 0), whole("rest", -1)],
    ),
    "legacy upsampling": (
        [node("Shape", "x", out="s"), node("Slice", "s", "a2", "a4", "a0", out="hw"),
         node("Mul", "hw", "two", out="wanted"), node("Slice", "s", "a0", "a2", "a0", out="nc"),
         node("Concat", "nc", "wanted", out="t", axis=0),
         node("Resize", "x", "", "", "t", out="y", mode="linear")],
        [whole("a0", 0), whole("a2", 2), whole("a4", 4), whole("two", 2)],
    ),
    "legacy padding": (
        [node("Shape", "x", out="s"), node("Gather", "s", "i3", out="w", axis=0),
         node("Div", "w", "four", out="d"), node("Add", "d", "i3", out="p"),
         node("Cast", "p", out="pc", to=7), node("Unsqueeze", "pc", "a0", out="pu"),
         node("Concat", "seven", "pu", out="pads", axis=0), node("Pad", "x", "pads", out="y")],
        [number("i3", 3), number("four", 4), whole("a0", 0), whole("seven", *[0] * 7)],
    ),
    "legacy expand": (
        [node("Shape", "x", out="s"),
         node("ConstantOfShape", "four", out="ones", value=number("", [1])),
         node("Equal", "s", "ones", out="e"), node("Where", "e", "s", "s", out="t"),
         node("GlobalMaxPool", "x", out="g"), node("Expand", "g", "t", out="y")],
        [whole("four", 4)],
    ),
    "range": (
        [node("Shape", "x", out="s"), node("Gather", "s", "i1", out="c", axis=0),
         node("Range", "i0", "c", "i1", out="r"), node("Gather", "x", "r", out="y", axis=1)],
        [number("i0", 0), number("i1", 1)],
    ),
    "slices": ([node("Slice", "x", "st", "en", "ax", "sp", out="y")],
               [whole("st", -1, 1), whole("en", -100, 2**40), whole("ax", -2, 3),
                whole("sp", -3, 2)]),
    "squeezing": (
        [node("ReduceMax", "x", out="m", axes=[1, -1]), node("Squeeze", "m", "a1", out="q"),
         node("Unsqueeze", "q", "a03", out="y")],
        [whole("a1", 1), whole("a03", 1, -1)],
    ),
    "squeeze all": ([node("ReduceMax", "x", out="m", axes=[2]), node("Squeeze", "m", out="y")], []),
    "parts": (
        [helper.make_node("Split", ["x", "sizes"], ["p", "q"], "p_node", axis=2),
         node("Concat", "q", "p", "q", out="y", axis=-2)], [whole("sizes", 3, 5)]),
    "even parts": ([helper.make_node("Split", ["x"], ["p", "q"], "p_node", axis=-1),
                    node("Mul", "p", "q", out="y")], []),
    "tiles": ([node("Tile", "x", "r", out="t"), node("Transpose", "t", out="y", perm=[0, 2, 3, 1])],
              [whole("r", 1, 2, 1, 3)]),
    "blocks": ([node("SpaceToDepth", "x", out="s", blocksize=2),
                node("DepthToSpace", "s", out="y", blocksize=2)], []),
    "flat": ([node("Flatten", "x", out="f", axis=1), node("Relu", "f", out="y")], []),
    "scales": ([node("Resize", "x", "", "sc", out="y", mode="nearest")],
               [constant("sc", [1, 1, 2.5, 0.5])]),
    "gates": (
        [node("ReduceMean", "x", out="m", axes=[1]), node("Sigmoid", "m", out="g"),
         node("Mul", "x", "g", out="a"), node("Add", "v3", "a3", out="c"),
         node("Reshape", "c", "cs", out="c4"), node("Add", "a", "c4", out="y")],
        [ONES, constant("a3", np.ones(3)), whole("cs", 3, 1, 1)],
    ),
    "sequence": ([node("Transpose", "x", out="t", perm=[0, 2, 3, 1]),
                  node("MatMul", "t", "w", out="m"), node("Softmax", "m", out="p"),
                  node("Max", "p", "m", out="y")], [weights("w", 3, 5)]),
    "broadcast product": ([node("MatMul", "x", "w4", out="y")], [weights("w4", 1, 1, 6, 7)]),
    "reductions": (
        [node("ReduceSum", "x", "a13", out="s", keepdims=0), node("ReduceL2", "x", out="l",
         axes=[-3], keepdims=0), node("ReduceMin", "l", out="n", axes=[2], keepdims=0),
         node("Sub", "s", "n", out="y")], [whole("a13", 1, 3)]),
    "best": ([node("ArgMax", "x", out="y", axis=2, keepdims=0)], []),
    "choice": ([node("Less", "x", "zero", out="m"), node("Where", "m", "zero", "x", out="y")],
               [constant("zero", 0.0)]),
    "norms": ([node("InstanceNormalization", "x", "v3", "v3", out="i"),
               node("LayerNormalization", "i", "v86", out="y", axis=-2)],
              [ONES, constant("v86", np.ones((8, 6)))]),
    "slopes": ([node("PRelu", "x", "sl", out="p"), node("LeakyRelu", "p", out="y", alpha=-2.0)],
               [constant("sl", [[[0.5]], [[2.0]], [[-1.0]]])]),
}  # fmt: skip


def run(model, feeds):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    names = [o.name for o in session.get_outputs()]
    return dict(zip(names, session.run(None, feeds), strict=True))


def with_every_output(model):
    """Return a copy whose graph's outputs are all tensors that a node makes."""
    model = type(model).FromString(model.SerializeToString())
    del model.graph.output[:]
    for n in model.graph.node:
        for name in n.output:
            model.graph.output.add(name=name)
    return model


def check_sizes(path, model, feeds):
    """Compare every tensor's dimensions, and every folded value, with ONNX Runtime's."""
    found, graph = run(with_every_output(model), feeds), read_graph(path)
    assert not graph.refused
    for name, array in found.items():
        assert graph.dims[name] == array.shape, name
        if graph.values.get(name) is not None:
            np.testing.assert_array_equal(graph.values[name], array, strict=True)
    return found, graph


@pytest.mark.parametrize("what", CASES)
def test_sizes_and_values_are_onnx_runtimes(what, tmp_path):
    nodes, given = CASES[what]
    model = build(nodes, given, (2, 3, 8, 6))
    path = save(tmp_path / "m.onnx", nodes, given, (2, 3, 8, 6))
    x = np.linspace(-1, 1, 2 * 3 * 8 * 6, dtype=np.float32).reshape(2, 3, 8, 6)
    found, _ = check_sizes(path, model, {"x": x})
    network = bf.read_onnx(path, input_shape=(3, 8, 6))  # of one of the batch of 2
    if what != "best":  # which the host does
        shape = network.shapes[network.layers[-1].name]
        assert 2 * np.prod(shape) == found["y"].size


def test_shape_computations_are_folded(tmp_path):
    for what in ("legacy flatten", "legacy upsampling", "legacy padding", "legacy expand"):
        nodes, given = CASES[what]
        graph = read_graph(save(tmp_path / "m.onnx", nodes, given, (2, 3, 8, 6)))
        target = nodes[-1].input[-1]
        assert graph.values[target] is not None, what


@pytest.mark.parametrize("name", ["light_shufflenet", "light_inception_v2", "light_densenet121"])
def test_public_cnns_sizes_are_those_of_onnxs_inference(name):
    model = onnx.shape_inference.infer_shapes(onnx.load(LIGHT / f"{name}.onnx"), data_prop=True)
    graph = read_graph(LIGHT / f"{name}.onnx")
    inferred = {
        v.name: tuple(d.dim_value for d in v.type.tensor_type.shape.dim)
        for v in model.graph.value_info
    }
    assert len(inferred) > 90
    assert {name: graph.dims[name] for name in inferred if name in graph.dims} == inferred


@settings(max_examples=60, deadline=None)
@given(data=st.data(), op=st.sampled_from(["Conv", "MaxPool", "AveragePool"]), n=st.integers(1, 3))
def test_windows_along_one_to_three_axes(data, op, n, tmp_path_factory):
    draw = lambda low, high: [data.draw(st.integers(low, high)) for _ in range(n)]  # noqa: E731
    kernel, size, groups = draw(1, 3), draw(2, 7), data.draw(st.sampled_from([1, 2]))
    attributes = {"kernel_shape": kernel, "strides": draw(1, 3)}
    pads = [min(p, k - 1) for p, k in zip(draw(0, 2) + draw(0, 2), kernel * 2, strict=True)]
    attributes["pads"] = pads
    if op == "Conv":
        attributes |= {"group": groups, "dilations": draw(1, 2)}
    else:
        attributes["ceil_mode"] = data.draw(st.integers(0, 1))
    reach = [
        d * (k - 1) + 1 for d, k in zip(attributes.get("dilations", [1] * n), kernel, strict=True)
    ]
    fits = zip(size, pads[:n], pads[n:], reach, strict=True)
    assume(all(a + b + c >= r for a, b, c, r in fits))
    w = weights("w", 6, 4 // groups, *kernel)
    nodes = [node(op, *(["x", "w"] if op == "Conv" else ["x"]), out="y", **attributes)]
    path = save(tmp_path_factory.mktemp("m") / "m.onnx", nodes, [w], [1, 4, *size])
    x = np.zeros([1, 4, *size], np.float32)
    found, _ = check_sizes(path, build(nodes, [w], [1, 4, *size]), {"x": x})
    network = bf.read_onnx(path)
    assert np.prod(network.shapes[network.layers[-1].name]) == found["y"].size
    if op == "Conv":
        products = found["y"].size * 4 // groups * int(np.prod(kernel))
        assert (network.weights, network.macs) == (np.prod(w.dims), products)
    else:  # every element of every window is loaded
        pooled = next(layer for layer in network.layers if layer.kind.endswith("pool"))
        assert np.prod(pooled.kernel) == np.prod(kernel)


def test_padded_convolution_and_pooling_of_a_video(tmp_path):
    """R3D's first layers: (1, 3, 4, 12, 12), padded along every axis."""
    nodes = [
        node("Conv", "x", "w", out="c", kernel_shape=[3, 5, 7], strides=[1, 2, 2],
             pads=[1, 2, 3, 1, 2, 3]),
        node("AveragePool", "c", out="y", kernel_shape=[2, 2, 2], strides=[2, 2, 2],
             pads=[0, 0, 1, 0, 0, 1]),
    ]  # fmt: skip
    given = [weights("w", 8, 3, 3, 5, 7)]
    shape = (1, 3, 4, 12, 12)
    path = save(tmp_path / "m.onnx", nodes, given, shape)
    found, _ = check_sizes(path, build(nodes, given, shape), {"x": np.zeros(shape, np.float32)})
    network = bf.read_onnx(path)
    assert network.weights == 8 * 3 * 3 * 5 * 7
    assert network.macs == network.weights * int(np.prod(found["c"].shape[2:]))
    assert network["y_node"].kernel == (1, 8)
