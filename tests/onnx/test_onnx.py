"""ONNX files: the public graphs, every operation, folding, refusals."""

import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from onnx import helper

import bfimna as bf

from .onnx_models import LIGHT, PUBLIC, build, constant, convolution, node, save, weights

CNNS = [path.stem for path in PUBLIC]


def kinds(network):
    return [layer.kind for layer in network.layers]


def count_independently(path):
    """Weights and MACs from ONNX's shape inference alone: no code of ours takes part."""
    graph = onnx.shape_inference.infer_shapes(onnx.load(path), data_prop=True).graph
    dims = {t.name: list(t.dims) for t in graph.initializer}
    for value in [*graph.value_info, *graph.output, *graph.input]:
        dims[value.name] = [d.dim_value for d in value.type.tensor_type.shape.dim]
    params = macs = 0
    for n in graph.node:
        if n.op_type in ("Conv", "Gemm"):
            size = int(np.prod(dims[n.input[1]]))
            params += size
            positions = int(np.prod(dims[n.output[0]][2:])) if n.op_type == "Conv" else 1
            macs += size * positions
    return params, macs


def test_every_public_cnn_is_there():
    assert len(CNNS) == 9


@pytest.mark.parametrize("name", CNNS)
def test_public_cnn_has_an_independent_counters_weights_and_macs(name):
    network = bf.read_onnx(LIGHT / f"{name}.onnx")
    assert (network.weights, network.macs) == count_independently(LIGHT / f"{name}.onnx")


@pytest.mark.parametrize("name", CNNS)
def test_public_cnn_is_simulated(name):
    network = bf.read_onnx(LIGHT / f"{name}.onnx")
    technology = bf.data.load_technology("sram-14nm-lstp")
    report = bf.simulate(network, bf.Precision.fixed(network, 8), bf.Chip.limited(), technology)
    assert 0 < report.latency_s < 0.01
    assert report.notes[: len(network.notes)] == network.notes
    assert report.summary["peak_live_bits"] >= 8 * 3 * 224 * 224
    counted = set(report.layers.kind)
    assert set(kinds(network)) - counted <= set(bf.network.layer.ADDRESSING)


def test_resnet50_is_the_zoos_layer_by_layer():
    read, ours = bf.read_onnx(LIGHT / "light_resnet50.onnx"), bf.zoo.resnet50()
    renamed = dict(zip((x.name for x in read.layers), (x.name for x in ours.layers), strict=True))
    for theirs, layer in zip(read.layers, ours.layers, strict=True):
        assert tuple(renamed[name] for name in theirs.inputs) == layer.inputs
        for field in ("kind", "stride", "padding", "dilation", "groups", "channels", "kernel"):
            assert getattr(theirs, field) == getattr(layer, field), layer.name
        assert read.shapes[theirs.name] == ours.shapes[layer.name]


def test_alexnet_differs_from_the_zoos_where_caffes_does():
    """Caffe's AlexNet has two groups, 96 first channels and LRN; the classifier is the same."""
    read, ours = bf.read_onnx(LIGHT / "light_bvlc_alexnet.onnx"), bf.zoo.alexnet()
    without_lrn = [layer for layer in read.layers if layer.kind != "lrn"]
    assert [x.kind for x in without_lrn] == kinds(ours)
    assert [g.layer.groups for g in read.matmuls] == [1, 2, 1, 2, 2, 1, 1, 1]
    assert [g.output_shape[0] for g in read.matmuls] == [96, 256, 384, 384, 256, 4096, 4096, 1000]
    same = [(g.m, g.k, g.n) for g in ours.matmuls[-3:]]
    assert [(g.m, g.k, g.n) for g in read.matmuls[-3:]] == same


# ---- an optional extra -----------------------------------------------------------------------


def test_import_bfimna_does_not_import_onnx():
    code = "import sys, bfimna; sys.exit(any(m.split('.')[0] == 'onnx' for m in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_reading_without_the_onnx_package_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(bf.BfimnaError, match=r"pip install 'bfimna\[onnx\]'"):
        bf.read_onnx(LIGHT / "light_squeezenet.onnx")


