"""Build the graph of an ONNX file: data inputs, nodes in order, constants, dimensions."""

from collections import Counter
from collections.abc import Iterable, Mapping
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from bfimna.errors import BfimnaError, shown, whole_number
from bfimna.files import as_path
from bfimna.network.layer import MAX_ELEMENTS
from bfimna.onnx.batch import set_batch
from bfimna.onnx.local_functions import inline_functions
from bfimna.onnx.nodes import MAX_RANK, QONNX, RECURRENT, Dims, Graph, Node
from bfimna.onnx.parse import parse, written_numbers
from bfimna.onnx.rewrites import MAX_DEPTH, inline_branches, plain_nodes
from bfimna.onnx.shape_inference import infer_shapes

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, TensorProto, ValueInfoProto

#: dimensions of the data inputs: of the only one, or by name
InputShape = Iterable[int] | Mapping[str, Iterable[int]] | None

#: inputs from this position on hold parameters, so a graph input there is a weight, not data
PARAMETERS = {
    **dict.fromkeys(("Conv", "ConvTranspose", "Gemm", "MatMul", "PRelu", *RECURRENT), 1),
    **dict.fromkeys(("BatchNormalization", "InstanceNormalization"), 1),
    **dict.fromkeys(("GroupNormalization", "LayerNormalization"), 1),
}
INITIAL_STATES = {"LSTM": (5, 6), "GRU": (5,), "RNN": (5,)}  # inputs that hold data all the same
QUANTISERS = (*QONNX, "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear")


def read_graph(path: str | Path, input_shape: InputShape = None) -> Graph:
    """Read an ONNX file's graph; every error names the file."""
    path = as_path(path)
    try:
        model = parse(path)
        written, stored = inline_functions(model)
        nodes = plain_nodes(written)
        graph = _graph(path.stem, model, nodes, stored, input_shape)
        for _ in range(MAX_DEPTH):
            inlined = inline_branches(graph)
            if inlined is None:
                break
            nodes, more = inlined
            stored = stored | more
            graph = _graph(path.stem, model, nodes, stored, input_shape)
    except BfimnaError as error:
        raise BfimnaError(f"{path}: {error}") from None
    return graph


def _graph(
    name: str,
    model: "ModelProto",
    nodes: list[Node],
    stored: "dict[str, TensorProto]",
    input_shape: InputShape,
) -> Graph:
    """Return the graph of nodes and stored tensors, with sizes."""
    outputs = tuple(o.name for o in model.graph.output)
    nodes = _sorted(_needed(nodes, outputs))
    inputs, batched = _data_inputs(model.graph, nodes, input_shape)
    _check_makers(model.graph, nodes, outputs, stored)
    types = {i.name: i.type.tensor_type.elem_type for i in model.graph.input}
    types |= {tensor: proto.data_type for tensor, proto in stored.items()}
    graph = Graph(name, nodes, inputs, types, stored, written_numbers(nodes))
    graph.opset = max((o.version for o in model.opset_import if not o.domain), default=1)
    graph.uses = Counter(tensor for n in nodes for tensor in n.inputs) + Counter(outputs)
    graph.constants = _constants(nodes, inputs)
    graph.dims = _stated_dims(model.graph, graph)
    infer_shapes(graph)
    set_batch(graph, batched)
    return graph


