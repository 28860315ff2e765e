"""Strangers' text files: found, bounded in size and decoded before anything looks into them."""

from pathlib import Path

from bfimna.errors import BfimnaError, shown, wrong_type


def as_path(path: object) -> Path:
    """Return a path, or raise for what is none.

    >>> as_path(7)
    Traceback (most recent call last):
    bfimna.errors.BfimnaError: a file's path must be a str or a pathlib.Path, not 7 (int)
    """
    if not isinstance(path, str | Path):
        raise wrong_type("a file's path", path, "a str or a pathlib.Path")
    return Path(path)


def is_file(path: Path) -> bool:
    """Whether a path names a file; none that is overlong or holds NUL does, nor does a device."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def text_of(path: str | Path, most_bytes: int) -> str:
    """Return the text of a file of at most so many bytes, in UTF-8.

    Raises
    ------
    BfimnaError
        Naming the file, if there is none, or it is larger, cannot be read or is no text.
    """
    path = as_path(path)
    told = path if len(str(path)) < 200 else shown(str(path))
    if not is_file(path) or path.stat().st_size > most_bytes:
        raise BfimnaError(f"{told}: no such file, or one larger than {most_bytes} bytes")
    try:
        with path.open("rb") as file:  # which may grow, or be a pipe by now
            raw = file.read(most_bytes + 1)
        text = raw[:most_bytes].decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BfimnaError(f"{told}: not UTF-8 text") from None
    except OSError as error:
        raise BfimnaError(f"{told} cannot be read: {error.strerror}") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")
