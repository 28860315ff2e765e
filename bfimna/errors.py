"""The package's own errors: what was given, what is allowed, and where."""

from collections.abc import Iterable
from difflib import get_close_matches


class BfimnaError(ValueError):
    """A user's input that cannot be used; the message is one line and names the remedy."""


def unknown(what: str, given: object, known: Iterable[str]) -> BfimnaError:
    """Error for a name that is not among `known`, with the nearest one suggested.

    >>> print(unknown("network", "resnet81", ["resnet18", "vgg16"]))
    unknown network 'resnet81'; did you mean 'resnet18'? Known: resnet18, vgg16
    """
    names = sorted(known)
    near = get_close_matches(str(given), names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ";"
    return BfimnaError(f"unknown {what} {given!r}{hint} Known: {', '.join(names)}")


def whole_number(what: str, value: object, low: int, high: int | None = None) -> int:
    """Return `value` as int, or raise if it is no whole number within [low, high].

    >>> whole_number("batch", 4, 1)
    4
    """
    if type(value) is int and value >= low and (high is None or value <= high):
        return value  # the way that almost every call takes, thousands a network
    allowed = f"from {low} to {high}" if high is not None else f"of at least {low}"
    try:
        number = int(value)  # type: ignore[call-overload]
        exact = number == value and not isinstance(value, bool)
    except (TypeError, ValueError, OverflowError):
        exact = False
    if not exact or number < low or (high is not None and number > high):
        raise BfimnaError(f"{what} must be a whole number {allowed}, not {value!r}")
    return number
