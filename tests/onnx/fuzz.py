"""Hostile ONNX files, seeded: damaged bytes and damaged structure.

A long campaign: `python -m tests.onnx.fuzz --minutes 5 [--seed 1]`, which stops at the
first file that is neither read nor refused in one line; what campaigns found stands in
test_onnx_fuzz.py.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

import bfimna as bf
from bfimna.onnx.operations import OPERATIONS

from .. import memory
from .onnx_models import LIGHT, build, constant, convolution, node, weights

LARGEST_KIB = 2**20  # more memory than before a campaign
SLOWEST_S = 5.0  # of CPU: a file of these sizes takes milliseconds; more is a hang
NUMBERS = (0, -1, 1, 2, 3, 7, 1000, 2**31 - 1, 2**31, 2**40, 2**62, 2**63 - 1, -(2**63))
OPS = [
    *OPERATIONS, "If", "Loop", "NonZero", "Einsum", "EyeLike", "Col2Im", "RegexFullMatch",
    "StringSplit", "Scan", "SequenceAt", "Unique", "CenterCropPad", "QLinearConv", "ConvInteger",
]  # fmt: skip


def quantised():
    """Return a model with most kinds of operation and quantisers."""
    first, w1 = convolution("a", "xq")
    second, w2 = convolution("d", "r", (4, 4), group=1)
    domain = "qonnx.custom_op.general"
    nodes = [
        node("Quant", "x", "s", "z", "b", out="xq", domain=domain),
        first,
        node("BatchNormalization", "a", "v", "v", "v", "v", out="n"),
        node("Relu", "n", out="r"),
        second,
        node("GlobalAveragePool", "d", out="p"),
        node("HardSigmoid", "p", out="h"),
        node("Mul", "h", "d", out="m"),
        node("Pad", "m", "pads", out="k"),
        node("AveragePool", "k", out="q", kernel_shape=[2, 2], auto_pad="SAME_UPPER"),
        node("Concat", "q", "q", out="j", axis=1),
        node("LRN", "j", out="l", size=3),
        node("Transpose", "l", out="t", perm=[0, 2, 3, 1]),
        node("QuantizeLinear", "t", "s", "z8", out="tq"),
        node("DequantizeLinear", "tq", "s", "z8", out="td"),
        node("Reshape", "td", "shape", out="f"),
        node("Gemm", "f", "g", out="e", transB=1),
        node("Softmax", "e", out="y"),
    ]
    given = [
        w1, w2, weights("g", 10, 8 * 9 * 9), constant("v", np.ones(4)), constant("s", 1.0),
        constant("z", 0.0), constant("b", 4.0), constant("z8", 0, np.uint8),
        constant("pads", [0, 0, 0, 0, 0, 0, 1, 1], np.int64),
        constant("shape", [1, -1], np.int64),
    ]  # fmt: skip
    return build(nodes, given)


def modern():
    """Return a model with what newer and odder files have: norms, gates, resizing, any axes."""
    whole = lambda name, *values: constant(name, values, np.int64)  # noqa: E731
    first, w = convolution("a", "x")
    nodes = [
        first,
        node("InstanceNormalization", "a", "v", "v", out="n"),
        node("PRelu", "n", "slope", out="pr"),
        node("ConvTranspose", "pr", "t", out="up", strides=[2, 2], pads=[1] * 4),
        node("Resize", "up", "", "", "half", out="r", mode="linear"),
        node("Sigmoid", "r", out="g"),
        node("Mul", "r", "g", out="s"),
        node("ReduceMax", "s", out="m", axes=[1]),
        node("Mul", "s", "m", out="e"),
        node("Max", "e", "s", out="x2"),
        node("Pow", "x2", "two", out="q"),
        node("Where", "mask", "q", "x2", out="wh"),
        node("Shape", "wh", out="sh"),
        node("Slice", "sh", "i0", "i2", out="head"),
        node("Concat", "head", "minus", out="target", axis=0),
        node("Reshape", "wh", "target", out="seq"),
        node("Softmax", "seq", out="so"),
        node("LayerNormalization", "so", "g64", out="ln"),
        node("MatMul", "ln", "h", out="mm"),
        node("Concat", "mm", "mm", out="j", axis=2),
        node("ReduceSum", "j", "i1", out="rs", keepdims=0),
        helper.make_node("TopK", ["rs", "i1"], ["y", "y.at"], "y_node"),
    ]
    given = [
        w, weights("t", 4, 4, 4, 4), constant("v", np.ones(4)), constant("slope", np.ones(4)),
        constant("two", 2.0), constant("mask", [True], bool), whole("half", 1, 4, 8, 8),
        whole("i0", 0), whole("i1", 1), whole("i2", 2), whole("minus", -1),
        constant("g64", np.ones(64)), weights("h", 64, 5),
    ]  # fmt: skip
    return build(nodes, given)


def sequence():
    """Return a model with branches that sizes decide, and recurrent layers."""
    graph = lambda *nodes, stored=(): build(list(nodes), stored).graph  # noqa: E731
    stored = [weights("v", 3, 3, 1, 1)]
    inner = helper.make_node(
        "If", ["is"], ["in"], "in_node",
        then_branch=graph(node("Relu", "x", out="a")), else_branch=graph(node("Abs", "x", out="b")),
    )  # fmt: skip
    nodes = [
        node("Shape", "x", out="shape"),
        node("Gather", "shape", "one", out="channels"),
        node("Equal", "channels", "three", out="is"),
        helper.make_node(
            "If", ["is"], ["picked"], "picked_node",
            then_branch=graph(inner, node("Conv", "in", "v", out="t"), stored=stored),
            else_branch=graph(node("Identity", "x", out="e")),
        ),
        node("GatherND", "picked", "places", out="g"),
        node("Reshape", "g", "steps", out="s"),
        helper.make_node("LSTM", ["s", "wl", "rl"], ["l", "h", "c"], "l_node", hidden_size=4),
        node("Squeeze", "l", "one", out="q"),
        node("GRU", "q", "wg", "rg", "", "", "h", out="k", linear_before_reset=1),
        node("RNN", "q", "wr", "rr", out="r"),
        node("Add", "k", "r", out="y"),
    ]  # fmt: skip
    given = [
        constant("one", [1], np.int64), constant("three", 3, np.int64),
        constant("places", [[0, 0], [0, 2]], np.int64), constant("steps", [16, 1, 8], np.int64),
        weights("wl", 1, 16, 8), weights("rl", 1, 16, 4), weights("wg", 1, 12, 4),
        weights("rg", 1, 12, 4), weights("wr", 1, 4, 4), weights("rr", 1, 4, 4),
    ]  # fmt: skip
    return build(nodes, given)


def rewritten():
    """Return a model with fused operators, functions of its own, and odd sums and products."""
    whole = lambda name, *values: constant(name, values, np.int64)  # noqa: E731
    stride = onnx.AttributeProto(name="strides", type=onnx.AttributeProto.INTS, ref_attr_name="s")
    inner = node("Conv", "X", "K", out="t", pads=[1] * 4)
    inner.attribute.append(stride)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    block = helper.make_function(
        "own", "Block", ["X", "K"], ["Y"], [inner, node("Relu", "t", out="Y")], opsets, ["s"]
    )
    call = helper.make_node("Block", ["X", "K"], ["Y"], "inner", domain="own", s=[1, 1])
    outer = helper.make_function("own", "Outer", ["X", "K"], ["Y"], [call], opsets)
    nodes = [
        node("FusedConv", "x", "w", out="f", domain="com.microsoft", pads=[1] * 4,
             activation="LeakyRelu", activation_params=[0.1]),
        helper.make_node("Outer", ["f", "v"], ["o"], "outer", domain="own"),
        node("FusedConv", "o", "v", "", "f", out="g", domain="com.microsoft", pads=[1] * 4,
             activation="Relu"),
        node("Mul", "g", "g", out="s"),
        node("Tanh", "s", out="th"),
        node("Greater", "g", "h", out="gr"),
        node("Where", "gr", "g", "th", out="wh"),
        node("Resize", "wh", "", "sc", out="r", mode="cubic"),
        node("CumSum", "r", "axis", out="c"),
        node("Einsum", "c", "e", out="es", equation="nchw,cd->ndhw"),
        node("MatMul", "left", "es", out="l"),
        node("Reshape", "l", "boxes", out="b"),
        node("Reshape", "l", "scores", out="so"),
        node("NonMaxSuppression", "b", "so", out="n"),
        node("Gather", "b", "n", out="y", axis=1),
    ]  # fmt: skip
    given = [
        weights("w", 4, 3, 3, 3), weights("v", 4, 4, 3, 3), constant("h", 0.5),
        constant("sc", [1, 1, 2, 1]), constant("axis", 2, np.int64), weights("e", 4, 6),
        weights("left", 4, 16), whole("boxes", 1, -1, 4), whole("scores", 1, 1, -1),
    ]  # fmt: skip
    model = build(nodes, given)
    model.functions.extend([block, outer])
    return model


def _function(model, rng):
    body = rng.choice(model.functions).node
    if rng.random() < 0.5:
        body.add().CopyFrom(rng.choice([*model.graph.node, *body]))
    else:
        rng.choice(body).op_type = rng.choice(["Outer", "Block", *OPS])


def bases():
    names = ("bvlc_alexnet", "squeezenet", "zfnet512")
    return [
        quantised(),
        modern(),
        sequence(),
        rewritten(),
        *(onnx.load(LIGHT / f"light_{name}.onnx") for name in names),
    ]


def damaged_bytes(data, rng):
    """Return the bytes cut, flipped, repeated, or with an absurd varint."""
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        at = rng.randrange(len(data) + 1)
        end = min(len(data), at + rng.choice((1, 2, 8, 64)))
        match rng.randrange(6):
            case 0:
                del data[at:]
            case 1:
                data[at:end] = rng.randbytes(end - at)
            case 2:
                del data[at:end]
            case 3:
                data[at:at] = data[at:end] * rng.choice((1, 2, 20))
            case 4:
                data[at:end] = b"\xff" * rng.choice((4, 9)) + b"\x01"
            case _:
                if at < len(data):
                    data[at] ^= 1 << rng.randrange(8)
        if not data:
            break
    return bytes(data)


def damaged_structure(model, rng):
    """Return the file of a copy with a few fields changed to nonsense."""
    model = type(model).FromString(model.SerializeToString())
    for _ in range(rng.choice((1, 1, 2, 5))):
        with suppress(IndexError):  # no field of this kind is left
            rng.choice(DAMAGES)(model, rng)
    return model.SerializeToString()


def _tensor_names(model):
    return [o for n in model.graph.node for o in (*n.input, *n.output)]


def _dims(model, rng):
    tensor = rng.choice(model.graph.initializer)
    if tensor.dims:
        tensor.dims[rng.randrange(len(tensor.dims))] = rng.choice(NUMBERS)


def _input_dims(model, rng):
    dims = rng.choice(model.graph.input).type.tensor_type.shape.dim
    if dims:
        rng.choice(dims).dim_value = rng.choice(NUMBERS)
    if rng.random() < 0.2:
        del dims[:]


def _rewire(model, rng):
    n = rng.choice(model.graph.node)
    if n.input:
        n.input[rng.randrange(len(n.input))] = rng.choice([*_tensor_names(model), "", "nowhere"])


def _rename(model, rng):
    n = rng.choice(model.graph.node)
    if n.output:
        n.output[0] = rng.choice([*_tensor_names(model), "", "new\nline"])
    n.name = rng.choice(["", n.name, model.graph.node[0].name])


def _operation(model, rng):
    n = rng.choice(model.graph.node)
    n.op_type = rng.choice(OPS)
    if rng.random() < 0.1:
        n.domain = rng.choice(("ai.onnx", "ai.onnx.ml", "com.microsoft", "qonnx.custom_op.general"))


def _attribute(model, rng):
    n = rng.choice(model.graph.node)
    if n.attribute and rng.random() < 0.8:
        a = rng.choice(n.attribute)
        if a.ints and rng.random() < 0.7:
            a.ints[rng.randrange(len(a.ints))] = rng.choice(NUMBERS)
        else:
            a.type, a.i, a.f = rng.randrange(15), rng.choice(NUMBERS), float("nan")
            a.ints.extend([1] * rng.randrange(3))
    else:
        name = rng.choice(("axis", "group", "pads", "auto_pad", "size", "transA", "ceil_mode"))
        n.attribute.append(helper.make_attribute(name, rng.choice((*NUMBERS, [1], [1, 2], "SAME"))))


def _lose(model, rng):
    field = rng.choice(
        (model.graph.node, model.graph.input, model.graph.output, model.graph.initializer,
         rng.choice(model.graph.node).input, model.opset_import)
    )  # fmt: skip
    if field:
        del field[rng.randrange(len(field))]


def _repeat(model, rng):
    nodes = list(model.graph.node)
    model.graph.node.add().CopyFrom(rng.choice(nodes))


def _types(model, rng):
    rng.choice(model.graph.initializer).data_type = rng.choice((0, 1, 2, 3, 7, 8, 16, 21, 22, 99))


def _values(model, rng):
    tensor = rng.choice([t for t in model.graph.initializer if len(t.dims) < 2])
    tensor.raw_data = np.array(rng.choices(NUMBERS, k=4), dtype=np.int64).tobytes()[
        : rng.choice((32, 5))
    ]
    tensor.dims[:] = [4]


def _external(model, rng):
    tensor = rng.choice(model.graph.initializer)
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=rng.choice(("/etc/passwd", "../secret", "w")))


def _opset(model, rng):
    for opset in model.opset_import:
        opset.version = rng.choice((-1, 0, 1, 6, 7, 11, 13, 18, 22, 99, 2**62))


DAMAGES = (
    _dims, _input_dims, _rewire, _rewire, _rename, _operation, _attribute, _attribute, _lose,
    _repeat, _types, _values, _external, _opset, _function,
)  # fmt: skip


def _keep(data, seed, k):
    Path("hostile-kept.onnx").write_bytes(data)
    print(f"file {k} of seed {seed}, kept as hostile-kept.onnx", file=sys.stderr)


def campaign(count, seed, folder, minutes=0.0):
    """Read `count` hostile files, or as many as fit `minutes`; return how many refused and read.

    Anything but an answer or a one-line `BfimnaError` that names the file is raised.
    """
    rng = random.Random(seed)
    models = bases()
    files = [model.SerializeToString() for model in models]
    technology = bf.data.load_technology("sram-14nm-lstp")
    path = Path(folder) / "hostile.onnx"
    tally, before = Counter(), memory.start()
    began = time.monotonic()
    for k in range(count):
        if minutes and time.monotonic() - began > 60 * minutes:
            break
        base = rng.randrange(len(models))
        hurt = rng.random() < 0.5
        data = damaged_bytes(files[base], rng) if hurt else damaged_structure(models[base], rng)
        path.write_bytes(data)
        start = time.process_time()
        try:
            network = bf.read_onnx(path)
            bits = bf.read_onnx_precision(path, default=8)
            report = bf.simulate(network, bits, bf.Chip.limited(), technology)
            assert 0 < report.latency_s < float("inf")
            assert report.live_bits.min() >= 0
            tally["read"] += 1
        except bf.BfimnaError as error:
            tally["refused"] += 1
            message = str(error)
            assert "\n" not in message, message
            assert len(message) < 5000, message
        except BaseException:
            _keep(data, seed, k)
            raise
        if time.process_time() - start > SLOWEST_S or memory.peak() - before > LARGEST_KIB:
            _keep(data, seed, k)
            raise AssertionError(f"file {k} of seed {seed} takes too long, or too much memory")
    return tally


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--files", type=int, default=10**9)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    given = parser.parse_args()
    print(f"seed {given.seed}")
    with tempfile.TemporaryDirectory() as place:
        tally = campaign(given.files, given.seed, place, given.minutes)
    print(f"{sum(tally.values())} files: {tally['read']} read, {tally['refused']} refused")


if __name__ == "__main__":
    main()
