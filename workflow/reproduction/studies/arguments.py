"""Arguments of studies, the parameters of the figures' notebooks: one rule for each name.

The config checks `parameters` by the same rules before anything runs.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from inspect import signature
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from bfimna.errors import BfimnaError, Check, is_number, positive_number, shown, whole, wrong_type
from bfimna.network.graph import Network
from bfimna.network.precision import MAX_BITS, Precision
from bfimna.technology.technology import Technology

P = ParamSpec("P")
R = TypeVar("R")

MOST_IMAGES = 360  # of the digits
MOST_WORDS = 2**16
MOST_SEEDS = 10_000
MOST_SAMPLES = 2**20


def several(each: Check) -> Check:
    """Check of a list, not empty and without repeats, whose elements another check accepts."""

    def check(what: str, value: object) -> object:
        if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
            raise wrong_type(what, value, "a list, in square brackets")
        values = [each(f"{what}[{n}]", element) for n, element in enumerate(value)]
        if not values:
            raise BfimnaError(f"{what} is empty; want one element at least")
        for n, element in enumerate(values):
            if element in values[:n]:
                raise BfimnaError(f"{what} has {shown(element)} twice; leave one out")
        return values

    return check


def name(what: str, value: object) -> object:
    """Check of a name, a file, or what it stands for."""
    if not isinstance(value, str | Path | Network | Technology | Precision) or value == "":
        raise wrong_type(what, value, "a name or a file")
    return value


def rate(what: str, value: object) -> float:
    """Check of a probability above 0."""
    if not is_number(value) or not 0 < value <= 1:  # type: ignore[operator]
        raise BfimnaError(f"{what} must be a number above 0, at most 1, not {shown(value)}")
    return float(value)  # type: ignore[arg-type]


def one_or_several(one: Check, each: Check | None = None) -> Check:
    """Check of one value, or of a list of several."""

    def check(what: str, value: object) -> object:
        listed = isinstance(value, Iterable) and not isinstance(value, str | bytes)
        return several(each or one)(what, value) if listed else one(what, value)

    return check


#: argument → its check
RULES: dict[str, Check] = {
    **dict.fromkeys(("networks", "technologies", "precisions", "digits_precisions"), several(name)),
    "rates": several(rate),
    "bits": one_or_several(whole(1, MAX_BITS)),
    "words": whole(1, MOST_WORDS),
    "tokens": several(whole(1, MOST_WORDS)),
    "every": whole(1, MOST_IMAGES),
    "seeds": one_or_several(whole(1, MOST_SEEDS), whole(0)),  # how many, or which
    "inferences": whole(1, MOST_SEEDS),
    "samples": whole(2, MOST_SAMPLES),
    "frames_per_s": positive_number,
}


def checked(study: Callable[P, R]) -> Callable[P, R]:
    """Check a study's arguments by `RULES` before it runs."""
    described = signature(study)

    @wraps(study)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        bound = described.bind(*args, **kwargs)
        bound.arguments.update(check_all(bound.arguments))
        return study(*bound.args, **bound.kwargs)

    return run


def check_all(arguments: Mapping[str, Any], where: str = "") -> dict[str, Any]:
    """Return arguments with those that have a rule replaced by what their checks return."""
    return {
        what: RULES[what](f"{where}{what}", value) if what in RULES else value
        for what, value in arguments.items()
    }
