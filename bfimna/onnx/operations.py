"""The table of ONNX operations, and the walk over a graph that turns its nodes into layers."""

from dataclasses import dataclass, field
from math import floor

import numpy as np

from bfimna.errors import BfimnaError
from bfimna.onnx import (
    addressing,
    elementwise,
    functions,
    interpolation,
    matmuls,
    normalisation,
    windows,
)
from bfimna.onnx.fusion import Tree, WordFunctions
from bfimna.onnx.nodes import Dims, Graph, Node, RefusedError
from bfimna.onnx.rewrites import CONTROL
from bfimna.onnx.translation import Layers, Operation, Shapes, Translation
from bfimna.onnx.transposed_conv import conv_transpose, conv_transpose_shapes


def _stated_shapes(graph: Graph, node: Node) -> list[Dims]:
    """Constant: as stored."""
    return [graph.dims[node.outputs[0]]] if node.outputs and node.outputs[0] in graph.dims else []


def _filled_shapes(graph: Graph, node: Node) -> list[Dims]:
    """ConstantOfShape: as its input lists."""
    return [graph.integers(node, 0)]


def _range_shapes(graph: Graph, node: Node) -> list[Dims]:
    """Range: from start to stop by step."""
    ends = [graph.number_of(node.input(k)) for k in range(3)]
    if None in ends or not all(np.isfinite(ends)) or not ends[2]:  # type: ignore[arg-type]
        raise node.refuse("its ends are no constant numbers")
    start, stop, step = ends
    return [(max(-floor((start - stop) / step), 0),)]  # type: ignore[operator]


def _no_shapes(graph: Graph, node: Node) -> list[Dims]:
    """Shape and Size: constant folding computes them."""
    return []


def _dynamic_quantiser_shapes(graph: Graph, node: Node) -> list[Dims]:
    """DynamicQuantizeLinear: codes, and two numbers."""
    return [graph.input_dims(node), (), ()]


def _rows(operations: str, shapes: Shapes, layers: Layers | None = None) -> dict[str, Operation]:
    return dict.fromkeys(operations.split(), Operation(shapes, layers))


_same, _broadcast = elementwise.same_shapes, elementwise.broadcast_shapes

OPERATIONS: dict[str, Operation] = {
    # weighted layers and windows
    **_rows("Conv", windows.conv_shapes, windows.conv),
    **_rows("ConvTranspose", conv_transpose_shapes, conv_transpose),
    **_rows("Gemm", matmuls.gemm_shapes, matmuls.linear),
    **_rows("MatMul", matmuls.matmul_shapes, matmuls.linear),
    **_rows("MatMulNBits", matmuls.packed_matmul_shapes, matmuls.linear),
    **_rows("Einsum", matmuls.einsum_shapes, matmuls.einsum),
    **_rows("LSTM GRU RNN", matmuls.recurrent_shapes, matmuls.recurrent),
    **_rows("MaxPool AveragePool", windows.pool_shapes, windows.pool),
    **_rows("GlobalMaxPool GlobalAveragePool", windows.global_pool_shapes, windows.global_pool),
    **_rows("LpPool", windows.pool_shapes),
    # functions of one word
    **_rows(
        "Abs Acos Acosh Asin Asinh Atan Atanh Ceil Celu Cos Cosh Elu Erf Exp Floor Gelu "
        "HardSigmoid HardSwish IsInf IsNaN Log Mish Neg Not Reciprocal Relu Round Selu Sigmoid "
        "Sign Sin Sinh Softplus Softsign Sqrt Swish Tan Tanh ThresholdedRelu",
        _same, functions.activation,
    ),
    **_rows("LeakyRelu PRelu", _same, functions.leaky_relu),
    **_rows("Clip", _same, functions.clip),
    **_rows("Pow", _broadcast, functions.power),
    # operations that pass their first input on
    **_rows(
        "Cast DequantizeLinear Dropout Identity QuantizeLinear Quant IntQuant BipolarQuant Trunc",
        _same, functions.same,
    ),
    **_rows("DynamicQuantizeLinear", _dynamic_quantiser_shapes, functions.dynamic_quantiser),
    # arithmetic between words
    **_rows("Add Sub Mul Div Sum", _broadcast, elementwise.arithmetic),
    **_rows("Max Min", _broadcast, elementwise.extreme),
    **_rows(
        "And Equal Greater GreaterOrEqual Less LessOrEqual Or Xor", _broadcast, elementwise.compare
    ),
    **_rows("Where", _broadcast, elementwise.where),
    **_rows("BatchNormalization", _same, elementwise.batch_norm),
    **_rows("Mean Mod", _broadcast),
    **_rows("BitwiseNot ScatterElements ScatterND", _same),
    **_rows("CumSum", _same, interpolation.cumulative_sum),
    # reductions and norms
    **_rows(" ".join(normalisation.REDUCTIONS), normalisation.reduce_shapes, normalisation.reduce),
    **_rows("ReduceProd", normalisation.reduce_shapes),
    **_rows(
        "InstanceNormalization GroupNormalization LayerNormalization",
        _same, normalisation.normalise,
    ),
    **_rows("Softmax LogSoftmax", _same, normalisation.softmax),
    **_rows("LRN", _same, normalisation.lrn),
    **_rows("TopK", normalisation.top_k_shapes),
    **_rows("ArgMax ArgMin", normalisation.arg_shapes),
    # addressing
    **_rows("Reshape", addressing.reshape_shapes, addressing.view),
    **_rows("Flatten", addressing.flatten_shapes, addressing.view),
    **_rows("Transpose", addressing.transpose_shapes, addressing.view),
    **_rows("Squeeze", addressing.squeeze_shapes, addressing.view),
    **_rows("Unsqueeze", addressing.unsqueeze_shapes, addressing.view),
    **_rows("Slice", addressing.slice_shapes, addressing.view),
    **_rows("Gather", addressing.gather_shapes, addressing.gather),
    **_rows("GatherElements", addressing.gather_elements_shapes, addressing.view),
    **_rows("GatherND", addressing.gather_nd_shapes, addressing.view),
    **_rows("Pad", addressing.pad_shapes, addressing.view),
    **_rows("Expand", addressing.expand_shapes, addressing.view),
    **_rows("Tile", addressing.tile_shapes, addressing.view),
    **_rows("DepthToSpace", addressing.depth_to_space_shapes, addressing.view),
    **_rows("SpaceToDepth", addressing.space_to_depth_shapes, addressing.view),
    **_rows("Concat", addressing.concat_shapes, addressing.concat),
    **_rows("Split", addressing.split_shapes, addressing.split),
    **_rows("Resize Upsample", interpolation.resize_shapes, interpolation.resize),
    # constants and sizes
    **_rows("Constant", _stated_shapes),
    **_rows("ConstantOfShape", _filled_shapes),
    **_rows("Range", _range_shapes),
    **_rows("Shape Size", _no_shapes),
}  # fmt: skip