def _data_inputs(
    graph: "GraphProto", nodes: list[Node], shape: InputShape
) -> tuple[dict[str, Dims], set[str]]:
    """Return the data inputs' dimensions, and which inputs have a batch first by their shape.

    That is the case where the file leaves the first axis open (then it is 1), or the user the first
    axis out.
    """
    stored = {t.name for t in graph.initializer} | {t.values.name for t in graph.sparse_initializer}
    data = _read_as_data(nodes, {o.name for o in graph.output}, stored)
    inputs = {i.name: i for i in graph.input if i.name in data and i.name not in stored}
    if not inputs:
        raise BfimnaError("the graph's outputs depend on no data input")
    names = ", ".join(repr(name[:100]) for name in list(inputs)[:10])
    if isinstance(shape, Mapping):
        odd = [name for name in shape if name not in inputs]
        if odd:
            raise BfimnaError(f"input_shape names {odd[0]!r}; the graph has the inputs {names}")
        sizes = {name: shape.get(name) for name in inputs}
    elif shape is not None and len(inputs) > 1:
        raise BfimnaError(f"input_shape must be a mapping: the graph has the inputs {names}")
    else:
        sizes = dict.fromkeys(inputs, shape)
    read = {name: _input_dims(i, sizes[name]) for name, i in inputs.items()}
    return {name: dims for name, (dims, _) in read.items()}, {n for n, (_, b) in read.items() if b}


def _read_as_data(nodes: list[Node], outputs: set[str], stored: set[str]) -> set[str]:
    """Return the tensors that are read as data; exporters hand parameters on through Identity.

    The weights of a product may be on its left.
    """
    constants = set(stored)
    for node in nodes if any(node.op == "MatMul" for node in nodes) else ():
        if all(i in constants for i in node.inputs if i):
            constants.update(node.outputs)
    data = set(outputs)
    for node in reversed(nodes):
        if node.op != "Identity" or any(o in data for o in node.outputs):
            most = PARAMETERS.get(node.op, len(node.inputs))
            left = node.op == "MatMul" and node.input(0) in constants
            data.update(node.inputs[: 2 if left else most])
            data.update(node.input(k) for k in INITIAL_STATES.get(node.op, ()))
    return data


def _input_dims(proto: "ValueInfoProto", sizes: Iterable[int] | None) -> tuple[Dims, bool]:
    where = f"input {proto.name[:100]!r}"
    dims = [d.dim_value for d in proto.type.tensor_type.shape.dim[: MAX_RANK + 1]]
    is_open = dims[:1] < [1]
    if sizes is not None:
        sizes = _checked(where, sizes)
        is_open = is_open or len(sizes) == len(dims) - 1
        dims = _filled(where, dims, sizes)
    elif dims and dims[0] < 1:
        dims[0] = 1
    if not 2 <= len(dims) <= MAX_RANK or min(dims) < 1 or prod(dims) > MAX_ELEMENTS:
        raise BfimnaError(
            f"{where} has shape {shown(tuple(dims))} (0: open); give input_shape=, at least 1 "
            f"each, 2 to {MAX_RANK} dimensions and at most {MAX_ELEMENTS} elements"
        )
    return tuple(dims), is_open


def _checked(where: str, sizes: Iterable[int]) -> list[int]:
    """Return the user's sizes as a list of integers."""
    if isinstance(sizes, (str, bytes)) or not isinstance(sizes, Iterable):
        raise BfimnaError(f"{where}: input_shape must be whole numbers, not {shown(sizes)}")
    try:
        listed = list(sizes)
    except TypeError:  # an array of no dimension
        raise BfimnaError(f"{where}: input_shape must be a list, not {shown(sizes)}") from None
    if len(listed) > MAX_RANK:
        raise BfimnaError(f"{where}: input_shape has {len(listed)} dimensions; at most {MAX_RANK}")
    return [whole_number(f"{where}: a size in input_shape", size, 1) for size in listed]


def _filled(where: str, dims: list[int], shape: list[int]) -> list[int]:
    """Return the dimensions with the user's in place of open ones; a fixed one cannot change."""
    if len(shape) == len(dims) - 1:
        shape = [max(dims[0], 1), *shape]
    if dims and len(shape) != len(dims):
        raise BfimnaError(f"{where} has {len(dims)} dimensions, not {len(shape)}")
    if any(fixed > 0 and fixed != size for fixed, size in zip(dims, shape, strict=False)):
        raise BfimnaError(
            f"{where} is fixed at {tuple(dims)} (0: open) in the file, not {shown(tuple(shape))}"
        )
    return shape


