"""Rows of a technology table, and the assumptions that a derivation takes from one."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan, nan
from typing import Any

import pandas as pd

from bfimna.errors import BfimnaError

COLUMNS = [
    "technology", "parameter", "value", "low", "high", "unit", "distribution", "cause", "status",
    "source", "note",
]  # fmt: skip
TOOL = "EvaCAM, data/circuit/evacam_cam_arrays.csv"


@dataclass(frozen=True)
class Value:
    """One parameter: value and range in `unit`, how it is drawn, and where it comes from.

    A row without low and high has no known range; one without a cause is drawn by itself.
    """

    parameter: str
    value: float
    low: float = nan
    high: float = nan
    unit: str = "1"
    distribution: str = "fixed"
    cause: str = ""
    status: str = "C"
    source: str = TOOL
    note: str = ""

    def __post_init__(self) -> None:
        for end in ("low", "high"):
            if isnan(getattr(self, end)):
                object.__setattr__(self, end, self.value)

    def cells(self) -> list[object]:
        """Return the row from `parameter` on, numbers at four significant digits."""
        numbers = [float(f"{x:.4g}") for x in (self.value, self.low, self.high)]
        return [self.parameter, *numbers, self.unit, self.distribution, self.cause, self.status,
                self.source, self.note]  # fmt: skip


def table_of(technology: str, rows: Sequence[Value]) -> pd.DataFrame:
    """Return the rows of a technology as a table."""
    return pd.DataFrame([[technology, *row.cells()] for row in rows], columns=COLUMNS)


class Assumptions:
    """What assumptions.csv has for a device class, and for every technology."""

    def __init__(self, table: pd.DataFrame, device_class: str) -> None:
        kept = table[table.applies_to.isin(["circuit", "every", device_class])]
        columns = [c for c in COLUMNS if c not in ("technology",)]
        rows: list[dict[str, Any]] = [
            {c: "" if pd.isna(row[c]) else row[c] for c in columns} for _, row in kept.iterrows()
        ]
        self._rows = {str(row["parameter"]): Value(**row) for row in rows}
        self._every = kept.parameter[kept.applies_to == "every"].tolist()

    def __getitem__(self, parameter: str) -> Value:
        if parameter not in self._rows:
            raise BfimnaError(
                f"assumptions.csv lacks {parameter!r}; it has {', '.join(self._rows)}"
            )
        return self._rows[parameter]

    def every(self) -> list[Value]:
        """Return what holds for every technology alike."""
        return [self._rows[parameter] for parameter in self._every]
