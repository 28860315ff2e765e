"""Opening an ONNX file: parsed safely, reduced to a plain graph with shapes.

A stranger's file: only the file itself is opened (never external data), weights are dropped before
shapes are inferred, every walk is iterative, and sizes are bounded.
"""

from collections import Counter
from collections.abc import Iterable
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from bfimna.errors import BfimnaError
from bfimna.network.readers.onnx_graph import Dims, Graph, Node, constants, in_order, needed

MAX_BYTES = 2**31  # a protobuf message cannot be larger
MAX_NODES = 200_000
MAX_ELEMENTS = 2**40  # of one tensor: beyond it counts would leave the exact range of a float
SMALL = 64  # elements of a constant that is kept: bit widths, axes, shapes

#: inputs from this position on hold parameters, so a graph input there is a weight, not data
PARAMETERS = {
    "Conv": 1,
    "ConvInteger": 1,
    "QLinearConv": 1,
    "ConvTranspose": 1,
    "Gemm": 1,
    "MatMul": 1,
    "BatchNormalization": 1,
    "PRelu": 1,
}


def read_graph(path: str | Path, input_shape: Iterable[int] | None = None) -> Graph:
    """Read an ONNX file's graph; every error names the file."""
    path = Path(path)
    try:
        model = _parse(path)
        nodes, values, types = _nodes(model.graph)
        outputs = tuple(o.name for o in model.graph.output)
        nodes = needed(nodes, outputs)
        inputs = _inputs(model.graph, nodes, input_shape)
        graph = Graph(path.stem, in_order(nodes), inputs, outputs, types, values)
        graph.uses = Counter(name for n in nodes for name in n.inputs) + Counter(outputs)
        graph.constants = constants(graph.nodes, inputs)
        graph.dims = _infer_dims(model, graph)
    except BfimnaError as error:
        raise BfimnaError(f"{path}: {error}") from None
    return graph


def _parse(path: Path):  # type: ignore[no-untyped-def]
    from google.protobuf.message import DecodeError
    from onnx import ModelProto

    if not path.is_file():
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
    named = [*graph.node, *graph.input, *graph.output, *graph.initializer]
    texts = [text for n in graph.node for text in (*n.input, *n.output, n.op_type, n.domain)]
    texts += [a.name for n in graph.node for a in n.attribute]
    if any(isinstance(text, bytes) for text in (*(x.name for x in named), *texts)):
        raise BfimnaError("damaged: a name in it is not UTF-8 text")


def _nodes(graph: Any) -> tuple[list[Node], dict[str, np.ndarray], dict[str, int]]:
    """Return the nodes, the small constants and the element types of stored tensors."""
    values: dict[str, np.ndarray] = {}
    types = {i.name: i.type.tensor_type.elem_type for i in graph.input}
    stored = [(t.name, t) for t in graph.initializer]
    nodes = []
    for proto in graph.node:
        node = Node(
            proto.op_type,
            "" if proto.domain == "ai.onnx" else proto.domain,
            proto.name or next((o for o in proto.output if o), ""),
            tuple(proto.input),
            tuple(proto.output),
            dict(_attribute(proto, a) for a in proto.attribute),
        )
        nodes.append(node)
        if node.op == "Constant" and node.outputs:
            stored += [(node.outputs[0], a.t) for a in proto.attribute if a.name == "value"]
            for key in ("value_int", "value_float", "value_ints", "value_floats"):
                if key in node.attributes:
                    values[node.outputs[0]] = np.asarray(node.attributes[key])
    for name, tensor in stored:
        types[name] = tensor.data_type
        value = _small(tensor)
        if value is not None:
            values[name] = value
    return nodes, values, types


def _attribute(proto: Any, attribute: Any) -> tuple[str, Any]:
    kind = attribute.type
    if kind in (attribute.GRAPH, attribute.GRAPHS):
        raise BfimnaError(f"{proto.op_type!r} node {proto.name!r}: control flow is not modelled")
    readers = {
        attribute.INT: lambda: attribute.i,
        attribute.FLOAT: lambda: attribute.f,
        attribute.STRING: lambda: attribute.s.decode("utf-8", "replace"),
        attribute.INTS: lambda: tuple(attribute.ints),
        attribute.FLOATS: lambda: tuple(attribute.floats),
    }
    return attribute.name, readers[kind]() if kind in readers else None