#: operations that the host does, where everything after them is left to it too
HOST = ("ArgMax", "ArgMin", "LogSoftmax", "NonMaxSuppression", "Softmax", "TopK")
#: how operations are read that the host may do after those: they only pass words on
MOVES = (functions.same, addressing.view, addressing.gather, addressing.split)
#: operations whose results differ at each run
RANDOM = ("Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform",
          "RandomUniformLike")  # fmt: skip
SHOWN = 6  # obstacles, and nodes of each, in a message


def translate(graph: Graph) -> Translation:
    """Translate every node that depends on the data, in order.

    Raises
    ------
    BfimnaError
        Naming every obstacle in the graph, not only the first.
    """
    random = [node for node in graph.nodes if node.op in RANDOM and not node.domain]
    if random:
        why = "draws random numbers; export the model in evaluation mode, without dropout"
        raise _summary([node.refuse(why) for node in random])
    t = Translation(graph)
    walk = _Walk(t, _host_nodes(graph), WordFunctions(graph, OPERATIONS).trees())
    for tensor, dims in graph.inputs.items():
        node = Node("input", "", tensor, (), (tensor,))
        shape = t.shape_of(dims, node)
        t.made[tensor] = t.emit(node, "input", (), channels=shape[0], size=shape[1:])
    for k, node in enumerate(graph.nodes):
        if not all(o in graph.constants for o in node.outputs if o):
            walk.step(k, node)
    if walk.obstacles:
        raise _summary(walk.obstacles)
    return t


@dataclass
class _Walk:
    """The walk over a graph: past an obstacle, it looks for those that do not come of it.

    Attributes
    ----------
    host : nodes that the host does. trees : functions of one word, of several nodes.
    obstacles : so far. lost : tensors behind one of them.
    """

    t: Translation
    host: set[int]
    trees: dict[int, Tree | None]
    obstacles: list[RefusedError] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)

    def step(self, k: int, node: Node) -> None:
        """Translate one node."""
        tree = self.trees.get(k)
        if tree is None and k in self.trees:
            return
        row = None if node.domain else OPERATIONS.get(node.op)
        layers = row.layers if row is not None else None
        if layers is None and k not in self.host:
            why = f"not modelled{f' (domain {node.domain[:100]!r})' if node.domain else ''}"
            why = "control flow is not modelled" if node.op in CONTROL else why
            self._note(node, node.refuse(why))
        elif any(i in self.lost for i in ((tree.leaf,) if tree else node.inputs) if i):
            self.lost.update(node.outputs)
        elif k in self.host or layers is None:
            self._leave(node)
        else:
            try:
                if k in self.t.graph.refused:
                    raise self.t.graph.refused[k]
                if tree is None:
                    layers(self.t, node)
                else:
                    self.t.holder(node, tree.leaf)
                    self.t.done(node, functions.function(self.t, tree.named, "lookup", tree.leaf))
            except BfimnaError as error:
                self._note(node, error)

    def _note(self, node: Node, error: BfimnaError) -> None:
        """Note an obstacle; where the size of its result is known, a stand-in holds it."""
        self.obstacles.append(error if isinstance(error, RefusedError) else node.refuse(str(error)))
        for k, tensor in enumerate(node.outputs):
            try:
                shape = self.t.result_shape(node, k)
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


def _host_nodes(graph: Graph) -> set[int]:
    """Return the positions of the nodes that the host does: a softmax at the end, and what follows.

    A node is at the end where everything that reads its results, directly or not, only passes them
    on.
    """
    computed_on: set[str] = set()  # tensors that an operation reads which computes
    ending = []
    for k in reversed(range(len(graph.nodes))):
        node = graph.nodes[k]
        moves = node.op in OPERATIONS and OPERATIONS[node.op].layers in MOVES
        at_end = not node.domain and (moves or node.op in HOST)
        if at_end and not any(o in computed_on for o in node.outputs):
            ending.append(k)
        else:
            computed_on.update(node.inputs)
    behind: set[str] = set()  # tensors that the host makes
    host = set()
    for k in reversed(ending):
        node = graph.nodes[k]
        if node.op in HOST or any(i in behind for i in node.inputs):
            host.add(k)
            behind.update(node.outputs)
    return host


def _summary(obstacles: list[RefusedError]) -> BfimnaError:
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
