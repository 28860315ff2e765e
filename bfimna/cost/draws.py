"""Draws of a technology's parameters: which distribution, and which ranges move together.

A range is drawn by its distribution, with the value as its median: "split" falls off linearly from
the value to either end, "logsplit" is log-uniform on either side, "fixed" is not drawn. Ranges that
name the same cause share one draw; a cause with a minus before it moves the other way.
"""

from dataclasses import fields
from functools import lru_cache
from types import SimpleNamespace
from typing import Any
from zlib import crc32

import numpy as np

from bfimna.errors import BfimnaError
from bfimna.technology.interconnect import Interconnect
from bfimna.technology.technology import LOGIC_TIMES, WRITE_TIMES, Technology, delay


def causes(technology: Technology) -> list[str]:
    """Return what the drawn ranges of a technology and its interconnect go back to.

    Threshold and exponent of the delay law count only at another supply than the nominal one.
    """
    found: dict[str, None] = {}
    for item in (technology, technology.interconnect):
        for field, (distribution, cause) in item.draws.items():
            low, high = item.ranges[field]
            if distribution != "fixed" and low < high and _matters(technology, field):
                found[cause.removeprefix("-")] = None
    return list(found)


def _matters(technology: Technology, field: str) -> bool:
    at_nominal = technology.supply_v == technology.nominal_supply_v
    return field != "endurance_writes" and not (at_nominal and field in ("threshold_v", "alpha"))


def quantile(value: float, low: float, high: float, distribution: str, u: np.ndarray) -> np.ndarray:
    """Return where the share `u` of a range's draws lies below; the value at u = 1/2.

    >>> quantile(2.0, 1.0, 8.0, "logsplit", np.array([0.0, 0.25, 0.5, 1.0])).round(3).tolist()
    [1.0, 1.414, 2.0, 8.0]
    """
    below = u < 0.5
    to_end = np.where(below, 1.0 - 2.0 * u, 2.0 * u - 1.0)  # 0 at the value, 1 at the end
    if distribution == "logsplit":
        return value * np.where(below, low / value, high / value) ** to_end
    share = 1.0 - np.sqrt(1.0 - to_end)
    return value + np.where(below, low - value, high - value) * share


@lru_cache(maxsize=64)
def uniform(cause: str, draws: int, seed: int) -> np.ndarray:
    """Return a cause's draws from 0 to 1, one in each of `draws` equal steps, shuffled.

    They depend on the cause's name, so that two technologies share them and a new parameter
    changes no other's.
    """
    random = np.random.default_rng([seed, crc32(cause.encode())])
    u = (random.permutation(draws) + random.random(draws)) / draws
    u.setflags(write=False)
    return u


def prices(technology: Technology, by_cause: dict[str, np.ndarray]) -> SimpleNamespace:
    """Return a technology's fields as drawn: arrays where they are, its numbers elsewhere.

    Parameters
    ----------
    by_cause : cause → its draws from 0 to 1, arrays of one shape.
    """
    drawn = _drawn(technology, by_cause, technology)
    links = _drawn(technology.interconnect, by_cause, technology)
    slower = _slower(technology, drawn)
    times = LOGIC_TIMES + (WRITE_TIMES if technology.write_scales else ())
    drawn |= {field: drawn[field] * slower for field in times}
    return SimpleNamespace(**drawn | {"interconnect": SimpleNamespace(**links)})


def _drawn(
    item: Technology | Interconnect, by_cause: dict[str, np.ndarray], technology: Technology
) -> dict[str, Any]:
    values = {f.name: getattr(item, f.name) for f in fields(item)}
    for field, (distribution, cause) in item.draws.items():
        low, high = item.ranges[field]
        name = cause.removeprefix("-")
        if distribution != "fixed" and low < high and name in by_cause:
            u = by_cause[name]
            u = 1.0 - u if cause.startswith("-") else u
            values[field] = quantile(values[field], low, high, distribution, u)
    return values


def _slower(technology: Technology, drawn: dict[str, Any]) -> Any:
    """Return delays under the drawn law over those under the nominal one, at the same supply."""
    t = technology
    if t.supply_v == t.nominal_supply_v:
        return 1.0
    law = drawn["threshold_v"], drawn["alpha"]
    if np.any(law[0] >= t.supply_v):
        raise BfimnaError(
            f"supply {t.supply_v:g} V lies within the range of {t.name}'s threshold, up to "
            f"{t.ranges['threshold_v'][1]:g} V: no interval there"
        )
    nominal = delay(t.supply_v, t.threshold_v, t.alpha)
    nominal /= delay(t.nominal_supply_v, t.threshold_v, t.alpha)
    return delay(t.supply_v, *law) / delay(t.nominal_supply_v, *law) / nominal
