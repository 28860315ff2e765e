"""Inline the functions that a model defines itself in place of the nodes that call them."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from bfimna.onnx.nodes import Node
from bfimna.onnx.parse import nodes_of, read_attribute, stored_tensors

if TYPE_CHECKING:
    from onnx import FunctionProto, ModelProto, TensorProto

#: of functions within functions, and of nodes that all calls together bring
MAX_DEPTH, MAX_BROUGHT = 16, 100_000


def inline_functions(model: "ModelProto") -> "tuple[list[Node], dict[str, TensorProto]]":
    """Return a model's nodes with the bodies of its functions, and the tensors that both store."""
    functions = {(_domain(f.domain), f.name): f for f in model.functions}
    nodes, stored = nodes_of(model.graph), stored_tensors(model.graph)
    for _ in range(MAX_DEPTH if functions else 0):
        calls = [node for node in nodes if (node.domain, node.op) in functions]
        brought = sum(len(functions[node.domain, node.op].node) for node in calls)
        if not calls or len(nodes) + brought > MAX_BROUGHT:
            break
        inlined: list[Node] = []
        for node in nodes:
            function = functions.get((node.domain, node.op))
            if function is None:
                inlined.append(node)
            else:
                body, more = _body(node, function)
                inlined += body
                stored |= more
        nodes = inlined
    return nodes, stored


def _domain(domain: str) -> str:
    return "" if domain == "ai.onnx" else domain


def _body(call: Node, function: "FunctionProto") -> "tuple[list[Node], dict[str, TensorProto]]":
    """Return a function's nodes and tensors under names of one call."""
    names = dict(zip(function.input, (*call.inputs, *[""] * len(function.input)), strict=False))
    names |= dict(zip(function.output, call.outputs, strict=False))
    inner = {o for node in function.node for o in node.output if o} - set(names)
    names |= {name: f"{call.name}/{name}" for name in inner}
    defaults = dict(map(read_attribute, function.attribute_proto)) | call.attributes
    nodes = []
    for node in nodes_of(function):
        written = node.proto.attribute if node.proto is not None else ()
        references = {a.name: a.ref_attr_name for a in written if a.ref_attr_name}
        attributes = {
            name: defaults.get(references[name]) if name in references else value
            for name, value in node.attributes.items()
        }
        nodes.append(
            replace(
                node,
                name=f"{call.name}/{node.name}",
                inputs=_renamed(node.inputs, names),
                outputs=_renamed(node.outputs, names),
                attributes={k: v for k, v in attributes.items() if v is not None},
                proto=None if references else node.proto,
            )
        )
    stored = {names.get(n, n): tensor for n, tensor in stored_tensors(function).items()}
    return nodes, stored


def _renamed(tensors: Iterable[str], names: dict[str, str]) -> tuple[str, ...]:
    return tuple(names.get(tensor, tensor) for tensor in tensors)