# ---- shapes: ONNX Runtime is the oracle ------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(data=st.data(), op=st.sampled_from(["Conv", "MaxPool", "AveragePool"]), n=st.integers(1, 2))
def test_window_shapes_are_onnx_runtimes(data, op, n, tmp_path_factory):
    draw = lambda low, high: [data.draw(st.integers(low, high)) for _ in range(n)]  # noqa: E731
    kernel, size, groups = draw(1, 4), draw(1, 12), data.draw(st.sampled_from([1, 2, 4]))
    attributes = {"kernel_shape": kernel, "strides": draw(1, 3)}
    auto = data.draw(st.sampled_from(["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"]))
    if auto == "NOTSET":
        attributes["pads"] = [
            min(p, k - 1) for p, k in zip(draw(0, 2) + draw(0, 2), kernel * 2, strict=True)
        ]
    else:
        attributes["auto_pad"] = auto
    if op == "Conv":
        attributes |= {"group": groups, "dilations": draw(1, 2 if auto == "NOTSET" else 1)}
    elif auto == "NOTSET":
        attributes["ceil_mode"] = data.draw(st.integers(0, 1))
    w = weights("w", 8, 4 // groups, *kernel)
    inputs = ["x", "w"] if op == "Conv" else ["x"]
    model = build([node(op, *inputs, out="y", **attributes)], [w], [1, 4, *size])
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), _quiet())
        (y,) = session.run(None, {"x": np.zeros([1, 4, *size], np.float32)})
    except Exception:
        assume(False)
    pads = attributes.get("pads", [0] * 2 * n)
    reach = [a + d + e for a, d, e in zip(size, pads[:n], pads[n:], strict=True)]
    assume(auto.startswith("SAME") or all(k <= r for k, r in zip(kernel, reach, strict=True)))
    assume(y.size)  # ONNX Runtime makes empty or odd tensors where no window fits
    path = tmp_path_factory.mktemp("m") / "m.onnx"
    path.write_bytes(model.SerializeToString())
    network = bf.read_onnx(path)
    channels, height, width = network.shapes[network.layers[-1].name]
    assert (channels, *((height, width) if n == 2 else (width,))) == y.shape[1:]
    assert n == 2 or height == 1


@pytest.mark.parametrize(
    ("op", "attributes"),
    [("AveragePool", {"kernel_shape": [1280, 9], "strides": [1280, 3]}),
     ("MaxPool", {"kernel_shape": [9, 12], "strides": [9, 9], "pads": [0, 1, 0, 1]}),
     ("MaxPool", {"kernel_shape": [5, 5], "strides": [3, 4], "dilations": [2, 2]})],
)  # fmt: skip
def test_a_window_larger_than_the_map_is_one_window_with_ceil_mode(op, attributes, tmp_path):
    nodes = [node(op, "x", out="y", ceil_mode=1, **attributes)]
    model = build(nodes, shape=(1, 3, 7, 7))
    session = onnxruntime.InferenceSession(model.SerializeToString(), _quiet())
    (y,) = session.run(None, {"x": np.zeros([1, 3, 7, 7], np.float32)})
    network = bf.read_onnx(save(tmp_path / "m.onnx", nodes, shape=(1, 3, 7, 7)))
    assert network.shapes["y_node"] == y.shape[1:]
    with pytest.raises(bf.BfimnaError, match="does not fit"):
        bf.read_onnx(
            save(tmp_path / "m.onnx", [node(op, "x", out="y", **attributes)], shape=(1, 3, 7, 7))
        )


def _quiet():
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return options


# ---- every kind of operation -----------------------------------------------------------------

C, W = convolution()
TAIL = {
    "Relu": ("relu", {}),
    "Clip": ("clip", {}),
    "LeakyRelu": ("leakyrelu", {"alpha": 0.1}),
    "HardSigmoid": ("hardsigmoid", {}),
    "HardSwish": ("hardswish", {}),
    "Sigmoid": ("lookup", {}),
    "Tanh": ("lookup", {}),
    "LRN": ("lrn", {"size": 5}),
    "GlobalAveragePool": ("avgpool", {}),
    "GlobalMaxPool": ("maxpool", {}),
    "Flatten": ("flatten", {}),
    "Transpose": ("view", {"perm": [0, 2, 3, 1]}),
    "SpaceToDepth": ("view", {"blocksize": 2}),
}


@pytest.mark.parametrize("op", TAIL)
def test_operation_becomes_a_layer(op, tmp_path):
    kind, attributes = TAIL[op]
    path = save(tmp_path / "m.onnx", [C, node(op, "c", out="y", **attributes)], [W])
    assert kinds(bf.read_onnx(path)) == ["input", "conv", kind]


@pytest.mark.parametrize("op", ["Identity", "Dropout", "Cast"])
def test_operation_leaves_no_layer(op, tmp_path):
    attributes = {"to": 1} if op == "Cast" else {}
    path = save(tmp_path / "m.onnx", [C, node(op, "c", out="y", **attributes)], [W])
    assert kinds(bf.read_onnx(path)) == ["input", "conv"]


def test_shape_operations_with_constant_operands(tmp_path):
    nodes = [
        C,
        node("Pad", "c", "pads", out="p"),
        node("Slice", "p", "starts", "ends", out="s"),
        node("Reshape", "s", "shape", out="r"),
    ]
    given = [
        W,
        constant("pads", [0, 0, 1, 0, 0, 0, 2, 0], np.int64),
        constant("starts", [0, 0, 1, 0], np.int64),
        constant("ends", [1, 2, 100, 100], np.int64),
        constant("shape", [1, -1], np.int64),
    ]
    network = bf.read_onnx(save(tmp_path / "m.onnx", nodes, given))
    assert kinds(network) == ["input", "conv", "view", "view", "flatten"]
    assert [network.shapes[x.name] for x in network.layers[2:]] == [
        (4, 11, 8), (2, 10, 8), (160, 1, 1),
    ]  # fmt: skip


