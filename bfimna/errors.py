"""The package's own errors: what was given, what is allowed, and where."""

from collections.abc import Iterable
from difflib import get_close_matches
from math import isfinite, isnan
from numbers import Integral, Real
from reprlib import Repr
from typing import TypeVar

Kind = TypeVar("Kind")

LONGEST_MESSAGE = 1400  # characters: a screen
LONGEST_VALUE = 80  # characters of a given value that a message repeats
MOST_NAMES = 40  # known names that a message lists


class BfimnaError(ValueError):
    """A user's input that cannot be used; the message is one line and names the remedy.

    >>> len(str(BfimnaError("a" * 5000)))
    1400
    """

    def __init__(self, message: str) -> None:
        super().__init__(brief(message))


def brief(message: str, longest: int = LONGEST_MESSAGE) -> str:
    r"""Return a message as one line that fits on a screen: its middle is cut, whatever is in it.

    >>> brief("a message\nof two lines"), brief("0123456789" * 9, 15)
    ('a message of two lines', '012345 … 456789')
    """
    if len(message) > longest:
        half = (longest - 3) // 2
        message = f"{message[:half]} … {message[len(message) - longest + half + 3 :]}"
    return message if message.isprintable() else " ".join(message.split())


# a container's own repr may be endless: a YAML file of 300 bytes has lists of 10⁹ elements
_BRIEF = Repr()
_BRIEF.maxlevel, _BRIEF.maxstring, _BRIEF.maxlong, _BRIEF.maxother = 4, 1000, 5000, 1000


def shown(value: object) -> str:
    """Write a given value on one line, cut where it is long.

    >>> shown("a" * 100)[-10:], shown(10**5000)
    ('a… (a str)', 'an int too long to write')
    """
    try:
        text = " ".join(_BRIEF.repr(value).split())
    except ValueError:  # Python writes no integers of more than 4300 digits
        return f"an {type(value).__name__} too long to write"
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}… (a {_type(value)})"


def _type(value: object) -> str:
    return type(value).__name__


def unknown(what: str, given: object, known: Iterable[str]) -> BfimnaError:
    """Error for a name that is not among `known`, with the nearest one suggested.

    >>> print(unknown("network", "resnet81", ["resnet18", "vgg16"]))
    unknown network 'resnet81'; did you mean 'resnet18'? Known: resnet18, vgg16
    """
    names = sorted(known)
    near = get_close_matches(str(given), names, n=1) if isinstance(given, str) else []
    hint = f"; did you mean {near[0]!r}?" if near else ";"
    more = f", … ({len(names)} in all)" if len(names) > MOST_NAMES else ""
    listed = ", ".join(names[:MOST_NAMES]) + more
    return BfimnaError(f"unknown {what} {shown(given)}{hint} Known: {listed}")


def wrong_type(what: str, given: object, wanted: str) -> BfimnaError:
    """Error for an argument of a type that cannot be used.

    >>> print(wrong_type("network", 7, "a name, a file or a Network"))
    network must be a name, a file or a Network, not 7 (int)
    """
    return BfimnaError(f"{what} must be {wanted}, not {shown(given)} ({_type(given)})")


def missing_extra(package: str, extra: str) -> BfimnaError:
    """Error for a package that is not installed, with the extra of bfimna that brings it.

    >>> print(missing_extra("onnx", "onnx"))
    the package onnx is not installed; pip install 'bfimna[onnx]'
    """
    return BfimnaError(f"the package {package} is not installed; pip install 'bfimna[{extra}]'")


def one_of(what: str, value: object, known: Iterable[str]) -> None:
    """Raise unless a value is one of a few names.

    >>> one_of("counts", "exact", ("microcode", "published"))
    Traceback (most recent call last):
    bfimna.errors.BfimnaError: unknown counts 'exact'; Known: microcode, published
    """
    names = list(known)
    if not isinstance(value, str) or value not in names:  # arrays compare element by element
        raise unknown(what, value, names)


def instance(what: str, value: object, kind: type[Kind], wanted: str = "") -> Kind:
    """Return a value of a type, or raise for one of another.

    >>> instance("chip", 7, str)
    Traceback (most recent call last):
    bfimna.errors.BfimnaError: chip must be a str, not 7 (int)
    """
    if not isinstance(value, kind):
        raise wrong_type(what, value, wanted or f"a {kind.__name__}")
    return value


def whole_number(what: str, value: object, low: int, high: int | None = None) -> int:
    """Return `value` as Python's int, or raise if it is no whole number within [low, high].

    NumPy's integers become Python's, which cannot overflow; truth values are no numbers.

    >>> whole_number("batch", 4, 1)
    4
    """
    if type(value) is int and value >= low and (high is None or value <= high):
        return value  # the way that almost every call takes, thousands a network
    allowed = f"from {low} to {high}" if high is not None else f"of at least {low}"
    number = _exact(value)
    if number is None or number < low or (high is not None and number > high):
        raise BfimnaError(f"{what} must be a whole number {allowed}, not {shown(value)}")
    return number


def _exact(value: object) -> int | None:
    """Return a whole number as int, anything else as None."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    if isinstance(value, Integral):
        return int(value)
    try:
        number = float(value)
    except OverflowError:
        return None
    return int(number) if number.is_integer() and number == value else None


def as_int(value: object) -> object:
    """Return a whole number as Python's int, and anything else as it is, to be refused later."""
    number = _exact(value)
    return value if number is None else number


def is_number(value: object) -> bool:
    """Whether a value is a real number; truth values and what is not a number are none.

    >>> is_number(0.5), is_number(True), is_number(float("nan"))
    (True, False, False)
    """
    try:
        return isinstance(value, Real) and not isinstance(value, bool) and not isnan(value)
    except OverflowError:  # an integer beyond the largest float
        return True


def positive_number(what: str, value: object) -> float:
    """Return `value` as Python's float, or raise if it is no finite number above 0.

    >>> positive_number("clock_hz", 10**9)
    1000000000.0
    """
    if isinstance(value, Real) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            number = 0.0
        if number > 0 and isfinite(number):
            return number
    raise BfimnaError(f"{what} must be a finite number above 0, not {shown(value)}")


def truth(what: str, value: object) -> bool:
    """Return `value` as Python's bool, or raise if it is no truth value (0 and 1 are none).

    >>> truth("overlap", True)
    True
    """
    if isinstance(value, bool):
        return value
    if _type(value) in ("bool", "bool_"):  # NumPy's
        return bool(value)
    raise BfimnaError(f"{what} must be true or false, not {shown(value)}")
