"""Style and formats of figures for a publication."""

import shutil
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
    """Style files and formats that figures are drawn with.

    Attributes
    ----------
    formats : keys of `FORMATS`.
    settings : style files, applied in order over the house style; the user's own comes last.
    """

    formats: tuple[str, ...] = ("pdf", "png")
    settings: tuple[Path, ...] = ()


_current = Publication()


def current() -> Publication:
    """Return the publication in effect; the house style as PDF and PNG by default."""
    return _current


@contextmanager
def publication(
    style: str | None = None, formats: Sequence[str] = ("pdf", "png"), own: str | Path | None = None
) -> Iterator[None]:
    """Draw and save figures for a publication while the context lasts.

    Parameters
    ----------
    style : one of `STYLES`; the house style if left out.
    formats : keys of `FORMATS`.
    own : a Matplotlib style file or matplotlibrc of your own, applied last.

    Raises
    ------
    BfimnaError
        For an unknown style or format, a file that Matplotlib cannot read, or text.usetex without
        LaTeX.

    >>> with publication("slide", ["svg"]):
    ...     current().formats
    ('svg',)
    """
    global _current
    if style is not None and style not in STYLES:
        raise unknown("style", style, STYLES)
    for name in formats:
        if name not in FORMATS:
            raise unknown("format", name, FORMATS)
    if not formats:
        raise BfimnaError(f"no format is given: want some of {', '.join(FORMATS)}")
    files = [FOLDER / f"{style}.mplstyle"] if style else []
    files += [_checked(Path(own))] if own else []
    before, _current = _current, Publication(tuple(dict.fromkeys(formats)), tuple(files))
    try:
        yield
    finally:
        _current = before


def _checked(path: Path) -> Path:
    try:
        with mpl.rc_context():
            settings = mpl.rc_params_from_file(path, use_default_template=False)
    except (OSError, ValueError) as error:
        raise BfimnaError(f"style file {path}: {error}") from None
    if not settings:
        raise BfimnaError(f"style file {path}: no setting of Matplotlib in it")
    if settings.get("text.usetex") and not (shutil.which("latex") and shutil.which("dvipng")):
        raise BfimnaError(
            f"style file {path}: text.usetex needs latex and dvipng, which are not installed"
        )
    return path


def apply() -> None:
    """Apply the style files of the publication in effect to Matplotlib's settings."""
    for path in _current.settings:
        mpl.rcParams.update(mpl.rc_params_from_file(path, use_default_template=False))
