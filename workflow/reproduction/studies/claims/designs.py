"""Designs by which the claims are judged: the chip, technologies, and supplies."""

from collections.abc import Sequence

from bfimna.errors import BfimnaError
from bfimna.mapping.chip import Chip
from bfimna.names import load_technology
from bfimna.technology.technology import HIGHEST_V, LOWEST_V, Technology

#: LR as the paper assumes, and as it can be built: weights and tensors that do not fit come from
#: DRAM, and the limits of power density and current hold
PAPER, BUILT = Chip.paper(), Chip.limited()
#: fitted to the paper's own peaks: a check of the fit, never evidence
FITTED = "sram-published-fit"
STEP_V = 0.05
SUPPLIES_V = tuple(
    round(LOWEST_V + n * STEP_V, 2) for n in range(round((HIGHEST_V - LOWEST_V) / STEP_V) + 1)
)


def evidence(names: Sequence[str]) -> list[Technology]:
    """Return the technologies that are evidence: all but the one fitted to the paper.

    Raises
    ------
    BfimnaError
        If only the fitted technology is left.
    """
    independent = [load_technology(name) for name in names if name != FITTED]
    if not independent:
        raise BfimnaError(
            f"claims are judged by technologies that are not fitted to the paper: name one other "
            f"than {FITTED}"
        )
    return independent


def over_supply(technology: Technology) -> list[Technology]:
    """Return a technology at each supply that lies above the range of its threshold voltage.

    >>> [t.supply_v for t in over_supply(load_technology("sram-14nm-lstp"))][:3]
    [0.5, 0.55, 0.6]
    """
    _, threshold = technology.ranges.get("threshold_v", (0.0, technology.threshold_v))
    supplies = [v for v in SUPPLIES_V if v > threshold]
    if not supplies:
        raise BfimnaError(
            f"threshold of {technology.name} reaches {threshold:g} V: no supply up to "
            f"{HIGHEST_V:g} V is above it"
        )
    return [technology.at_supply(v) for v in supplies]
