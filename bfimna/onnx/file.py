"""Opening an ONNX file: parsed safely, reduced to a plain graph with shapes.

A stranger's file: only the file itself is opened (never external data), weights are never read, no
code of others but protobuf's parser sees it, every walk is iterative, and sizes are bounded.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from bfimna.errors import BfimnaError, missing_extra, shown, whole_number
from bfimna.files import as_path, is_file
from bfimna.network.layer import MAX_ELEMENTS
from bfimna.onnx.branches import MAX_DEPTH, captured, inner_graphs, taken
from bfimna.onnx.forms import plain
from bfimna.onnx.graph import (
    MAX_RANK,
    RECURRENT,
    Dims,
    Graph,
    Node,
    constants,
    in_order,
    needed,
)  # fmt: skip
from bfimna.onnx.sizes import find_sizes

MAX_BYTES = 2**31  # a protobuf message cannot be larger
MAX_NODES = 200_000

#: dimensions of the data inputs: of the only one, or by name
InputShape = Iterable[int] | Mapping[str, Iterable[int]] | None

#: inputs from this position on hold parameters, so a graph input there is a weight, not data
PARAMETERS = {
    **dict.fromkeys(("Conv", "ConvTranspose", "Gemm", "MatMul", "PRelu"), 1),
    **dict.fromkeys(RECURRENT, 1),
    **dict.fromkeys(("BatchNormalization", "InstanceNormalization"), 1),
    **dict.fromkeys(("GroupNormalization", "LayerNormalization"), 1),
}
INITIAL = {"LSTM": (5, 6), "GRU": (5,), "RNN": (5,)}  # inputs beyond those that are data: states


def read_graph(path: str | Path, input_shape: InputShape = None) -> Graph:
    """Read an ONNX file's graph; every error names the file."""
    path = as_path(path)
    try:
        model = _parse(path)
        nodes, stored = _nodes(model.graph), _stored(model.graph)
        graph = _graph(path.stem, model, nodes, stored, input_shape)
        for _ in range(MAX_DEPTH):
            branches = taken(graph, _nodes)
            if branches is None:
                break
            stored = stored | branches.stored
            graph = _graph(path.stem, model, branches.nodes, stored, input_shape)
    except BfimnaError as error:
        raise BfimnaError(f"{path}: {error}") from None
    return graph


def _graph(
    name: str, model: Any, nodes: list[Node], stored: dict[str, Any], input_shape: InputShape
) -> Graph:
    """Return the graph of nodes and stored tensors, with sizes."""
    outputs = tuple(o.name for o in model.graph.output)
    nodes = in_order(needed(nodes, outputs))
    inputs = _inputs(model.graph, nodes, input_shape)
    _check_made(model.graph, nodes, outputs, stored)
    types = {i.name: i.type.tensor_type.elem_type for i in model.graph.input}
    types |= {tensor: proto.data_type for tensor, proto in stored.items()}
    graph = Graph(name, nodes, inputs, outputs, types, stored, _numbers(nodes))
    graph.opset = max((o.version for o in model.opset_import if not o.domain), default=1)
    graph.uses = Counter(tensor for n in nodes for tensor in n.inputs) + Counter(outputs)
    graph.constants = constants(nodes, inputs)
    graph.dims = _given_dims(model.graph, graph)
    find_sizes(graph)
    return graph


def _parse(path: Path):  # type: ignore[no-untyped-def]
    try:
        from google.protobuf.message import DecodeError
        from onnx import ModelProto
    except ImportError:
        raise missing_extra("onnx", "onnx") from None
    if not is_file(path):
        raise BfimnaError("no such file")
    if path.stat().st_size > MAX_BYTES:
        raise BfimnaError(f"larger than {MAX_BYTES} bytes; store the weights as external data")
    try:
        model = ModelProto.FromString(path.read_bytes())
    except DecodeError:
        raise BfimnaError("not an ONNX file, or a damaged one") from None
    if not model.graph.node or not model.graph.output:
        raise BfimnaError("not an ONNX file, or one without a graph")
    if len(model.graph.node) > MAX_NODES:
        raise BfimnaError(f"{len(model.graph.node)} nodes; at most {MAX_NODES} are read")
    _check_names(model.graph)
    return model


def _check_names(graph: Any) -> None:
    """Raise for names that are no text: protobuf hands those out as bytes."""
    todo = [graph]
    while todo:
        graph = todo.pop()
        todo += [inner for n in graph.node for inner in inner_graphs(n)]
        named = [*graph.node, *graph.input, *graph.output, *graph.initializer]
        texts = [text for n in graph.node for text in (*n.input, *n.output, n.op_type, n.domain)]
        texts += [a.name for n in graph.node for a in n.attribute]
        if any(isinstance(text, bytes) for text in (*(x.name for x in named), *texts)):
            raise BfimnaError("damaged: a name in it is not UTF-8 text")


def _nodes(graph: Any) -> list[Node]:
    nodes: list[Node] = []
    for proto in graph.node:
        node = Node(
            proto.op_type,
            "" if proto.domain == "ai.onnx" else proto.domain,
            proto.name or next((o for o in proto.output if o), ""),
            (*proto.input, *captured(proto)),
            tuple(proto.output),
            dict(map(_attribute, proto.attribute)),
            proto=proto,
        )
        nodes += plain(node)
    return nodes


def _attribute(attribute: Any) -> tuple[str, Any]:
    kind = attribute.type
    readers = {
        attribute.INT: lambda: attribute.i,
        attribute.FLOAT: lambda: attribute.f,
        attribute.STRING: lambda: attribute.s.decode("utf-8", "replace"),
        attribute.INTS: lambda: tuple(attribute.ints),
        attribute.FLOATS: lambda: tuple(attribute.floats),
    }
    return attribute.name, readers[kind]() if kind in readers else None


