"""Any CNN in ONNX or QONNX → Network, and Precision where the file carries one."""

from pathlib import Path

from bfimna.errors import BfimnaError, whole_number
from bfimna.network.graph import Network
from bfimna.network.precision import MAX_BITS, Precision
from bfimna.onnx.bits import tensor_bits
from bfimna.onnx.model_graph import InputShape, read_graph
from bfimna.onnx.nodes import Graph
from bfimna.onnx.operations import translate
from bfimna.onnx.translation import Translation, module_names, sharing_notes

LISTED = 60  # layers in a message


def read_onnx(path: str | Path, input_shape: InputShape = None) -> Network:
    """Read a CNN from an ONNX file; weights are not needed, and external data is never opened.

    Parameters
    ----------
    path : the file; the network bears its stem as name, the layers the nodes' names.
    input_shape : of the data input, with or without the batch, where the file leaves it open; of
        several inputs, a mapping from their names.

    Returns
    -------
    Network
        A softmax at the end is left to the host, which `Network.notes` states. Where the exporter
        left PyTorch's module names, they are `Network.aliases` of the layers.

    Raises
    ------
    BfimnaError
        For a file that is damaged or too large, and for what is not modelled, naming the file, the
        operation and the node.

    Examples
    --------
    >>> from importlib.util import find_spec
    >>> import bfimna as bf
    >>> here = find_spec("onnx").submodule_search_locations[0]
    >>> net = bf.read_onnx(f"{here}/backend/test/data/light/light_resnet50.onnx")
    >>> (net.weights, net.macs) == (bf.zoo.resnet50().weights, bf.zoo.resnet50().macs)
    True
    """
    _, _, network = _read(path, input_shape)
    return network


def read_onnx_precision(
    path: str | Path, default: int | None = None, input_shape: InputShape = None
) -> Precision:
    """Read the bits that a QONNX or quantised ONNX file gives the weighted layers of `read_onnx`.

    The widths are those of the quantisers before a layer's weights and activations: ``Quant``,
    ``IntQuant``, ``BipolarQuant``, ``Trunc``, ``QuantizeLinear`` and ``DequantizeLinear``, and the
    element types of ``QLinearConv``, ``ConvInteger`` and their products of matrices.

    Parameters
    ----------
    default : bits where the file says none; without it, such layers are an error that lists them.

    Raises
    ------
    BfimnaError
        As `read_onnx`, and for layers without bits or with more than 16.
    """
    if default is not None:
        default = whole_number("default bits", default, 1, MAX_BITS)
    graph, translation, network = _read(path, input_shape)
    try:
        bits = tensor_bits(graph)
        pairs = {
            layer: tuple(bits.get(tensor, default) for tensor in tensors[:2])
            for layer, tensors in translation.matmuls.items()
        }
        open_layers = [_open(layer, *pair) for layer, pair in pairs.items() if None in pair]
        if open_layers:
            count = len(open_layers) - LISTED
            more = f" and {count} more" if count > 0 else ""
            listed = ", ".join(open_layers[:LISTED]) + more
            raise BfimnaError(f"does not say the bits of {listed}; give a default")
        return Precision.by_layer(network, pairs, Path(path).stem)  # type: ignore[arg-type]
    except BfimnaError as error:
        raise BfimnaError(f"{path}: {error}") from None


def _open(layer: str, weights: int | None, activations: int | None) -> str:
    """Name a layer of which the file does not say all bits, and what it does say."""
    if weights is None and activations is None:
        return repr(layer)
    if activations is None:
        return f"{layer!r} (of its activations; weights have {weights})"
    return f"{layer!r} (of its weights; activations have {activations})"


def _read(path: str | Path, input_shape: InputShape) -> tuple[Graph, Translation, Network]:
    graph = read_graph(path, input_shape)
    try:
        translation = translate(graph)
        layers = tuple(translation.layers.values())
        names = module_names(translation)
        notes = (*translation.notes, *sharing_notes(translation))
        network = Network(graph.name, layers, notes, names)
    except BfimnaError as error:
        raise BfimnaError(f"{path}: {error}") from None
    return graph, translation, network
