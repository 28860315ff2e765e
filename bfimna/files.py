"""Read untrusted text files safely, bounded and decoded; write whole ones; errors name the file."""

import os
from pathlib import Path

from bfimna.errors import BfimnaError, shown, wrong_type


def as_path(path: object) -> Path:
    """Return a path, or raise if it is not one.

    >>> as_path(7)
    Traceback (most recent call last):
    bfimna.errors.BfimnaError: a file's path must be a str or a pathlib.Path, not 7 (int)
    """
    if not isinstance(path, str | Path):
        raise wrong_type("a file's path", path, "a str or a pathlib.Path")
    return Path(path)


def is_file(path: Path) -> bool:
    """Whether a path names a regular file; False for a device, an overlong path or one with NUL."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def text_of(path: str | Path, most_bytes: int) -> str:
    """Return the text of a UTF-8 file, its line ends as newlines.

    Raises
    ------
    BfimnaError
        Naming the file, if it is missing, larger than `most_bytes`, unreadable or not UTF-8.
    """
    path = as_path(path)
    name = path if len(str(path)) < 200 else shown(str(path))
    if not is_file(path) or path.stat().st_size > most_bytes:
        raise BfimnaError(f"{name}: no such file, or one larger than {most_bytes} bytes")
    try:
        with path.open("rb") as file:  # which may grow, or be a pipe by now
            raw = file.read(most_bytes + 1)
        text = raw[:most_bytes].decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BfimnaError(f"{name}: not UTF-8 text") from None
    except OSError as error:
        raise BfimnaError(f"{name} cannot be read: {error.strerror}") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def save_text(text: str, path: str | Path) -> None:
    """Write a user's file as UTF-8, whole or not at all.

    Raises
    ------
    BfimnaError
        Naming the file, if its folder is missing or it cannot be written.
    """
    path = as_path(path)
    name = path if len(str(path)) < 200 else shown(str(path))
    partial = path.with_name(f".{path.name}.part") if path.name else path
    try:
        raw = text.encode()
        partial.write_bytes(raw)
        os.replace(partial, path)
    except UnicodeEncodeError:
        raise BfimnaError(f"{name}: the text holds a character that UTF-8 has not") from None
    except (OSError, ValueError) as error:
        if is_file(partial):
            partial.unlink()
        reason = getattr(error, "strerror", None) or error
        raise BfimnaError(f"{name} cannot be written: {reason}") from None
