"""Rewrite nodes in ONNX's own terms: quantised, fused, channels-last ones; decided branches.

An operator on codes computes what its plain form computes on the numbers that they stand for; its
scales and zero points are part of requantising. So its node becomes the plain one, which keeps the
name under which the file writes it and the zero point whose type its codes have.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from bfimna.onnx.nodes import QONNX, Graph, Node
from bfimna.onnx.parse import nodes_of, stored_tensors

if TYPE_CHECKING:
    from onnx import GraphProto, TensorProto

RUNTIME = "com.microsoft"
CONTROL = ("If", "Loop", "Scan")
#: of branches within branches, and of nodes and tensors that all of them bring
MAX_DEPTH, MAX_BROUGHT = 8, 10_000

#: operator → its plain form, the positions of that form's inputs, and of the result's zero point
PlainForm = tuple[str, tuple[int, ...], int | None]
FORMS: dict[str, PlainForm] = {
    "QLinearConv": ("Conv", (0, 3, 8), 7),
    "ConvInteger": ("Conv", (0, 1), None),
    "QLinearMatMul": ("MatMul", (0, 3), 7),
    "MatMulInteger": ("MatMul", (0, 1), None),
}
#: the same in ONNX Runtime's domain
RUNTIME_FORMS: dict[str, PlainForm] = {
    **FORMS,
    "QLinearAdd": ("Add", (0, 3), 7),
    "QLinearMul": ("Mul", (0, 3), 7),
    "QLinearGlobalAveragePool": ("GlobalAveragePool", (0,), 4),
    "QLinearAveragePool": ("AveragePool", (0,), 4),
    "QLinearReduceMean": ("ReduceMean", (0,), 4),
    "QLinearSigmoid": ("Sigmoid", (0,), 4),
    "QLinearLeakyRelu": ("LeakyRelu", (0,), 4),
    "QLinearSoftmax": ("Softmax", (0,), 4),
    "QLinearWhere": ("Where", (0, 1, 4), 8),
    "QGemm": ("Gemm", (0, 3, 6), 8),
    "MatMulIntegerToFloat": ("MatMul", (0, 1), None),
    "FusedMatMul": ("MatMul", (0, 1), None),
    "MatMulNBits": ("MatMulNBits", (0, 1), None),
    "Gelu": ("Gelu", (0,), None),
    "FastGelu": ("Gelu", (0,), None),
    "QuickGelu": ("Gelu", (0,), None),
    "QuantizeLinear": ("QuantizeLinear", (0, 1, 2), 2),
    "DequantizeLinear": ("DequantizeLinear", (0, 1, 2), None),
}
#: operators that quantise their first input themselves
DYNAMIC: dict[str, PlainForm] = {
    "DynamicQuantizeMatMul": ("MatMul", (0, 1), None),
    "DynamicQuantizeLSTM": ("LSTM", tuple(range(8)), None),
}
#: where the addend of a product is, which its plain form does not take
ADDENDS = {
    "DynamicQuantizeMatMul": 4, "MatMulIntegerToFloat": 6, "MatMulNBits": 5, "FastGelu": 1,
}  # fmt: skip


#: fused operator → the product that its activation follows; its parameters are the activation's
FUSED = {"FusedConv": "Conv", "FusedGemm": "Gemm"}
ACTIVATION_PARAMETERS = {"LeakyRelu": ("alpha",), "HardSigmoid": ("alpha", "beta")}


CHANNELS_LAST = "qonnx.custom_op.channels_last"
#: operator on channels-last tensors → its plain form, and how many inputs have channels last
LAST = {"NhwcConv": ("Conv", 2), "NhwcFusedConv": ("FusedConv", 2), "NhwcMaxPool": ("MaxPool", 1)}


def plain_nodes(nodes: Iterable[Node]) -> list[Node]:
    """Return nodes as ONNX's own operations that compute the same."""
    plain: list[Node] = []
    first: dict[str, str] = {}  # tensor with its channels last → the same with its channels first
    for node in nodes:
        count = _channels_last_inputs(node)
        if count and node.outputs:
            plain += _between_transposes(node, count, first)
        else:
            plain += _plain(node)
    return plain


def _channels_last_inputs(node: Node) -> int:
    if node.domain == CHANNELS_LAST:
        return 2 if node.op == "Conv" else 1
    if node.domain == RUNTIME and node.op in LAST:
        return LAST[node.op][1]
    return 1 if node.domain == RUNTIME and node.attributes.get("channels_last") else 0


def _between_transposes(node: Node, count: int, first: dict[str, str]) -> list[Node]:
    """Return an operation on channels-first tensors, transposed before and behind."""
    spatial = node.attributes.get("kernel_shape")
    rank = 2 + len(spatial) if isinstance(spatial, tuple) else 4
    turned, nodes = list(node.inputs), []
    for k in range(min(count, len(turned))):
        turned[k] = first.get(turned[k], "") or f"{node.name}.{k}.first"
        if turned[k] not in first.values():
            order = {"perm": (0, rank - 1, *range(1, rank - 1))}
            made = (turned[k],)
            nodes.append(Node("Transpose", "", made[0], node.inputs[k : k + 1], made, order))
    result = node.outputs[0]
    first[result] = f"{node.name}.result.first"
    attributes = {k: v for k, v in node.attributes.items() if k != "channels_last"}
    domain = "" if node.domain == CHANNELS_LAST else node.domain
    op = LAST.get(node.op, (node.op,))[0]
    domain = "" if op in ("Conv", "MaxPool") else domain
    nodes += _plain(
        replace(
            node, op=op, domain=domain, inputs=tuple(turned), written=node.op,
            outputs=(first[result], *node.outputs[1:]), attributes=attributes,
        )
    )  # fmt: skip
    order = {"perm": (0, *range(2, rank), 1)}
    return [*nodes, Node("Transpose", "", f"{node.name}.last", (first[result],), (result,), order)]


