"""Collect the workflow's tables: `python -m reproduction.collect TABLE FILE...`.

Lays CSV tables of the same kind one under the other.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from bfimna.errors import BfimnaError
from bfimna.tables import write_table


def collect(output: str, files: Sequence[str]) -> Path:
    """Write the rows of all files to one table."""
    if not files:
        raise BfimnaError("no tables to collect")
    return write_table(pd.concat([pd.read_csv(f) for f in files], ignore_index=True), output)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: python -m reproduction.collect TABLE FILE...")
    collect(sys.argv[1], sys.argv[2:])