def _small(tensor: Any) -> np.ndarray | None:
    """Return a small stored tensor's value; None where it is large, elsewhere or malformed."""
    from onnx import numpy_helper

    if tensor.data_location == tensor.EXTERNAL or tensor.external_data:
        return None
    if min(tensor.dims, default=1) < 1 or prod(tensor.dims) > SMALL:
        return None
    try:
        return np.asarray(numpy_helper.to_array(tensor))
    except Exception:  # a malformed tensor: whoever needs its value says so
        return None


def _inputs(
    graph: Any, nodes: list[Node], input_shape: Iterable[int] | None
) -> dict[str, tuple[int, ...]]:
    """Return the data inputs and their dimensions, the batch's first (1 where it is open)."""
    stored = {t.name for t in graph.initializer} | {t.values.name for t in graph.sparse_initializer}
    data = {i for n in nodes for i in n.inputs[: PARAMETERS.get(n.op, len(n.inputs))]}
    found = [i for i in graph.input if i.name in data and i.name not in stored]
    if not found:
        raise BfimnaError("the graph's outputs depend on no data input")
    if input_shape is not None and len(found) > 1:
        names = ", ".join(repr(i.name) for i in found)
        raise BfimnaError(f"input_shape is ambiguous: the graph has the inputs {names}")
    return {i.name: _input_dims(i, input_shape) for i in found}


def _input_dims(proto: Any, given: Iterable[int] | None) -> tuple[int, ...]:
    dims = [d.dim_value for d in proto.type.tensor_type.shape.dim]
    if given is not None:
        shape = [int(d) for d in given]
        if len(shape) == len(dims) - 1:
            shape = [max(dims[0], 1), *shape]
        if dims and len(shape) != len(dims):
            raise BfimnaError(f"input {proto.name!r} has {len(dims)} dimensions, not {len(shape)}")
        dims = shape
    elif dims and dims[0] < 1:
        dims[0] = 1
    if len(dims) < 2 or min(dims) < 1 or prod(dims) > MAX_ELEMENTS:
        raise BfimnaError(
            f"input {proto.name!r} has shape {tuple(dims)} (0: open); give input_shape=, at least "
            f"1 each and at most {MAX_ELEMENTS} elements"
        )
    return tuple(dims)


def _infer_dims(model: Any, graph: Graph) -> dict[str, Dims]:
    """Run ONNX's shape inference on the sorted graph without its weights."""
    from onnx import helper, shape_inference

    protos = {o: n for n in model.graph.node for o in n.output if o}
    slim = type(model)(ir_version=max(model.ir_version, 4))
    slim.opset_import.extend(model.opset_import)
    slim.graph.name = "g"
    for node in graph.nodes:
        proto = slim.graph.node.add()
        proto.CopyFrom(protos[next(o for o in node.outputs if o)])
        if node.domain:  # quantisers of other domains keep their input's shape
            proto.op_type, proto.domain = "Identity", ""
            del proto.attribute[:], proto.input[1:], proto.output[1:]
    for tensor in model.graph.initializer:
        if tensor.name in graph.values:
            slim.graph.initializer.add().CopyFrom(tensor)
        elif tensor.name not in graph.inputs:
            value = helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
            slim.graph.input.add().CopyFrom(value)
    stored = {t.name for t in model.graph.initializer}
    for proto in model.graph.input:
        if proto.name not in stored:
            dims = graph.inputs.get(proto.name)
            kind = proto.type.tensor_type.elem_type
            value = helper.make_tensor_value_info(proto.name, kind, dims) if dims else proto
            slim.graph.input.add().CopyFrom(value)
    try:
        slim = shape_inference.infer_shapes(slim, data_prop=True)
    except Exception as error:
        raise BfimnaError(f"shape inference fails: {' '.join(str(error).split())[:300]}") from None
    known = [*slim.graph.value_info, *slim.graph.input]
    found: dict[str, Dims] = {i.name: tuple(i.dims) for i in model.graph.initializer}
    for value in known:
        if value.type.tensor_type.HasField("shape"):
            dims = value.type.tensor_type.shape.dim
            found[value.name] = tuple(d.dim_value if d.dim_value > 0 else None for d in dims)
    return found