def test_split_and_concat(tmp_path):
    split = helper.make_node("Split", ["c"], ["a", "b"], "s", axis=1)
    nodes = [C, split, node("Relu", "a", out="r"), node("Concat", "r", "b", out="y", axis=1)]
    network = bf.read_onnx(save(tmp_path / "m.onnx", nodes, [W]))
    assert kinds(network) == ["input", "conv", "view", "view", "relu", "concat"]
    assert network.shapes["y_node"] == (4, 8, 8)


def test_squeeze_and_excite(tmp_path):
    nodes = [
        C,
        node("GlobalAveragePool", "c", out="p"),
        node("Conv", "p", "w2", out="g"),
        node("HardSigmoid", "g", out="h"),
        node("Mul", "h", "c", out="y"),
    ]
    network = bf.read_onnx(save(tmp_path / "m.onnx", nodes, [W, weights("w2", 4, 4, 1, 1)]))
    assert kinds(network) == ["input", "conv", "avgpool", "conv", "hardsigmoid", "mul"]
    assert network.shapes["y_node"] == (4, 8, 8)


def test_reduce_mean_over_positions_is_average_pooling(tmp_path):
    nodes = [C, node("ReduceMean", "c", out="y", axes=[-1, 2], keepdims=0)]
    network = bf.read_onnx(save(tmp_path / "m.onnx", nodes, [W]))
    assert network.layers[-1].kernel == (8, 8)
    assert network.shapes[network.layers[-1].name] == (4, 1, 1)


def test_matmul_on_several_positions_is_a_convolution(tmp_path):
    path = save(tmp_path / "m.onnx", [node("MatMul", "x", "w", out="y")], [weights("w", 8, 5)])
    network = bf.read_onnx(path)
    assert network.macs == 3 * 8 * 8 * 5
    assert network.shapes[network.layers[-1].name] == (3, 8, 5)


def test_fixed_batch_and_open_batch_give_the_same_network(tmp_path):
    nodes = [C, node("Flatten", "c", out="f"), node("Gemm", "f", "w", out="y", transB=1)]
    given = [W, weights("w", 10, 256)]
    nets = [
        bf.read_onnx(save(tmp_path / "m.onnx", nodes, given, shape=(batch, 3, 8, 8)))
        for batch in (1, 4, "N")
    ]
    assert nets[0] == nets[1] == nets[2]
    assert kinds(nets[0]) == ["input", "conv", "flatten", "linear"]


def test_open_size_needs_input_shape(tmp_path):
    path = save(tmp_path / "m.onnx", [C], [W], shape=("N", 3, "h", "w"))
    with pytest.raises(bf.BfimnaError, match=r"m\.onnx: input 'x' has shape \(1, 3, 0, 0\).*give"):
        bf.read_onnx(path)
    for shape in ((3, 16, 8), (2, 3, 16, 8)):
        network = bf.read_onnx(path, input_shape=shape)
        assert network.shapes["c_node"] == (4, 16, 8)
    with pytest.raises(bf.BfimnaError, match="has 4 dimensions, not 2"):
        bf.read_onnx(path, input_shape=(16, 8))


def test_weights_as_graph_inputs_are_weights(tmp_path):
    """What an export without parameters looks like."""
    model = build([C], [], shape=(1, 3, 8, 8))
    model.graph.input.append(helper.make_tensor_value_info("c.w", 1, [4, 3, 3, 3]))
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    assert bf.read_onnx(tmp_path / "m.onnx").weights == 108


def test_shape_computed_in_the_graph(tmp_path):
    """The flatten of an export with an open batch: Shape, Gather, Unsqueeze, Concat, Reshape."""
    nodes = [
        C,
        node("Shape", "c", out="s"),
        node("Gather", "s", "zero", out="b", axis=0),
        node("Unsqueeze", "b", "axes", out="u"),
        node("Concat", "u", "rest", out="t", axis=0),
        node("Reshape", "c", "t", out="f"),
        node("Gemm", "f", "w", out="y"),
    ]
    whole = lambda name, value: constant(name, value, np.int64)  # noqa: E731
    given = [W, whole("zero", 0), whole("axes", [0]), whole("rest", [-1]), weights("w", 256, 10)]
    network = bf.read_onnx(save(tmp_path / "m.onnx", nodes, given, shape=("N", 3, 8, 8)))
    assert kinds(network) == ["input", "conv", "flatten", "linear"]
