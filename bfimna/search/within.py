"""Bits of least Ω within one budget, and of the front: what every kind of search has in common."""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol, TypeVar

import numpy as np

from bfimna.errors import BfimnaError
from bfimna.network.precision import Precision
from bfimna.search.cost_graph import Choice
from bfimna.search.space import SearchSpace

Found = TypeVar("Found")
Best = TypeVar("Best", covariant=True)


class Search(Protocol[Best]):
    """A search for bits of least Ω under limits on one quantity."""

    @property
    def cheapest(self) -> Choice: ...  # noqa: D102

    def cost(self, choice: Choice) -> float: ...  # noqa: D102

    def best_within(self, limit: float) -> Best | None: ...  # noqa: D102


def best_of_budget(
    search: Search[Found],
    space: SearchSpace,
    budget: tuple[str, float | None, float | None],
    as_precision: Callable[[Found, str], Precision],
    what: str = "bits",
) -> Precision:
    """Return the bits of least Ω within a budget, with a note of what it is a fraction of.

    Parameters
    ----------
    budget : quantity, and either a limit or a fraction between the lowest and the highest bits.
    as_precision : names what the search returns.
    what : the search chooses, for the message.

    Raises
    ------
    BfimnaError
        If no choice is within the budget: the smallest feasible one.
    """
    quantity, limit, fraction = budget
    notes: tuple[str, ...] = ()
    if fraction is not None:
        low, high = (search.cost(space.uniform(end)) for end in (0, -1))
        limit = low + fraction * (high - low)
        notes = (space.budget_note(quantity, fraction, low, high),)
    assert limit is not None  # a budget has one or the other
    best = search.best_within(limit)
    if best is None:
        raise BfimnaError(
            f"no choice of {', '.join(map(str, space.choices))} {what} brings "
            f"{space.network.name} within {quantity} of {limit:.6g}; the smallest "
            f"feasible budget is {search.cost(search.cheapest):.6g}"
        )
    precision = as_precision(best, f"{quantity}<={limit:.4g}")
    return replace(precision, notes=(*precision.notes, *notes))


def front_of(
    search: Search[Found],
    space: SearchSpace,
    points: int,
    as_precision: Callable[[Found, str], Precision],
) -> list[Precision]:
    """Return the bits of least Ω under limits from tight to loose, evenly spaced in logarithm."""
    low, high = (search.cost(choice) for choice in (search.cheapest, space.uniform(-1)))
    precisions: dict[tuple[int, ...], Precision] = {}
    for k, limit in enumerate(np.geomspace(low, high, points)):
        best = search.best_within(float(limit))
        assert best is not None  # the cheapest is within each of these limits
        precision = as_precision(best, f"front-{k:03d}")
        precisions.setdefault(precision.weight_bits, precision)
    return list(precisions.values())
