"""ONNX's weighted and pooling operations as layers: one short function an operation."""

from math import prod

from bfimna.network.layer import Shape
from bfimna.network.readers.onnx_graph import Node
from bfimna.network.readers.onnx_translation import Translation


def windows(t: Translation, node: Node, shape: Shape, kernel: tuple[int, ...]) -> dict[str, tuple]:  # type: ignore[type-arg]
    """Return kernel, stride, dilation and padding of a sliding window over (C, H, W)."""
    n = len(kernel)
    if n not in (1, 2):
        raise node.refuse(f"{n}-dimensional windows are not modelled; 1 and 2 are")
    stride = node.numbers("strides", (1,) * n)
    dilation = node.numbers("dilations", (1,) * n)
    pads = node.numbers("pads", (0,) * 2 * n)
    auto = node.text("auto_pad", "NOTSET")
    if auto not in ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"):
        raise node.refuse(f"unknown auto_pad {auto!r}")
    if min(*kernel, *stride, *dilation) < 1:
        raise node.refuse(
            f"kernel {kernel}, strides {stride}, dilations {dilation}: want 1 or more"
        )
    if auto.startswith("SAME"):
        total = [
            max((-(-size // s) - 1) * s + d * (k - 1) + 1 - size, 0)
            for size, k, s, d in zip(shape[3 - n :], kernel, stride, dilation, strict=True)
        ]
        less = [pad // 2 for pad in total]
        more = [pad - half for pad, half in zip(total, less, strict=True)]
        pads = (*less, *more) if auto == "SAME_UPPER" else (*more, *less)
    elif auto == "VALID":
        pads = (0,) * 2 * n
    if n == 1:
        kernel, stride, dilation = (1, *kernel), (1, *stride), (1, *dilation)
        pads = (0, pads[0], 0, pads[1])
    return {"kernel": kernel, "stride": stride, "dilation": dilation, "padding": pads}


def conv(t: Translation, node: Node) -> None:
    """Conv, QLinearConv, ConvInteger: groups, depthwise, dilation, padding; 1-D and 2-D."""
    source, weight = t.source(node), weight_of(node)
    dims = t.dims(weight, node)
    shape = t.shapes[source]
    if weight not in t.graph.constants:
        raise node.refuse("its weights depend on the data: not modelled")
    data = t.dims(node.inputs[0], node)
    if len(dims) < 3 or len(dims) != len(data):
        raise node.refuse(f"weights of {dims} for an input of {data}")
    groups = node.number("group", 1)
    if dims[1] * groups != shape[0]:  # type: ignore[operator]
        raise node.refuse(f"weights of {dims} in {groups} groups for {shape[0]} input channels")
    window = windows(t, node, shape, dims[2:])  # type: ignore[arg-type]
    name = t.emit(node, "conv", (source,), channels=dims[0], groups=groups, **window)
    t.gemms[name] = (weight, node.inputs[0])
    t.done(node, name)


def weight_of(node: Node) -> str:
    """Return the tensor that holds the weights of a weighted node."""
    k = 3 if node.op.startswith("QLinear") else 1
    if len(node.inputs) <= k:
        raise node.refuse("has no weights")
    return node.inputs[k]


def linear(t: Translation, node: Node) -> None:
    """Gemm, MatMul, MatMulInteger, QLinearMatMul with constant weights.

    On a tensor with more than one position, the positions are a 1 × 1 convolution's.
    """
    source, weight = t.source(node), weight_of(node)
    if weight not in t.graph.constants:
        raise node.refuse("a product of two tensors that depend on the data is not modelled")
    dims = t.dims(weight, node)
    if len(dims) != 2 or node.number("transA", 0):
        raise node.refuse(f"weights of {dims}, transA={node.number('transA', 0)}: want a matrix")
    if node.op == "Gemm" and any(i and i not in t.graph.constants for i in node.inputs[2:]):
        raise node.refuse("its addend depends on the data: not modelled")
    inner, outer = reversed(dims) if node.number("transB", 0) else dims
    data = t.dims(node.inputs[0], node)
    if data[-1] != inner:
        raise node.refuse(f"weights of {dims} for an input of {data}")
    if t.shapes[source] == (inner, 1, 1):
        name = t.emit(node, "linear", (source,), channels=outer)
    else:
        positions = prod(t.shapes[source]) // inner  # type: ignore[operator]
        rows = t.emit(node, "view", (source,), ".rows", channels=inner, size=(positions, 1))
        name = t.emit(node, "conv", (rows,), channels=outer)
    t.gemms[name] = (weight, node.inputs[0])
    if t.by_name[name].kind == "conv":
        name = t.view(node, name, node.outputs[0], ".back")
    t.done(node, name)


def pool(t: Translation, node: Node) -> None:
    """MaxPool and AveragePool, with overhanging windows (ceil_mode) and dilation."""
    source = t.source(node)
    n = len(t.dims(node.inputs[0], node)) - 2
    kernel = node.numbers("kernel_shape", (0,) * n)
    window = windows(t, node, t.shapes[source], kernel)
    kind = "maxpool" if node.op == "MaxPool" else "avgpool"
    ceil = bool(node.number("ceil_mode", 0))
    t.done(node, t.emit(node, kind, (source,), ceil=ceil, **window))


def global_pool(t: Translation, node: Node) -> None:
    """GlobalMaxPool, GlobalAveragePool."""
    source = t.source(node)
    kind = "maxpool" if node.op == "GlobalMaxPool" else "avgpool"
    t.done(node, t.emit(node, kind, (source,), kernel=t.shapes[source][1:]))


def reduce_mean(t: Translation, node: Node) -> None:
    """ReduceMean over all positions of a channel: a global average pooling."""
    source = t.source(node)
    rank = len(t.dims(node.inputs[0], node))
    axes = node.attributes.get("axes")
    if len(node.inputs) > 1:
        value = t.graph.values.get(node.inputs[1])
        axes = None if value is None else tuple(int(x) for x in value.flat)
    spatial = set(range(2, rank))
    if not spatial or not isinstance(axes, tuple) or {a % rank for a in axes} != spatial:
        raise node.refuse(
            f"a mean over axes {axes} of {rank} is not modelled; over all positions is"
        )
    name = t.emit(node, "avgpool", (source,), kernel=t.shapes[source][1:])
    if not node.number("keepdims", 1):
        name = t.view(node, name, node.outputs[0], ".flat")
    t.done(node, name)
