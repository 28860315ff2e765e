"""What a reader of a report must know and its figures do not show, each on one line."""

import numpy as np

from bfimna.ap.counts import CountSet
from bfimna.cost.cost import ALL_PHASES
from bfimna.display import quantity
from bfimna.mapping.chip import Chip

#: phases that the literature's closed forms do not cover: this model's in both sets of counts
NOT_PUBLISHED = ("requantise", "elementwise", "traffic")


def memory_note(chip: Chip, weights_bits: int, live_bits: int, streamed_bits: int = 0) -> str:
    """Return what does not fit the MAPs, or an empty text.

    Parameters
    ----------
    weights_bits : of all weights.
    live_bits : of the batch's activations where they take most.
    streamed_bits : of the weights that come from DRAM and take no MAPs.

    >>> memory_note(Chip.limited(), 10**8, 10**6)  # doctest: +NORMALIZE_WHITESPACE
    'resident weights (100 Mbit) exceed the 22.1 Mbit of the MAPs; costs are as if they fitted'
    """
    resident = weights_bits - streamed_bits
    room, names = chip.map_bits, []
    if resident + live_bits <= room:
        return _streamed_note(chip, weights_bits, streamed_bits)
    together = resident <= room and live_bits <= room
    if resident > room or together:
        names.append(f"resident weights ({quantity(resident, 'bit')})")
    if live_bits > room or together:
        names.append(f"live activations ({quantity(live_bits, 'bit')})")
    what = f"{' and '.join(names)}{' together' if together else ''}"
    return f"{what} exceed the {quantity(room, 'bit')} of the MAPs; costs are as if they fitted"


def _streamed_note(chip: Chip, weights_bits: int, streamed_bits: int) -> str:
    """Say what "auto" streams; whoever chose "streamed" knows."""
    if chip.weights != "auto" or not streamed_bits:
        return ""
    return (
        f"{quantity(streamed_bits, 'bit')} of {quantity(weights_bits, 'bit')} of weights do not "
        f"fit the {quantity(chip.map_bits, 'bit')} of the MAPs beside the live activations: "
        "streamed from DRAM"
    )


def published_note(counts: CountSet, times: np.ndarray) -> str:
    """Return which part of a report with the literature's counts is not the literature's.

    Parameters
    ----------
    times : seconds, shape (layers, phases).
    """
    if counts != "published":
        return ""
    by_phase = times.sum(axis=0) / times.sum()
    shares = {phase: by_phase[ALL_PHASES.index(phase)] for phase in NOT_PUBLISHED}
    parts = [f"{phase} ({100 * share:.0f} %)" for phase, share in shares.items() if share]
    return f"counts='published': {', '.join(parts)} of the time are this model's own, not published"
