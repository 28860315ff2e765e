"""Monte Carlo samples of a technology's parameters: distributions, and which ranges move together.

A range is sampled by its distribution, with the value as its median: "split" falls off linearly
from the value to either end, "logsplit" is log-uniform on either side, "fixed" is not sampled.
Ranges with the same cause share one sample; a cause with a minus before it moves the other way.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from math import log
from typing import Any
from zlib import crc32

import numpy as np

from bfimna.errors import BfimnaError
from bfimna.technology.prices import EVENT_PRICES, LINK_PRICES, AnyPrices, LinkPrices, Price, Prices
from bfimna.technology.supply import LEAKAGES, LOGIC_TIMES, WRITE_TIMES, delay
from bfimna.technology.technology import (
    DELAY_LAW,
    LIMITS,
    NUMBERS,
    SUPPLY_LAW,
    Interconnect,
    Technology,
)


def causes(technology: Technology) -> list[str]:
    """Return the causes of the sampled ranges of a technology and its interconnect, each once.

    The laws of delay and leakage count only at another supply than the nominal one.
    """
    ranges = [*_sampled_ranges(technology), *_sampled_ranges(technology.interconnect)]
    return list(dict.fromkeys(cause for name, cause in ranges if _matters(technology, name)))


def _sampled_ranges(item: Technology | Interconnect) -> Iterator[tuple[str, str]]:
    """Yield field and cause (without its sign) of every range that is sampled."""
    for name, (distribution, cause) in item.draws.items():
        low, high = item.ranges[name]
        if distribution != "fixed" and low < high:
            yield name, cause.removeprefix("-")


def _matters(technology: Technology, field: str) -> bool:
    if technology.supply_v == technology.nominal_supply_v and field in SUPPLY_LAW:
        return False
    return field not in LIMITS and not (technology.delays and field in DELAY_LAW)


def quantile(value: float, low: float, high: float, distribution: str, u: np.ndarray) -> np.ndarray:
    """Return the quantiles `u` of a range: low at 0, the value at 1/2, high at 1.

    >>> quantile(2.0, 1.0, 8.0, "logsplit", np.array([0.0, 0.25, 0.5, 1.0])).round(3).tolist()
    [1.0, 1.414, 2.0, 8.0]
    """
    below = u < 0.5
    to_end = np.where(below, 1.0 - 2.0 * u, 2.0 * u - 1.0)  # 0 at the value, 1 at the end
    if distribution == "logsplit":
        if value == 0:  # switched off: a log-uniform range cannot have 0 as its median
            return np.zeros_like(u)
        return value * np.exp(np.where(below, log(low / value), log(high / value)) * to_end)
    share = 1.0 - np.sqrt(1.0 - to_end)
    return value + np.where(below, low - value, high - value) * share


@lru_cache(maxsize=64)
def uniform(cause: str, samples: int, seed: int) -> np.ndarray:
    """Return a cause's samples from 0 to 1, one in each of as many equal intervals, shuffled.

    They depend on the cause's name, so that two technologies share them and a new parameter
    changes no other's.
    """
    random = np.random.default_rng([seed, crc32(cause.encode())])
    u = (random.permutation(samples) + random.random(samples)) / samples
    u.setflags(write=False)
    return u


def sampled_prices(technology: Technology, by_cause: Mapping[str, np.ndarray]) -> AnyPrices:
    """Return a technology's prices: arrays where a cause is sampled, its numbers elsewhere.

    Parameters
    ----------
    by_cause : cause → its samples from 0 to 1, arrays of one shape.
    """
    values = sampled_parameters(technology, by_cause)
    links = sampled_parameters(technology.interconnect, by_cause)
    slowdown = _slowdown(technology, values)
    times = LOGIC_TIMES + (WRITE_TIMES if technology.write_scales else ())
    values |= {field: values[field] * slowdown for field in times}
    more = values["leakage_exponent"] - technology.leakage_exponent
    leaking = (technology.supply_v / technology.nominal_supply_v) ** more
    values |= {field: values[field] * leaking for field in LEAKAGES}
    return Prices(
        **{name: values[name] for name in EVENT_PRICES},
        supply_v=technology.supply_v,
        interconnect=LinkPrices(**{name: links[name] for name in LINK_PRICES}),
    )


def sampled_parameters(
    item: Technology | Interconnect, by_cause: Mapping[str, np.ndarray]
) -> dict[str, Any]:
    """Return the parameters of a technology or interconnect, sampled where a cause is."""
    names = NUMBERS if isinstance(item, Technology) else LINK_PRICES
    values: dict[str, Any] = {name: getattr(item, name) for name in names}
    for name, cause in _sampled_ranges(item):
        if cause in by_cause:
            distribution, signed = item.draws[name]
            u = 1.0 - by_cause[cause] if signed.startswith("-") else by_cause[cause]
            values[name] = quantile(values[name], *item.ranges[name], distribution, u)
    return values


def _slowdown(technology: Technology, values: dict[str, Any]) -> Price:
    """Return delays by the sampled law over those by the nominal one, at the same supply."""
    t = technology
    if t.supply_v == t.nominal_supply_v or t.delays:
        return 1.0
    law = values["threshold_v"], values["alpha"]
    if np.any(law[0] >= t.supply_v):
        raise BfimnaError(
            f"supply {t.supply_v:g} V lies within the range of {t.name}'s threshold, up to "
            f"{t.ranges['threshold_v'][1]:g} V: no interval there"
        )
    nominal = delay(t.supply_v, t.threshold_v, t.alpha)
    nominal /= delay(t.nominal_supply_v, t.threshold_v, t.alpha)
    return delay(t.supply_v, *law) / delay(t.nominal_supply_v, *law) / nominal
