"""The package's own errors and warnings, and checks of values where they enter."""

import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from difflib import get_close_matches
from math import isfinite, isnan
from numbers import Integral, Real
from reprlib import Repr
from typing import TypeVar

Kind = TypeVar("Kind")

LONGEST_MESSAGE = 1400  # characters: a screen
LONGEST_VALUE = 80  # characters of a refused value that a message repeats
MOST_NAMES = 40  # allowed names that a message lists


class BfimnaError(ValueError):
    """A user's input that cannot be used; the message is one line and names the remedy.

    >>> len(str(BfimnaError("a" * 5000)))
    1400
    """

    def __init__(self, message: str) -> None:
        super().__init__(brief(message))


def brief(message: str, longest: int = LONGEST_MESSAGE) -> str:
    r"""Return a message as one line that fits on a screen, its middle cut if it is too long.

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
    """Write a value on one line, cut where it is long.

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


def unknown(what: str, value: object, allowed: Iterable[str]) -> BfimnaError:
    """Error for a name that is not among the allowed ones; suggests the nearest.

    >>> print(unknown("network", "resnet81", ["resnet18", "vgg16"]))
    unknown network 'resnet81'; did you mean 'resnet18'? Known: resnet18, vgg16
    """
    names = sorted(allowed)
    near = _nearest(value, names) if isinstance(value, str) else None
    hint = f"; did you mean {near!r}?" if near else ";"
    more = f", … ({len(names)} in all)" if len(names) > MOST_NAMES else ""
    listed = ", ".join(names[:MOST_NAMES]) + more
    return BfimnaError(f"unknown {what} {shown(value)}{hint} Known: {listed}")


def _nearest(value: str, names: list[str]) -> str | None:
    """Return the name that a value is close to, whatever its case, or close to a part of.

    >>> _nearest("lr", ["IR", "LR"]), _nearest("rram", ["reram-14nm-lstp", "sram-14nm-lstp"])
    ('LR', 'reram-14nm-lstp')
    """
    lower = {name.lower(): name for name in reversed(names)}
    if near := get_close_matches(value.lower(), lower, n=1):
        return lower[near[0]]
    parts = {name.lower().split("-")[0]: name for name in reversed(names) if "-" in name}
    near = get_close_matches(value.lower(), parts, n=1, cutoff=0.8)
    return parts[near[0]] if near else None


def missing_extra(package: str, extra: str) -> BfimnaError:
    """Error for a package that only an extra of bfimna installs.

    >>> print(missing_extra("Numba", "emulate"))
    this needs Numba, which is not installed: pip install 'bfimna[emulate]'
    """
    return BfimnaError(
        f"this needs {package}, which is not installed: pip install 'bfimna[{extra}]'"
    )


def wrong_type(what: str, value: object, allowed: str) -> BfimnaError:
    """Error for an argument of a type that cannot be used.

    >>> print(wrong_type("network", 7, "a name, a file or a Network"))
    network must be a name, a file or a Network, not 7 (int)
    """
    return BfimnaError(f"{what} must be {allowed}, not {shown(value)} ({_type(value)})")


def one_of(what: str, value: object, allowed: Iterable[str]) -> None:
    """Raise unless a value is one of the allowed names.

    >>> one_of("counts", "exact", ("microcode", "published"))
    Traceback (most recent call last):
    bfimna.errors.BfimnaError: unknown counts 'exact'; Known: microcode, published
    """
    names = list(allowed)
    if not isinstance(value, str) or value not in names:  # arrays compare element by element
        raise unknown(what, value, names)


def instance(what: str, value: object, kind: type[Kind], allowed: str = "") -> Kind:
    """Return a value of type `kind`, or raise; `allowed` describes it in the error.

    >>> instance("chip", 7, str)
    Traceback (most recent call last):
    bfimna.errors.BfimnaError: chip must be a str, not 7 (int)
    """
    if not isinstance(value, kind):
        raise wrong_type(what, value, allowed or f"a {kind.__name__}")
    return value


def whole_number(what: str, value: object, low: int, high: int | None = None) -> int:
    """Return `value` as Python's int, or raise if it is not a whole number within [low, high].

    NumPy's integers become Python's, which cannot overflow. Booleans are rejected.

    >>> whole_number("batch", 4, 1)
    4
    """
    if type(value) is int and value >= low and (high is None or value <= high):
        return value  # the common case, thousands of times per network
    allowed = f"from {low} to {high}" if high is not None else f"of at least {low}"
    number = _exact(value)
    if number is None or number < low or (high is not None and number > high):
        raise BfimnaError(f"{what} must be a whole number {allowed}, not {shown(value)}")
    return number


