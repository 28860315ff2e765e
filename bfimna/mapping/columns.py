"""Whether a layer's words fit the columns of an array, phase by phase.

Placement and emulator ask here, so both refuse the same layers. Where a program has a form that
needs fewer columns, the rule for taking it stands here too.
"""

import numpy as np

from bfimna.ap import counts as ap
from bfimna.errors import BfimnaError
from bfimna.mapping.chip import Chip
from bfimna.mapping.geometry import Geometry
from bfimna.mapping.kinds import KINDS
from bfimna.network.graph import Network

WIDEST_SUM = 64  # columns of a sum: what one integer of the emulator holds


def scaled_columns(total: ap.Amount, out_bits: ap.Amount, columns: int) -> ap.Amount:
    """Columns of a sum that requantising takes: all, or the top ones that there is room for.

    Beside them lie the multiplier b, as many columns and one that the product grows into, carry and
    flag. What is left out is a fraction of a step of the result.

    >>> int(scaled_columns(24, 8, 72)), int(scaled_columns(45, 16, 72))
    (24, 35)
    """
    return np.minimum(total, columns - 2 * ap.scale_bits(out_bits) - 3)


def check(network: Network, g: Geometry, w: np.ndarray, a: np.ndarray) -> None:
    """Raise for the first layer and phase that needs more columns than an array has."""
    words = g.storage.words(w, a)
    chip, index = g.chip, g.storage.index
    total, out = g.storage.sum_bits(w, a), words.bits[..., index]
    scaled = ~g.storage.summed
    names = [network.layers[k].name for k in index]
    least = out + 2 + 2 * ap.scale_bits(out) + 3  # some columns of the sum are left to be scaled
    _fits(chip, names, "multiply (operands, product, carry, flags)", 2 * (w + a) + 3)
    _fits(chip, names, "carry", total + 2)
    _fits(chip, names, "requantise", np.where(scaled, least, 0))
    if total.max() > WIDEST_SUM:
        k = _worst(total)
        raise BfimnaError(
            f"layer {names[k]!r}: a sum of {total[..., k].max()} bits is too wide; "
            f"at most {WIDEST_SUM} bits"
        )
    for kind, alike in g.alike.items():
        needed = KINDS[kind].columns(alike, words.bits[..., alike.at])
        _fits(chip, [layer.name for layer in alike.layers], KINDS[kind].phase, needed)


def _fits(chip: Chip, names: list[str], phase: str, needed: np.ndarray) -> None:
    if needed.max(initial=0) > chip.columns:
        k = _worst(needed)
        raise BfimnaError(
            f"layer {names[k]!r} needs {needed[..., k].max()} columns in phase "
            f"{phase}; chip {chip.name!r} has {chip.columns}"
        )


def _worst(needed: np.ndarray) -> int:
    return int(np.argmax(needed.reshape(-1, needed.shape[-1]).max(axis=0)))