def _stored(graph: Any) -> dict[str, Any]:
    """Return the file's tensors: initializers and constants."""
    stored = {t.name: t for t in graph.initializer}
    for proto in graph.node:
        if proto.op_type == "Constant" and proto.output:
            stored.update((proto.output[0], a.t) for a in proto.attribute if a.name == "value")
    return stored


def _numbers(nodes: list[Node]) -> dict[str, np.ndarray | None]:
    """Return the constants that are written as numbers."""
    keys = ("value_int", "value_float", "value_ints", "value_floats")
    return {
        node.outputs[0]: np.asarray(node.attributes[key])
        for node in nodes
        if node.op == "Constant" and node.outputs
        for key in keys
        if node.attributes.get(key) is not None
    }


def _check_made(
    graph: Any, nodes: list[Node], outputs: tuple[str, ...], stored: dict[str, Any]
) -> None:
    """Raise for a tensor that is read and that nothing makes."""
    known = {*stored, *(i.name for i in graph.input)}
    known |= {t.values.name for t in graph.sparse_initializer}
    known.update(o for node in nodes for o in node.outputs)
    for node in nodes:
        for tensor in node.inputs:
            if tensor and tensor not in known:
                raise node.refuse(f"reads tensor {tensor[:100]!r}, which nothing makes")
    for tensor in outputs:
        if tensor not in known:
            raise BfimnaError(f"nothing makes the graph's output {tensor[:100]!r}")


def _inputs(graph: Any, nodes: list[Node], shape: InputShape) -> dict[str, Dims]:
    """Return the data inputs and their dimensions, the batch's first (1 where it is open)."""
    stored = {t.name for t in graph.initializer} | {t.values.name for t in graph.sparse_initializer}
    data = _read_as_data(nodes, {o.name for o in graph.output})
    found = {i.name: i for i in graph.input if i.name in data and i.name not in stored}
    if not found:
        raise BfimnaError("the graph's outputs depend on no data input")
    names = ", ".join(repr(name[:100]) for name in list(found)[:10])
    if isinstance(shape, Mapping):
        odd = [name for name in shape if name not in found]
        if odd:
            raise BfimnaError(f"input_shape names {odd[0]!r}; the graph has the inputs {names}")
        return {name: _input_dims(i, shape.get(name)) for name, i in found.items()}
    if shape is not None and len(found) > 1:
        raise BfimnaError(f"input_shape must be a mapping: the graph has the inputs {names}")
    return {name: _input_dims(i, shape) for name, i in found.items()}


def _read_as_data(nodes: list[Node], outputs: set[str]) -> set[str]:
    """Return the tensors that are read as data; exporters hand parameters on through Identity."""
    data = set(outputs)
    for node in reversed(nodes):
        if node.op != "Identity" or any(o in data for o in node.outputs):
            data.update(node.inputs[: PARAMETERS.get(node.op, len(node.inputs))])
            data.update(node.given(k) for k in INITIAL.get(node.op, ()))
    return data


def _input_dims(proto: Any, given: Iterable[int] | None) -> Dims:
    where = f"input {proto.name[:100]!r}"
    dims = [d.dim_value for d in proto.type.tensor_type.shape.dim[: MAX_RANK + 1]]
    if given is not None:
        dims = _filled(where, dims, given)
    elif dims and dims[0] < 1:
        dims[0] = 1
    if not 2 <= len(dims) <= MAX_RANK or min(dims) < 1 or prod(dims) > MAX_ELEMENTS:
        raise BfimnaError(
            f"{where} has shape {shown(tuple(dims))} (0: open); give input_shape=, at least 1 "
            f"each, 2 to {MAX_RANK} dimensions and at most {MAX_ELEMENTS} elements"
        )
    return tuple(dims)


def _filled(where: str, dims: list[int], given: Iterable[int]) -> list[int]:
    """Return the dimensions with the open ones as given; a fixed one cannot be changed."""
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise BfimnaError(f"{where}: input_shape must be whole numbers, not {shown(given)}")
    try:
        sizes = list(given)
    except TypeError:  # an array of no dimension
        raise BfimnaError(f"{where}: input_shape must be a list, not {shown(given)}") from None
    if len(sizes) > MAX_RANK:
        raise BfimnaError(f"{where}: input_shape has {len(sizes)} dimensions; at most {MAX_RANK}")
    shape = [whole_number(f"{where}: a size in input_shape", size, 1) for size in sizes]
    if len(shape) == len(dims) - 1:
        shape = [max(dims[0], 1), *shape]
    if dims and len(shape) != len(dims):
        raise BfimnaError(f"{where} has {len(dims)} dimensions, not {len(shape)}")
    if any(fixed > 0 and fixed != size for fixed, size in zip(dims, shape, strict=False)):
        raise BfimnaError(
            f"{where} is fixed at {tuple(dims)} (0: open) in the file, not {shown(tuple(shape))}"
        )
    return shape


def _given_dims(graph: Any, read: Graph) -> dict[str, Dims]:
    """Return the dimensions that the file states: of stored tensors, inputs and parameters."""
    found: dict[str, Dims] = {}
    for proto in graph.input:
        found[proto.name] = tuple(d.dim_value for d in proto.type.tensor_type.shape.dim)
    found |= {name: tuple(tensor.dims) for name, tensor in read.stored.items()}
    found |= {t.values.name: tuple(t.dims) for t in graph.sparse_initializer}
    found |= {name: value.shape for name, value in read.values.items() if value is not None}
    usable = {n: d for n, d in found.items() if len(d) <= MAX_RANK and min(d, default=1) >= 0}
    return usable | read.inputs
