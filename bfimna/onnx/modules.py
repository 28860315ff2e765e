"""The names that a network's weighted layers had in PyTorch, where the exporter left a trace."""

import re

from bfimna.onnx.graph import Node
from bfimna.onnx.translation import Translation

SCOPES = "pkg.torch.onnx.name_scopes"
LONGEST = 10_000  # characters of a list of scopes that are read
MAX_CHAIN = 8  # operations between stored weights and the layer: quantisers, a transposition


def module_names(t: Translation) -> dict[str, tuple[str, ...]]:
    """Return module → the weighted layers that it became, where its name is another than theirs.

    A module is named by its stored weights (``layer1.0.conv2.weight``), else by the scopes that the
    exporter writes, else by a path as the legacy exporter's (``/layer1/layer1.0/conv2/Conv``).
    """
    makers = {o: node for node in t.graph.nodes for o in node.outputs}
    found: dict[str, tuple[str, ...]] = {}
    for layer, (weight, _, node) in t.gemms.items():
        name = _stored(makers, weight) or _scope(node) or _path(node.name)
        if name and name not in t.gemms:
            found[name] = (*found.get(name, ()), layer)
    return found


def stored_weights(makers: dict[str, Node], weight: str) -> str:
    """Return the tensor from which a layer's weights are made: quantised, turned, renamed."""
    for _ in range(MAX_CHAIN):
        if weight not in makers or not makers[weight].inputs:
            break
        weight = makers[weight].inputs[0]
    return weight


def _stored(makers: dict[str, Node], weight: str) -> str:
    weight = stored_weights(makers, weight)
    return weight.removesuffix(".weight") if weight.endswith(".weight") else ""


def _scope(node: Node) -> str:
    """Return the module in a list of scopes that ends with the module and its operation."""
    for entry in node.proto.metadata_props if node.proto is not None else ():
        if entry.key == SCOPES and len(entry.value) < LONGEST:
            scopes = re.findall("'([^']*)'", entry.value)  # Python's way to write a list of texts
            if len(scopes) > 1:
                return scopes[-2]
    return ""


def _path(name: str) -> str:
    """Return the module of a legacy path, in which children of containers repeat their parent.

    >>> _path("/layer1/layer1.0/conv2/Conv"), _path("conv")
    ('layer1.0.conv2', '')
    """
    if not name.startswith("/"):
        return ""
    path, last = "", ""
    for part in name.split("/")[1:-1]:
        if last and part.startswith(f"{last}."):
            path = path[: len(path) - len(last)] + part
        else:
            path = f"{path}.{part}" if path else part
        last = part
    return path