def _exact(value: object) -> int | None:
    """Return a whole number as int, None for anything else."""
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
    """Return a whole number as Python's int, anything else unchanged for a later check."""
    number = _exact(value)
    return value if number is None else number


def is_number(value: object) -> bool:
    """Whether a value is a real number; False for booleans and NaN.

    >>> is_number(0.5), is_number(True), is_number(float("nan"))
    (True, False, False)
    """
    try:
        return isinstance(value, Real) and not isinstance(value, bool) and not isnan(value)
    except OverflowError:  # an integer beyond the largest float
        return True


def positive_number(what: str, value: object) -> float:
    """Return `value` as Python's float, or raise if it is not a finite number above 0.

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
    """Return `value` as Python's bool, or raise if it is not a boolean (0 and 1 are rejected).

    >>> truth("overlap", True)
    True
    """
    if isinstance(value, bool):
        return value
    if _type(value) in ("bool", "bool_"):  # NumPy's
        return bool(value)
    raise BfimnaError(f"{what} must be true or false, not {shown(value)}")


#: (name of a field in errors, its value) → the value to keep, or an error
Check = Callable[[str, object], object]


def whole(low: int, high: int | None = None) -> Check:
    """Check of a whole number, for `check_fields`."""
    return lambda what, value: whole_number(what, value, low, high)


def among(noun: str, allowed: Iterable[str]) -> Check:
    """Check of one of a few names, for `check_fields`; errors call it `noun`."""

    def check(_: str, value: object) -> object:
        one_of(noun, value, allowed)
        return value

    return check


def or_none(check: Check) -> Check:
    """Check of a value that may also be None, for "none" of what it states.

    >>> or_none(positive_number)("limit", None)
    """
    return lambda what, value: None if value is None else check(what, value)


def check_fields(owner: object, where: str, checks: Mapping[str, Check]) -> None:
    """Replace fields of a frozen dataclass by what their checks return, or raise.

    Called by ``__post_init__``; NumPy's numbers become Python's. `where` precedes the field's name
    in errors.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Array:
    ...     rows: int
    ...     def __post_init__(self):
    ...         check_fields(self, "array: ", {"rows": whole(1, 2**20)})
    >>> Array(0)
    Traceback (most recent call last):
    bfimna.errors.BfimnaError: array: rows must be a whole number from 1 to 1048576, not 0
    """
    for field, check in checks.items():
        object.__setattr__(owner, field, check(f"{where}{field}", getattr(owner, field)))


def check_field_names(what: str, names: Iterable[object], dataclass: type) -> None:
    """Raise for a name that is not a field of a dataclass."""
    allowed = [field.name for field in fields(dataclass)]
    for name in names:
        one_of(f"field of {what}", name, allowed)


#: old public name → new one; the old ones work, with a warning, until the release after 0.3
RENAMED = {
    "bfimna.ap.Emulator": "bfimna.emulator.Emulator",
    "bfimna.ap.infer": "bfimna.infer",
    "bfimna.ap.quantise": "bfimna.emulator.quantise",
    "bfimna.ap.synthetic": "bfimna.emulator.synthetic",
    "bfimna.plot.table_shown": "bfimna.plot.show_table",
    "bfimna.plot.tell": "bfimna.plot.narrate",
    "bfimna.search.chips": "bfimna.search.search_chips",
}


def warn_renamed(old: str, new: str) -> None:
    """Warn the caller's caller that a public name is another now; the old one goes in a release."""
    warnings.warn(f"{old} is now {new}", DeprecationWarning, stacklevel=3)


def renamed(module: str, name: str) -> object:
    """Return the value of an old public name, with a warning; for a module's `__getattr__`.

    The value is looked up from the top of the package, which may import every room: a room that
    once offered the name need not import the one that offers it now.
    """
    old = f"{module}.{name}"
    if old not in RENAMED:
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    new = RENAMED[old]
    warnings.warn(f"{old} is now {new}", DeprecationWarning, stacklevel=3)
    value: object = sys.modules["bfimna"]
    for part in new.split(".")[1:]:
        value = getattr(value, part)
    return value
