"""Checks of the widths that a precision is made from, and the layers that a pattern means."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from operator import itemgetter
from typing import Any

from bfimna.errors import BfimnaError, shown, whole_number, wrong_type
from bfimna.network.graph import Network
from bfimna.operators.words import MAX_BITS


def check_names(what: str, names: Sequence[object]) -> None:
    """Raise for a name that is no text, or is given twice."""
    others = [name for name in names if not isinstance(name, str)]
    if others:
        raise wrong_type(f"{what}: a name", others[0], "text")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise BfimnaError(f"{what}: {shown(twice)} is given twice")


def checked_widths(what: str, layers: Sequence[str], bits: Sequence[int]) -> tuple[int, ...]:
    """Return bits by layer as Python's integers, or raise."""
    if {*map(type, bits)} <= {int} and all(1 <= b <= MAX_BITS for b in bits):
        return tuple(bits)
    return tuple(
        whole_number(f"{what} of layer {layer!r}", b, 1, MAX_BITS)
        for layer, b in zip(layers, bits, strict=True)
    )


def own_widths(name: str, tensors: Any) -> tuple[tuple[str, int], ...]:
    """Return the widths of tensors, checked and sorted by layer."""
    what = f"tensor_bits of precision {shown(name)}"
    try:
        items = tensors.items() if isinstance(tensors, Mapping) else tensors
        pairs = [(layer, bits) for layer, bits in items]
    except (TypeError, ValueError):
        raise wrong_type(what, tensors, "a mapping of layers to bits") from None
    check_names(what, [layer for layer, _ in pairs])
    return tuple(
        (layer, whole_number(f"bits of tensor {layer!r}", bits, 1, MAX_BITS))
        for layer, bits in sorted(pairs, key=itemgetter(0))
    )


def pair_of(layer: str, bits: object) -> tuple[int, int]:
    """Return (weight, activation) bits from one width for both, or from two."""
    pair = bits if isinstance(bits, tuple | list) else (bits, bits)
    if len(pair) != 2:
        raise BfimnaError(
            f"bits of layer {layer!r} must be one width, or (weights, activations), not "
            f"{shown(bits)}"
        )
    weights, activations = (whole_number(f"bits of layer {layer!r}", b, 1, MAX_BITS) for b in pair)
    return weights, activations


def matching(network: Network, pattern: object) -> list[str]:
    """Return the weighted layers whose name or alias matches a pattern with ``*`` and ``?``."""
    if not isinstance(pattern, str):
        return []
    names = (*network.matmul_names, *network.aliases)
    matched = [name for name in names if fnmatchcase(name, pattern)]
    return [layer for name in matched for layer in network.weighted(name)]
