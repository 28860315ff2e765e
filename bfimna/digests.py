"""Digests of values: change when, and only when, a value does."""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from hashlib import sha256
from typing import Any


def digest(*parts: object) -> str:
    """Digest of texts, numbers, and lists, mappings and dataclasses of them.

    >>> digest({"a": [1, 2]}) == digest({"a": (1, 2)}), digest("1") == digest(1)
    (True, False)
    """
    return sha256(json.dumps(parts, sort_keys=True, default=_plain).encode()).hexdigest()[:16]


def _plain(value: Any) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    return repr(value)
