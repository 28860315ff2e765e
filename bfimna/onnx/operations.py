"""Which reader each ONNX operation has, and the walk over a graph that uses them."""

from collections.abc import Callable
from dataclasses import dataclass, field

from bfimna.errors import BfimnaError
from bfimna.onnx import functions, moves, products, reductions, windows, words
from bfimna.onnx.branches import CONTROL
from bfimna.onnx.graph import QONNX, RECURRENT, Graph, Node, RefusedError
from bfimna.onnx.recurrent import recurrent
from bfimna.onnx.translation import Translation
from bfimna.onnx.transpose_conv import conv_transpose

#: element-wise functions that are one look-up table of an M-bit word
FUNCTIONS = (
    "Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Ceil", "Celu", "Cos", "Cosh", "Elu",
    "Erf", "Exp", "Floor", "Gelu", "IsInf", "IsNaN", "Log", "Mish", "Neg", "Not", "Reciprocal",
    "Round", "Selu", "Sigmoid", "Sign", "Sin", "Sinh", "Softplus", "Softsign", "Sqrt", "Swish",
    "Tan", "Tanh", "ThresholdedRelu",
)  # fmt: skip
#: operations that pass their first input on
PASS = (
    "Cast", "DequantizeLinear", "Dropout", "Identity", "QuantizeLinear", *QONNX,
)  # fmt: skip
#: operations that pick, repeat or reorder elements (and constants)
VIEWS = (
    "DepthToSpace", "Expand", "Flatten", "Gather", "GatherElements", "GatherND", "Pad", "Reshape",
    "Slice", "SpaceToDepth", "Squeeze", "Tile", "Transpose", "Unsqueeze",
)  # fmt: skip
#: functions of two words that are a look-up of their sum or difference
COMPARISONS = (
    "And", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Or", "Xor",
)  # fmt: skip
#: operations that the host does, where all that follows is done by it
HOST = ("ArgMax", "ArgMin", "LogSoftmax", "Softmax", "TopK")
SHOWN = 6  # obstacles, and nodes of each, in a message

OPERATIONS: dict[str, Callable[[Translation, Node], None]] = {
    "Conv": windows.conv,
    "ConvTranspose": conv_transpose,
    **dict.fromkeys(("Gemm", "MatMul", "MatMulNBits"), products.linear),
    **dict.fromkeys(RECURRENT, recurrent),
    **dict.fromkeys(("MaxPool", "AveragePool"), windows.pool),
    **dict.fromkeys(("GlobalMaxPool", "GlobalAveragePool"), windows.global_pool),
    **dict.fromkeys(("Add", "Sub", "Mul", "Div", "Sum"), words.arithmetic),
    **dict.fromkeys(("Max", "Min"), words.extreme),
    **dict.fromkeys(COMPARISONS, words.compare),
    **dict.fromkeys(FUNCTIONS, functions.activation("lookup")),
    **dict.fromkeys(PASS, functions.same),
    **dict.fromkeys(VIEWS, moves.view),
    **dict.fromkeys(("Resize", "Upsample"), moves.resize),
    **dict.fromkeys(reductions.REDUCTIONS, reductions.reduce),
    **dict.fromkeys(
        ("InstanceNormalization", "GroupNormalization", "LayerNormalization"), reductions.normalise
    ),
    **dict.fromkeys(("Softmax", "LogSoftmax"), reductions.softmax),
    **dict.fromkeys(("LeakyRelu", "PRelu"), functions.leaky_relu),
    "BatchNormalization": words.batch_norm,
    "LRN": words.lrn,
    "Pow": functions.power,
    "Where": words.where,
    "Concat": moves.concat,
    "Split": moves.split,
    "Relu": functions.activation("relu"),
    "Clip": functions.clip,
    "HardSigmoid": functions.activation("hardsigmoid"),
    "HardSwish": functions.activation("hardswish"),
    "DynamicQuantizeLinear": functions.dynamic_quantiser,
}


