"""Fit the model's lines and laws to simulations; refuse a fit that is more than 5 % off."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp

import numpy as np
from scipy.optimize import least_squares

from bfimna.errors import BfimnaError

LARGEST_RESIDUAL = 0.05


@dataclass(frozen=True)
class Line:
    """A straight line; residual: the largest relative distance of a point from it."""

    intercept: float
    slope: float
    residual: float


def straight(what: str, xs: Sequence[float], ys: Sequence[float]) -> Line:
    """Return the line through points, or raise if one lies more than 5 % off.

    >>> line = straight("energy", [1, 2], [3.0, 5.0])
    >>> round(line.intercept, 6), round(line.slope, 6), line.residual < 1e-9
    (1.0, 2.0, True)
    """
    slope, intercept = (float(x) for x in np.polyfit(xs, ys, 1))
    fitted = [intercept + slope * x for x in xs]
    residuals = [abs(a / b - 1) for a, b in zip(fitted, ys, strict=True)]
    _check(what, xs, residuals)
    return Line(intercept, slope, max(residuals))


@dataclass(frozen=True)
class DelayLaw:
    """Delay ∝ V / (V - threshold_v)^alpha; the ranges are those of fits without one supply."""

    threshold_v: tuple[float, float, float]
    alpha: tuple[float, float, float]
    residual: float


def delay_law(what: str, volts: Sequence[float], seconds: Sequence[float]) -> DelayLaw:
    """Return the law through delays, or raise if one lies more than 5 % off."""
    whole, residuals = _law(volts, seconds)
    _check(what, volts, residuals)
    fits = [whole]
    for i in range(len(volts)):
        if len(volts) > 3:
            kept = [j for j in range(len(volts)) if j != i]
            fits.append(_law([volts[j] for j in kept], [seconds[j] for j in kept])[0])
    ends = [
        (value, min(p), max(p)) for value, p in zip(whole, zip(*fits, strict=True), strict=True)
    ]
    return DelayLaw(ends[0], ends[1], max(residuals))


def _law(
    volts: Sequence[float], seconds: Sequence[float]
) -> tuple[tuple[float, float], list[float]]:
    """Return threshold and alpha, and the relative distance of each point."""
    least = min(volts)

    def shape(p: np.ndarray) -> np.ndarray:
        v = np.asarray(volts)
        return np.log(v) - p[1] * np.log(v - p[0])

    def misses(p: np.ndarray) -> np.ndarray:
        difference = shape(p) - np.log(seconds)
        return difference - difference.mean()

    fit = least_squares(
        misses, [min(0.25, least / 2), 1.3], bounds=([0.0, 0.5], [0.98 * least, 4.0]), xtol=1e-12
    )
    residuals = [abs(exp(float(miss)) - 1) for miss in misses(fit.x)]
    return (float(fit.x[0]), float(fit.x[1])), residuals


def exponents(volts: Sequence[float], values: Sequence[float]) -> tuple[float, float, float]:
    """Return the exponent of a power law of the supply, and the lowest and highest between two.

    >>> [round(x, 6) for x in exponents([1.0, 2.0, 4.0], [1.0, 4.0, 16.0])]
    [2.0, 2.0, 2.0]
    """
    xs, ys = np.log(volts), np.log(values)
    slope = float(np.polyfit(xs, ys, 1)[0])
    steps = [float(step) for step in np.diff(ys) / np.diff(xs)]
    return slope, min(steps), max(steps)


def _check(what: str, xs: Sequence[float], residuals: Sequence[float]) -> None:
    worst = max(range(len(residuals)), key=lambda i: residuals[i])
    if residuals[worst] > LARGEST_RESIDUAL:
        raise BfimnaError(
            f"{what}: residual of {residuals[worst]:.1%} at {xs[worst]:g}, above "
            f"{LARGEST_RESIDUAL:.0%}: the model's form does not hold for this kit"
        )
