"""Peak figures of a chip, as accelerator papers quote them: every row busy, no traffic."""

from dataclasses import dataclass

import numpy as np

from bfimna.ap import counts as ap
from bfimna.cost import formulas, limits
from bfimna.errors import BfimnaError, whole_number
from bfimna.mapping.chip import Chip, columns_needed
from bfimna.names import AnyChip, AnyTechnology, load_chip, load_technology
from bfimna.network.precision import MAX_BITS
from bfimna.technology.prices import AnyPrices, Price


@dataclass(frozen=True)
class Peak:
    """Operations a second, a joule, and area of a chip at its peak."""

    throughput_ops: float
    efficiency_ops_per_w: float
    area_m2: float

    @property
    def area_efficiency_ops_per_w_m2(self) -> float:
        """Operations a second, watt and square metre."""
        return self.efficiency_ops_per_w / self.area_m2

    @property
    def power_w(self) -> float:
        """Watts at peak."""
        return self.throughput_ops / self.efficiency_ops_per_w


def peak(bits: int, chip: AnyChip, technology: AnyTechnology) -> Peak:
    """Return a chip's peak: every row loads 2M bits, multiplies M × M, adds M, reads 2M.

    That is two operations a row. Each of the four programs is stretched where the chip has limits.
    No traffic; leakage included. The two sets of counts agree on these programs.

    Parameters
    ----------
    bits : of both operands.
    chip : with a fixed number of CAPs; a `Chip`, or what `bfimna.names.load_chip` takes.
    technology : a `Technology`, or the name of one.

    Raises
    ------
    BfimnaError
        If the chip has no fixed number of CAPs, or its columns cannot hold the operands.

    Examples
    --------
    >>> round(peak(16, "LR", "sram-published-fit").throughput_ops / 1e9)
    41654
    """
    chip, technology = load_chip(chip), load_technology(technology)
    return Peak(*(float(x) for x in peak_figures(bits, chip, technology)))


def peak_figures(bits: int, chip: Chip, prices: AnyPrices) -> tuple[Price, Price, Price]:
    """Return OPS, OPS/W and m² at peak, of the prices' shape."""
    bits = whole_number("bits", bits, 1, MAX_BITS)
    if not chip.clusters:
        raise BfimnaError(f"chip {chip.name!r} has no fixed number of CAPs, so it has no peak")
    if (needed := columns_needed(bits, bits)) > chip.columns:
        raise BfimnaError(
            f"{bits} bits need {needed} columns (operands, product, carry, flags); chip "
            f"{chip.name!r} has {chip.columns}"
        )
    programs = (ap.load(2 * bits), ap.multiply(bits, bits), ap.add(bits), ap.read(2 * bits))
    rows, room = chip.product_rows, limits.switching_room(chip, prices)
    seconds: Price = 0.0
    joules: Price = 0.0
    for program in programs:
        spent = formulas.energy(program.over(rows), prices, chip)
        least = limits.shortest(spent, room)
        seconds = seconds + np.maximum(formulas.latency(program, prices, chip), least)
        joules = joules + spent
    joules = joules + formulas.leakage_power(chip, prices) * seconds
    return 2 * rows / seconds, 2 * rows / joules, formulas.area(chip, prices)
