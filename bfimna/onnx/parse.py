"""Parse an untrusted ONNX file: nodes and stored tensors, bounded in size.

Only the file itself is opened (never external data), weights are not read, no foreign code but
protobuf's parser sees it, and no walk recurses.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bfimna.errors import BfimnaError, missing_extra
from bfimna.files import is_file
from bfimna.onnx.nodes import Node

if TYPE_CHECKING:
    from onnx import AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, TensorProto

MAX_BYTES = 2**31  # a protobuf message cannot be larger
MAX_NODES = 200_000

#: type of an attribute (``AttributeProto.AttributeType``) → how its value is read
ATTRIBUTES: "dict[int, Callable[[AttributeProto], Any]]" = {
    1: lambda attribute: attribute.f,
    2: lambda attribute: attribute.i,
    3: lambda attribute: attribute.s.decode("utf-8", "replace"),
    6: lambda attribute: tuple(attribute.floats),
    7: lambda attribute: tuple(attribute.ints),
}


def parse(path: Path) -> "ModelProto":
    """Return a file's model; raise for a file that is damaged or too large."""
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
    _check_names([model.graph, *model.functions])
    return model


def _check_names(todo: "list[GraphProto | FunctionProto]") -> None:
    """Raise for names that are not UTF-8, which protobuf returns as bytes."""
    while todo:
        graph = todo.pop()
        todo += [inner for n in graph.node for inner in inner_graphs(n)]
        named = [*graph.node, *graph.input, *graph.output, *getattr(graph, "initializer", ())]
        texts = [text for n in graph.node for text in (*n.input, *n.output, n.op_type, n.domain)]
        texts += [a.name for n in graph.node for a in n.attribute]
        if any(isinstance(getattr(text, "name", text), bytes) for text in (*named, *texts)):
            raise BfimnaError("damaged: a name in it is not UTF-8 text")


def inner_graphs(proto: "NodeProto") -> "list[GraphProto]":
    """Return the graphs that a control flow node holds."""
    single = [a.g for a in proto.attribute if a.type == a.GRAPH]
    return single + [g for a in proto.attribute if a.type == a.GRAPHS for g in a.graphs]


def _captured(proto: "NodeProto") -> tuple[str, ...]:
    """Return the tensors of the graph around a node that its inner graphs read."""
    captured: dict[str, None] = {}
    todo = [(graph, frozenset[str]()) for graph in inner_graphs(proto)]
    while todo:
        graph, around = todo.pop()
        own = around | {i.name for i in graph.input} | {t.name for t in graph.initializer}
        own |= {o for node in graph.node for o in node.output}
        read = [i for node in graph.node for i in node.input] + [o.name for o in graph.output]
        captured.update(dict.fromkeys(name for name in read if name and name not in own))
        todo += [(inner, own) for node in graph.node for inner in inner_graphs(node)]
    return tuple(captured)


def nodes_of(graph: "GraphProto | FunctionProto") -> list[Node]:
    """Return a graph's nodes as the file writes them."""
    return [
        Node(
            proto.op_type,
            "" if proto.domain == "ai.onnx" else proto.domain,
            proto.name or next((o for o in proto.output if o), ""),
            (*proto.input, *_captured(proto)),
            tuple(proto.output),
            dict(map(read_attribute, proto.attribute)),
            proto=proto,
        )
        for proto in graph.node
    ]


def read_attribute(attribute: "AttributeProto") -> tuple[str, Any]:
    """Return an attribute's name, and its value if that is numbers or a string."""
    reader = ATTRIBUTES.get(attribute.type)
    return attribute.name, None if reader is None else reader(attribute)


def stored_tensors(graph: "GraphProto | FunctionProto") -> "dict[str, TensorProto]":
    """Return a graph's initializers and constants."""
    stored = {t.name: t for t in getattr(graph, "initializer", ())}
    for proto in graph.node:
        if proto.op_type == "Constant" and proto.output:
            stored.update((proto.output[0], a.t) for a in proto.attribute if a.name == "value")
    return stored


def written_numbers(nodes: list[Node]) -> dict[str, np.ndarray | None]:
    """Return the constants that are written as numbers rather than tensors."""
    keys = ("value_int", "value_float", "value_ints", "value_floats")
    return {
        node.outputs[0]: np.asarray(node.attributes[key])
        for node in nodes
        if node.op == "Constant" and node.outputs
        for key in keys
        if node.attributes.get(key) is not None
    }
