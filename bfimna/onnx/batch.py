"""Decide which axis of the inputs is a batch, of which a network counts one."""

from bfimna.onnx.nodes import RECURRENT, Graph, Node

#: operations that are defined on tensors whose first axis is a batch
BATCHED = (
    "AveragePool", "BatchNormalization", "Conv", "ConvTranspose", "DepthToSpace",
    "GlobalAveragePool", "GlobalMaxPool", "GroupNormalization", "InstanceNormalization", "LRN",
    "LpPool", "MaxPool", "SpaceToDepth",
)  # fmt: skip


def set_batch(graph: Graph, batched: set[str]) -> None:
    """Fill in the `batch`, and `notes` of what is left out or counted because of it.

    A fixed first axis is a batch where an operation is defined so, such as a convolution, or the
    user leaves it out of `input_shape`; otherwise it is counted. A recurrent layer's input has the
    batch second.

    Parameters
    ----------
    batched : inputs whose first axis is open in the file, or left out by the user.
    """
    second = {n.input(0) for n in graph.nodes if n.op in RECURRENT} & set(graph.inputs)
    first = (batched | _proven(graph)) - second
    sizes = [dims[0] for name, dims in graph.inputs.items() if name in first]
    sizes += [graph.inputs[name][1] for name in second if len(graph.inputs[name]) > 1]
    graph.batch = max(sizes, default=1)
    if graph.batch > 1:
        graph.notes.append(
            f"the file has a batch of {graph.batch}: layers and costs are of one inference, give "
            "batch= for more"
        )
    for name, dims in graph.inputs.items():
        if name not in first | second and dims[0] > 1:
            graph.notes.append(
                f"the first axis of input {name[:100]!r}, {dims[0]}, is counted: no operation on "
                "it takes a batch; if it is one, leave it out of input_shape="
            )


def _proven(graph: Graph) -> set[str]:
    """Return the inputs whose first axis is a batch to an operation that it reaches."""
    origins: dict[str, str] = {name: name for name in graph.inputs}
    proven: set[str] = set()
    for node in graph.nodes:
        source = next((i for i in node.inputs if i in origins), "")
        if source and node.op in BATCHED and not node.domain and source == node.input(0):
            proven.add(origins[source])
        if source and _keeps_first_axis(graph, node, source):
            origins.update((o, origins[source]) for o in node.outputs if o)
    return proven


def _keeps_first_axis(graph: Graph, node: Node, source: str) -> bool:
    """Whether the first axis of a node's results is that of its input."""
    data = graph.dims.get(source)
    if not data or (node.op == "Transpose" and _first_of_transposed(node, len(data)) != 0):
        return False
    return all(graph.dims.get(o, ())[:1] == data[:1] for o in node.outputs[:1])


def _first_of_transposed(node: Node, rank: int) -> int:
    order = node.attributes.get("perm", ())
    return order[0] if isinstance(order, tuple) and order else rank - 1