def _needed(nodes: list[Node], outputs: tuple[str, ...]) -> list[Node]:
    """Return the nodes that the outputs depend on."""
    maker: dict[str, int] = {}
    for k, node in enumerate(nodes):
        for name in filter(None, node.outputs):
            if name in maker:
                raise node.refuse(f"tensor {name[:100]!r} is also made by {nodes[maker[name]]}")
            maker[name] = k
    needed, todo = set(), [maker[o] for o in outputs if o in maker]
    while todo:
        k = todo.pop()
        if k not in needed:
            needed.add(k)
            todo += [maker[i] for i in nodes[k].inputs if i in maker]
    if not needed:
        raise BfimnaError("no node makes the graph's outputs")
    return [nodes[k] for k in sorted(needed)]


def _sorted(nodes: list[Node]) -> list[Node]:
    """Sort topologically; a file that is sorted keeps its order."""
    maker = {name: k for k, node in enumerate(nodes) for name in node.outputs if name}
    before = [{maker[i] for i in node.inputs if i in maker} for node in nodes]
    if all(max(b, default=-1) < k for k, b in enumerate(before)):
        return nodes
    readers: list[list[int]] = [[] for _ in nodes]
    for k, makers in enumerate(before):
        for m in makers:
            readers[m].append(k)
    missing = [len(b) for b in before]
    order = [k for k, count in enumerate(missing) if not count]
    for k in order:  # grows while it is walked
        for reader in readers[k]:
            missing[reader] -= 1
            if not missing[reader]:
                order.append(reader)
    if len(order) < len(nodes):
        circle = next(node for node, count in zip(nodes, missing, strict=True) if count)
        raise circle.refuse("is part of, or behind, a cycle")
    return [nodes[k] for k in order]


def _check_makers(
    graph: "GraphProto", nodes: list[Node], outputs: tuple[str, ...], stored: Iterable[str]
) -> None:
    """Raise for a tensor that is read but neither stored, nor an input, nor made by a node."""
    made = {*stored, *(i.name for i in graph.input)}
    made |= {t.values.name for t in graph.sparse_initializer}
    made.update(o for node in nodes for o in node.outputs)
    for node in nodes:
        for tensor in node.inputs:
            if tensor and tensor not in made:
                raise node.refuse(f"reads tensor {tensor[:100]!r}, which nothing makes")
    for tensor in outputs:
        if tensor not in made:
            raise BfimnaError(f"nothing makes the graph's output {tensor[:100]!r}")


def _constants(nodes: list[Node], inputs: Iterable[str]) -> set[str]:
    """Return the tensors that do not depend on the data inputs, or on their shapes only.

    Scales, zero points and widths of quantisers do not count as inputs; those of a dynamic
    quantisation count as constants, which the host computes.
    """
    variable = set(inputs)
    for node in nodes:
        read = node.inputs[:1] if node.op in QUANTISERS else node.inputs
        if node.op not in ("Shape", "Size") and any(i in variable for i in read):
            dynamic = node.op == "DynamicQuantizeLinear"
            variable.update(node.outputs[:1] if dynamic else node.outputs)
    names = {name for node in nodes for name in (*node.inputs, *node.outputs)}
    return names - variable


def _stated_dims(proto: "GraphProto", graph: Graph) -> dict[str, Dims]:
    """Return the dimensions that the file states: of stored tensors, inputs and parameters."""
    dims: dict[str, Dims] = {}
    for info in proto.input:
        dims[info.name] = tuple(d.dim_value for d in info.type.tensor_type.shape.dim)
    dims |= {name: tuple(tensor.dims) for name, tensor in graph.stored.items()}
    dims |= {t.values.name: tuple(t.dims) for t in proto.sparse_initializer}
    dims |= {name: value.shape for name, value in graph.values.items() if value is not None}
    usable = {n: d for n, d in dims.items() if len(d) <= MAX_RANK and min(d, default=1) >= 0}
    return usable | graph.inputs
