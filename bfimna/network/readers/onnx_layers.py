"""Which reader each ONNX operation has, and the walk over a graph that uses them."""

from collections.abc import Callable

from bfimna.errors import BfimnaError
from bfimna.network.readers import onnx_windows as windows
from bfimna.network.readers import onnx_words as words
from bfimna.network.readers.onnx_graph import Graph, Node
from bfimna.network.readers.onnx_translation import Translation

#: element-wise functions that are one look-up table of an M-bit word
FUNCTIONS = (
    "Abs", "Acos", "Asin", "Atan", "Celu", "Cos", "Elu", "Erf", "Exp", "Gelu", "Log", "Mish", "Neg",
    "Reciprocal", "Round", "Selu", "Sigmoid", "Sign", "Sin", "Softplus", "Softsign",
    "Sqrt", "Swish", "Tanh", "ThresholdedRelu",
)  # fmt: skip
#: operations that pass their first input on
PASS = (
    "Cast", "DequantizeLinear", "Dropout", "Identity", "QuantizeLinear", "Quant",
    "IntQuant", "BipolarQuant", "Trunc",
)  # fmt: skip
#: operations that pick, repeat or reorder elements (and constants)
VIEWS = (
    "DepthToSpace", "Expand", "Flatten", "Gather", "Pad", "Reshape", "Resize", "Slice",
    "SpaceToDepth", "Split", "Squeeze", "Tile", "Transpose", "Unsqueeze", "Upsample",
)  # fmt: skip
#: operations at the end that the host does
HOST = ("ArgMax", "LogSoftmax", "Softmax", "TopK")
#: the only operations read from other domains than ONNX's own
QUANTISERS = ("Quant", "IntQuant", "BipolarQuant", "Trunc")


def activation(kind: str) -> Callable[[Translation, Node], None]:
    """Return the reader of an element-wise layer of this kind."""

    def read(t: Translation, node: Node) -> None:
        t.done(node, t.emit(node, kind, (t.source(node),)))

    return read


OPERATIONS: dict[str, Callable[[Translation, Node], None]] = {
    **dict.fromkeys(("Conv", "QLinearConv", "ConvInteger"), windows.conv),
    **dict.fromkeys(("Gemm", "MatMul", "MatMulInteger", "QLinearMatMul"), windows.linear),
    **dict.fromkeys(("MaxPool", "AveragePool"), windows.pool),
    **dict.fromkeys(("GlobalMaxPool", "GlobalAveragePool"), windows.global_pool),
    **dict.fromkeys(("Add", "Sub", "Mul", "Div", "Sum"), words.arithmetic),
    **dict.fromkeys(FUNCTIONS, activation("lookup")),
    **dict.fromkeys(PASS, words.same),
    **dict.fromkeys(VIEWS, words.view),
    **dict.fromkeys(HOST, words.host),
    "ReduceMean": windows.reduce_mean,
    "BatchNormalization": words.batch_norm,
    "LRN": words.lrn,
    "Concat": words.concat,
    "Relu": activation("relu"),
    "Clip": activation("clip"),
    "LeakyRelu": words.leaky_relu,
    "HardSigmoid": activation("hardsigmoid"),
    "HardSwish": activation("hardswish"),
}


def translate(graph: Graph) -> Translation:
    """Translate every node that depends on the data, in order."""
    t = Translation(graph)
    for tensor, dims in graph.inputs.items():
        node = Node("input", "", tensor, (), (tensor,), {})
        shape = t.shape_of(dims, node)
        t.made[tensor] = t.emit(node, "input", (), channels=shape[0], size=shape[1:])
    for node in graph.nodes:
        if all(o in graph.constants for o in node.outputs if o):
            continue
        if node.op not in OPERATIONS or (node.domain and node.op not in QUANTISERS):
            raise node.refuse(f"not modelled{f' (domain {node.domain!r})' if node.domain else ''}")
        if node.inputs and node.inputs[0] in t.host and node.op in (*PASS, *VIEWS):
            t.host.update((tensor, t.host[node.inputs[0]]) for tensor in node.outputs)
            continue
        try:
            OPERATIONS[node.op](t, node)
        except BfimnaError as error:
            raise error if str(node) in str(error) else node.refuse(str(error)) from None
    return t