def _plain(node: Node) -> list[Node]:
    if node.domain == "":
        return [_formed(node, *FORMS[node.op])] if node.op in FORMS else [node]
    if node.op in QONNX and not node.domain.startswith(RUNTIME):
        return [replace(node, domain="")]
    if node.domain != RUNTIME:
        return [node]
    if node.op == "QLinearConcat":
        return [_formed(node, "Concat", tuple(range(2, len(node.inputs), 3)), 1)]
    nodes = [node]
    if node.op in FUSED and node.outputs:
        return _with_activation(node)
    if node.op in DYNAMIC:
        codes = f"{node.name}.codes"
        quantiser = Node("DynamicQuantizeLinear", "", codes, node.inputs[:1], (codes,))
        coded = replace(node, inputs=(codes, *node.inputs[1:]))
        nodes = [quantiser, _formed(coded, *DYNAMIC[node.op])]
    elif node.op in RUNTIME_FORMS:
        nodes = [_formed(node, *RUNTIME_FORMS[node.op])]
    addend = node.input(ADDENDS.get(node.op, len(node.inputs)))
    return _with_addend(nodes, addend) if addend and node.outputs else nodes


def _formed(node: Node, op: str, positions: tuple[int, ...], zero: int | None) -> Node:
    inputs = [node.input(k) for k in positions]
    while inputs and not inputs[-1]:
        inputs.pop()
    zero_point = "" if zero is None else node.input(zero)
    return replace(
        node, op=op, domain="", inputs=tuple(inputs), written=node.op, zero=zero_point
    )  # fmt: skip


def _with_activation(node: Node) -> list[Node]:
    """Return a product, the addition of its fourth input, and its activation."""
    product = replace(node, op=FUSED[node.op], domain="", inputs=node.inputs[:3], written=node.op)
    nodes = [product]
    if node.op == "FusedConv" and node.input(3):
        nodes.append(Node("Add", "", f"{node.name}.sum", ("", node.input(3)), ()))
    op = node.text("activation", "")
    if op:
        values = node.attributes.get("activation_params") or ()
        attributes = dict(zip(ACTIVATION_PARAMETERS.get(op, ()), values, strict=False))
        nodes.append(Node(op, "", f"{node.name}.activation", ("",), (), attributes, node.op))
    steps = [f"{node.name}.{k}.fused" for k in range(len(nodes) - 1)] + [node.outputs[0]]
    for k, step in enumerate(nodes):
        inputs = (steps[k - 1], *step.inputs[1:]) if k else step.inputs
        nodes[k] = replace(step, inputs=inputs, outputs=(steps[k],))
    return nodes


def _with_addend(nodes: list[Node], addend: str) -> list[Node]:
    """Add a bias: before a GELU, after a product."""
    *before, last = nodes
    if last.op == "Gelu":
        total = f"{last.name}.biased"
        bias = Node("Add", "", total, (last.inputs[0], addend), (total,), written=last.written)
        return [*before, bias, replace(last, inputs=(total,))]
    product = f"{last.name}.product"
    bias = Node("Add", "", f"{last.name}.bias", (product, addend), last.outputs)
    return [*before, replace(last, outputs=(product,)), bias]


def inline_branches(graph: Graph) -> "tuple[list[Node], dict[str, TensorProto]] | None":
    """Replace every If whose condition is known by its branch; None if there is none.

    Return all nodes, and the tensors that the branches store. PyTorch's legacy exporter writes an
    If about a shape: a constant, once sizes are known.
    """
    nodes: list[Node] = []
    stored: dict[str, TensorProto] = {}
    for node in graph.nodes:
        branch = _branch(graph, node)
        if branch is None or len(stored) + len(branch.node) > MAX_BROUGHT:
            nodes.append(node)
            continue
        own = {t.name for t in branch.initializer} | {o for n in branch.node for o in n.output}
        names = {name: f"{node.name}/{name}" for name in own if name}
        nodes += [_renamed(inner, names) for inner in plain_nodes(nodes_of(branch))]
        stored |= {names[n]: t for n, t in stored_tensors(branch).items() if n in names}
        for result, out in zip(branch.output, node.outputs, strict=False):
            source = (names.get(result.name, result.name),)
            nodes.append(Node("Identity", "", f"{node.name}/{out}", source, (out,)))
    return (nodes, stored) if len(nodes) != len(graph.nodes) else None


def _branch(graph: Graph, node: Node) -> "GraphProto | None":
    condition = graph.number_of(node.input(0)) if node.op == "If" and not node.domain else None
    if condition is None or node.proto is None:
        return None
    which = "then_branch" if condition else "else_branch"
    branches = [a.g for a in node.proto.attribute if a.name == which and a.type == a.GRAPH]
    return branches[0] if branches and len(branches[0].output) == len(node.outputs) else None


def _renamed(node: Node, names: Mapping[str, str]) -> Node:
    def other(tensors: Iterable[str]) -> tuple[str, ...]:
        return tuple(names.get(tensor, tensor) for tensor in tensors)

    return replace(
        node,
        inputs=other(node.inputs),
        outputs=other(node.outputs),
        zero=names.get(node.zero, node.zero),
    )
