"""Technology: prices of the events of an associative processor, at a supply voltage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf, nan
from typing import Any, Literal, get_args

import numpy as np

from bfimna.display import html_table, quantity, unit_of
from bfimna.errors import BfimnaError, is_number, one_of, shown, wrong_type
from bfimna.technology.prices import EVENT_PRICES, LINK_PRICES, LinkPrices, Prices
from bfimna.technology.supply import (
    LEAKAGES,
    LOGIC_ENERGIES,
    LOGIC_TIMES,
    WRITE_ENERGIES,
    WRITE_TIMES,
    check_delays,
    delay,
)

Corner = Literal["optimistic", "pessimistic"]
LOWEST_V, HIGHEST_V = 0.5, 1.0

#: delay law of a technology's transistors
DELAY_LAW = ("nominal_supply_v", "threshold_v", "alpha")
#: fields that say how figures follow the supply, and matter only at another than the nominal one
SUPPLY_LAW = ("threshold_v", "alpha", "leakage_exponent")
#: limits of a cell, which no price depends on
LIMITS = ("endurance_writes", "max_driven_keys", "max_segment_rows")
NUMBERS = (*DELAY_LAW, "leakage_exponent", *EVENT_PRICES, *LIMITS, "supply_v")
#: how a range is sampled (`bfimna.technology.sampling`, data/README.md)
DISTRIBUTIONS = ("split", "logsplit", "fixed")
#: fields of which more is better
MORE_IS_BETTER = (*LIMITS, "dram_bytes_per_s", "link_speed", "match_kept", "match_saves_j_per_row")
UNBOUNDED = (*LIMITS, "dram_bytes_per_s")  # may be infinite


@dataclass(frozen=True)
class Interconnect(LinkPrices[float]):
    """Prices of moving bits, the same for every cell technology unless replaced.

    Attributes
    ----------
    ranges : field → its (low, high).
    draws : field → (distribution, cause) of its range; see `data/README.md`.
    """

    ranges: Mapping[str, tuple[float, float]] = field(
        default_factory=dict, compare=False, repr=False
    )
    draws: Mapping[str, tuple[str, str]] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        _check_numbers("interconnect", self, LINK_PRICES, ("link_speed", "router_bits"))
        _check_ranges("interconnect", self, LINK_PRICES)


@dataclass(frozen=True, repr=False)
class Technology(Prices[float]):
    """Prices of a cell technology at a logic supply, with ranges; model document, section 2.

    `Prices` says what each price is.

    Attributes
    ----------
    name : what results call it.
    nominal_supply_v : supply that the table's figures belong to.
    threshold_v : threshold of the device class, in V.
    alpha : of the alpha-power law, delay ∝ V / (V - threshold_v)^alpha.
    leakage_exponent : n of leakage power ∝ V^n.
    write_scales : whether writes follow the logic supply (SRAM) or are set by the device (ReRAM).
    max_segment_rows : rows that a vertical line may have attached, so that a match is still sensed;
        longer ones need keepers, which are not priced.
    delays : (supply in V, delay over that at the nominal supply), lowest supply first; empty where
        the alpha-power law holds. Between two supplies the logarithm is interpolated.
    supply_v : supply that the figures of this object belong to; nominal unless given.
    endurance_writes : writes that a cell survives.
    max_driven_keys : key columns that a pass may drive, so that a match is told from a mismatch.
    interconnect : what moving bits costs.
    ranges : field → its (low, high).
    draws : field → (distribution, cause) of its range; see `data/README.md`.
    """

    name: str
    nominal_supply_v: float
    threshold_v: float
    alpha: float
    write_scales: bool
    leakage_exponent: float = field(kw_only=True)
    endurance_writes: float = field(kw_only=True)
    max_driven_keys: float = field(kw_only=True)
    max_segment_rows: float = field(kw_only=True)
    delays: tuple[tuple[float, float], ...] = field(default=(), kw_only=True)
    interconnect: Interconnect = field(kw_only=True)
    supply_v: float = field(default=0.0, kw_only=True)
    ranges: Mapping[str, tuple[float, float]] = field(
        default_factory=dict, compare=False, repr=False, kw_only=True
    )
    draws: Mapping[str, tuple[str, str]] = field(
        default_factory=dict, compare=False, repr=False, kw_only=True
    )

    def __post_init__(self) -> None:
        what = f"technology {self.name!r}"
        _check_numbers(what, self, NUMBERS, ("nominal_supply_v",))
        _check_ranges(what, self, (*NUMBERS, "write_scales"))
        if not self.supply_v:
            object.__setattr__(self, "supply_v", self.nominal_supply_v)
        check_delays(what, self.delays)
        self._check_threshold(self.supply_v)

    def _check_threshold(self, supply_v: float) -> None:
        if self.delays:
            lowest, highest = self.delays[0][0], self.delays[-1][0]
            if not lowest <= supply_v <= highest:
                raise BfimnaError(
                    f"supply {supply_v:g} V lies outside the delays of {self.name}, {lowest:g} to "
                    f"{highest:g} V"
                )
        elif supply_v <= self.threshold_v:
            raise BfimnaError(
                f"supply {supply_v:g} V is at or below the threshold of {self.name}, "
                f"{self.threshold_v:g} V: no transistor switches"
            )

    def __repr__(self) -> str:
        return f"<Technology {self.name} at {self.supply_v:g} V>"

    def _repr_html_(self) -> str:
        rows = []
        for part, names in ((self, NUMBERS), (self.interconnect, LINK_PRICES)):
            for name in names:
                values = (getattr(part, name), *part.ranges.get(name, ()))
                rows.append((name, *(quantity(value, unit_of(name)) for value in values)))
        return html_table(repr(self)[1:-1], ("parameter", "value", "low", "high"), rows)

    def at_supply(self, supply_v: float) -> "Technology":
        """Return the technology at another logic supply.

        Energy ∝ V², leakage power ∝ V^leakage_exponent, delay by the alpha-power law or by the
        table of `delays`; a non-volatile cell's writes are set by its device and stay. The
        interconnect keeps its own supply.

        Raises
        ------
        BfimnaError
            At or below the threshold voltage, or outside 0.5 to 1.0 V.
        """
        try:
            supply_v = nan if isinstance(supply_v, bool | np.bool_) else float(supply_v)
        except (TypeError, ValueError, OverflowError):
            raise BfimnaError(f"supply must be a voltage in V, not {shown(supply_v)}") from None
        self._check_threshold(supply_v)
        if not LOWEST_V <= supply_v <= HIGHEST_V:
            raise BfimnaError(
                f"supply must be from {LOWEST_V} to {HIGHEST_V} V, not {supply_v:g} V"
            )
        scale = self._scale(supply_v)
        scaled: dict[str, Any] = {
            name: getattr(self, name) * factor for name, factor in scale.items()
        }
        ranges = {
            name: (low * scale.get(name, 1.0), high * scale.get(name, 1.0))
            for name, (low, high) in self.ranges.items()
        }
        return replace(self, **scaled, supply_v=supply_v, ranges=ranges)

    def _scale(self, supply_v: float) -> dict[str, float]:
        energy = (supply_v / self.supply_v) ** 2
        slower = self.slowdown(supply_v) / self.slowdown(self.supply_v)
        scale = dict.fromkeys(LOGIC_TIMES, slower) | dict.fromkeys(LOGIC_ENERGIES, energy)
        leaking = (supply_v / self.supply_v) ** self.leakage_exponent
        scale |= dict.fromkeys(LEAKAGES, leaking)
        if self.write_scales:
            scale |= dict.fromkeys(WRITE_TIMES, slower) | dict.fromkeys(WRITE_ENERGIES, energy)
        return scale

    def slowdown(self, supply_v: float) -> float:
        """Return a gate's delay at a supply over that at the nominal one."""
        if self.delays:
            volts, factors = zip(*self.delays, strict=True)
            return float(np.exp(np.interp(supply_v, volts, np.log(factors))))
        return delay(supply_v, self.threshold_v, self.alpha) / delay(
            self.nominal_supply_v, self.threshold_v, self.alpha
        )

    def corner(self, corner: Corner) -> "Technology":
        """Return the technology with every parameter at the cheap or at the dear end of its range.

        All ends at once: an outer bound, wider than any likely combination. Supply and threshold
        stay as they are; choose a supply first.
        """
        one_of("corner", corner, get_args(Corner))
        links = replace(
            self.interconnect, **_ends(self.interconnect.ranges, corner), ranges={}, draws={}
        )
        ends = _ends(self.ranges, corner)
        return replace(
            self, name=f"{self.name} ({corner})", **ends, interconnect=links, ranges={}, draws={}
        )