def translate(graph: Graph) -> Translation:
    """Translate every node that depends on the data, in order.

    Raises
    ------
    BfimnaError
        Naming every obstacle in the graph, not only the first.
    """
    t = Translation(graph)
    walk = _Walk(t, hosted(graph))
    for tensor, dims in graph.inputs.items():
        node = Node("input", "", tensor, (), (tensor,))
        shape = t.shape_of(dims, node)
        t.made[tensor] = t.emit(node, "input", (), channels=shape[0], size=shape[1:])
    for k, node in enumerate(graph.nodes):
        if not all(o in graph.constants for o in node.outputs if o):
            walk.step(k, node)
    if walk.obstacles:
        raise summary(walk.obstacles)
    return t


@dataclass
class _Walk:
    """The walk over a graph: past an obstacle, it looks for those that do not come of it.

    Attributes
    ----------
    host : nodes that the host does. obstacles : so far. lost : tensors behind one of them.
    """

    t: Translation
    host: set[int]
    obstacles: list[RefusedError] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)

    def step(self, k: int, node: Node) -> None:
        """Translate one node."""
        unknown = node.domain or node.op not in OPERATIONS
        if unknown and k not in self.host:
            why = f"not modelled{f' (domain {node.domain[:100]!r})' if node.domain else ''}"
            why = "control flow is not modelled" if node.op in CONTROL else why
            self._note(node, node.refuse(why))
        elif any(i in self.lost for i in node.inputs if i):
            self.lost.update(node.outputs)
        elif k in self.host:
            self._leave(node)
        else:
            try:
                if k in self.t.graph.refused:
                    raise self.t.graph.refused[k]
                OPERATIONS[node.op](self.t, node)
            except BfimnaError as error:
                self._note(node, error)

    def _note(self, node: Node, error: BfimnaError) -> None:
        """Note an obstacle; where the size of its result is known, a stand-in holds it."""
        self.obstacles.append(error if isinstance(error, RefusedError) else node.refuse(str(error)))
        for k, tensor in enumerate(node.outputs):
            try:
                shape = self.t.shape_of(self.t.dims(tensor, node), node)
                self.t.made[tensor] = self.t.emit(
                    node, "input", (), f".unknown{k}", channels=shape[0], size=shape[1:]
                )
            except BfimnaError:
                self.lost.add(tensor)

    def _leave(self, node: Node) -> None:
        """Leave a node to the host."""
        if node.op in HOST and not any(i in self.t.host for i in node.inputs):
            self.t.notes.append(f"{node} at the end is left to the host: not counted")
        self.t.host.update(node.outputs)


def hosted(graph: Graph) -> set[int]:
    """Return the positions of the nodes that the host does: a softmax at the end, and what follows.

    A node is at the end where all that reads its results, directly or not, only passes them on.
    """
    inner: set[str] = set()  # tensors that something reads which computes
    ending = []
    for k in reversed(range(len(graph.nodes))):
        node = graph.nodes[k]
        moving = node.op in (*HOST, *PASS, *VIEWS, "Split") and not node.domain
        if moving and not any(o in inner for o in node.outputs):
            ending.append(k)
        else:
            inner.update(node.inputs)
    behind: set[str] = set()  # tensors that the host makes
    found = set()
    for k in reversed(ending):
        node = graph.nodes[k]
        if node.op in HOST or any(i in behind for i in node.inputs):
            found.add(k)
            behind.update(node.outputs)
    return found


def summary(obstacles: list[RefusedError]) -> BfimnaError:
    """Return one error for all obstacles: each kind once, with its nodes."""
    kinds: dict[tuple[str, str], list[str]] = {}
    for error in obstacles:
        kinds.setdefault((error.node.label, error.why), []).append(error.node.name)
    texts = []
    for (label, why), names in list(kinds.items())[:SHOWN]:
        nodes = ", ".join(repr(name[:100]) for name in names[:SHOWN])
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        count = f"{len(names)} nodes" if len(names) > 1 else "node"
        texts.append(f"{label} {count} {nodes}{more}: {why[:300]}")
    if len(kinds) > SHOWN:
        texts.append(f"and {len(kinds) - SHOWN} more kinds of obstacle")
    lead = f"{len(obstacles)} obstacles: " if len(obstacles) > 1 else ""
    return BfimnaError(lead + "; ".join(texts))
