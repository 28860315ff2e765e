"""How a figure is drawn for a publication: a style, formats, and the user's own settings last."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl

from bfimna.errors import BfimnaError, unknown

FOLDER = Path(__file__).parent / "styles"
STYLES = tuple(sorted(path.stem for path in FOLDER.glob("*.mplstyle")))
#: format → metadata that keep dates and versions out of the file
FORMATS: dict[str, dict[str, None]] = {
    "pdf": {"CreationDate": None},
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
}


@dataclass(frozen=True)
class Publication:
    """What is asked for.

    Attributes
    ----------
    formats : of the files, keys of `FORMATS`.
    settings : style files, read one after the other over the house style; the user's own is last.
    """

    formats: tuple[str, ...] = ("pdf", "png")
    settings: tuple[Path, ...] = ()


_asked = Publication()


def asked() -> Publication:
    """Return what is asked for now: the house style as PDF and PNG if nothing else is."""
    return _asked


@contextmanager
def publication(
    style: str | None = None, formats: Sequence[str] = ("pdf", "png"), own: str | Path | None = None
) -> Iterator[None]:
    """Draw and save figures for a publication while the context lasts.

    Parameters
    ----------
    style : one of `STYLES`; the house style if left out.
    formats : keys of `FORMATS`.
    own : a Matplotlib style file or matplotlibrc of your own, which has the last word.

    Raises
    ------
    BfimnaError
        For an unknown style or format, or a file that is none of Matplotlib's.

    >>> with publication("slide", ["svg"]):
    ...     asked().formats
    ('svg',)
    """
    global _asked
    if style is not None and style not in STYLES:
        raise unknown("style", style, STYLES)
    for name in formats:
        if name not in FORMATS:
            raise unknown("format", name, FORMATS)
    if not formats:
        raise BfimnaError(f"no format is given: want some of {', '.join(FORMATS)}")
    files = [FOLDER / f"{style}.mplstyle"] if style else []
    files += [_checked(Path(own))] if own else []
    before, _asked = _asked, Publication(tuple(dict.fromkeys(formats)), tuple(files))
    try:
        yield
    finally:
        _asked = before


def _checked(path: Path) -> Path:
    try:
        with mpl.rc_context():
            found = mpl.rc_params_from_file(path, use_default_template=False)
    except (OSError, ValueError) as error:
        raise BfimnaError(f"style file {path}: {error}") from None
    if not found:
        raise BfimnaError(f"style file {path}: no setting of Matplotlib in it")
    return path


def apply() -> None:
    """Set what is asked for, over whatever is set."""
    for path in _asked.settings:
        mpl.rcParams.update(mpl.rc_params_from_file(path, use_default_template=False))