def _ends(ranges: Mapping[str, tuple[float, float]], corner: Corner) -> dict[str, Any]:
    """Return each field's end of its range, all cheap or all dear."""
    ends: dict[str, Any] = {}
    for name, (low, high) in ranges.items():
        if name not in (*DELAY_LAW, "leakage_exponent"):
            cheap, dear = (high, low) if name in MORE_IS_BETTER else (low, high)
            ends[name] = cheap if corner == "optimistic" else dear
    return ends


def _check_numbers(
    what: str, item: object, names: Sequence[str], above_zero: tuple[str, ...]
) -> None:
    """Raise unless each field is a finite number of at least 0, or above 0 where it divides."""
    for name in names:
        value = getattr(item, name)
        valid = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
        if valid and value == 0 and name in above_zero:
            raise BfimnaError(f"{what}: {name} must be above 0, not {value!r}")
        if not valid or (value == inf and name not in UNBOUNDED):
            raise BfimnaError(
                f"{what}: {name} must be a finite number of at least 0, not {value!r}"
            )


def _check_ranges(what: str, item: Technology | Interconnect, names: Sequence[str]) -> None:
    """Raise unless each range is (low, high), finite and in order, and each distribution fits it.

    An unbounded field may be infinite at both ends.
    """
    for field_name, mapping in (("ranges", item.ranges), ("draws", item.draws)):
        if not isinstance(mapping, Mapping):
            raise wrong_type(f"{what}: {field_name}", mapping, "a mapping of fields")
    for name, ends in item.ranges.items():
        one_of("field with a range", name, names)
        low, high = ends if isinstance(ends, tuple | list) and len(ends) == 2 else (nan, nan)
        ordered = is_number(low) and is_number(high) and 0 <= low <= high
        if not ordered or (high == inf and not (name in UNBOUNDED and low == high)):
            raise BfimnaError(
                f"{what}: range of {name} must be (low, high), finite and 0 <= low <= high, "
                f"not {shown(ends)}"
            )
    for name, entry in item.draws.items():
        if name not in item.ranges:
            raise BfimnaError(f"{what}: {name} has a distribution but no range")
        distribution, cause = (
            entry if isinstance(entry, tuple | list) and len(entry) == 2 else ("", None)
        )
        if not isinstance(cause, str):
            raise BfimnaError(
                f"{what}: draws of {name} must be (distribution, cause), not {shown(entry)}"
            )
        one_of(f"distribution of {name}", distribution, DISTRIBUTIONS)
        if distribution == "logsplit" and not item.ranges[name][0] > 0:
            raise BfimnaError(f"{what}: {name}: a logsplit range starts above 0")
