"""The package's mappings by family and by name: what a search weighs, and what names load."""

import re
from functools import cache

from bfimna.mapping.mapping import Mapping

#: products per row that a search weighs
PER_ROW = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)


#: dot products side by side, and triples of rows that share one
BESIDE, TRIPLES = (1, 2, 3, 4), (0, 1, 2, 4, 8, 16, 32)


@cache
def families() -> dict[str, tuple[Mapping, ...]]:
    """Return the mappings of each family, the paper's first.

    >>> list(families())[0], families()["paper"]
    ('paper', (<Mapping paper>,))
    """
    accumulating = (Mapping.accumulating(t, fused=f) for f in (True, False) for t in PER_ROW)
    carry_save = (
        Mapping.carry_save(beside, triples, fused=fused)
        for fused in (True, False)
        for beside in BESIDE
        for triples in TRIPLES
    )
    return {
        "paper": (Mapping.paper(),),
        "three-pass": (Mapping.paper("three-pass"),),
        "fused": (Mapping.fused(),),
        "stationary": tuple(Mapping.stationary(fused=fused) for fused in (True, False)),
        "accumulating": tuple(accumulating),
        "carry-save": tuple(carry_save),
    }


@cache
def by_name() -> dict[str, Mapping]:
    """Return all mappings by name, without spaces.

    >>> by_name()["accumulating-4-per-row"]
    <Mapping accumulating 4 per row>
    """
    every = [mapping for family in families().values() for mapping in family]
    return {re.sub(r"[\s,]+", "-", mapping.name): mapping for mapping in every}
