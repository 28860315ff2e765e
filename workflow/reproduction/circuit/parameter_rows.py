"""Rows of derived.csv, and of the assumptions behind them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
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
class TableRow:
    """A parameter of a technology table: value and range in `unit`, distribution and source.

    A row without low and high has no range; one without a cause is sampled by itself.
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

    def times(self, parameter: str, base: float, unit: str) -> "TableRow":
        """Return the row of a parameter that is `base`, in `unit`, times this value and range."""
        own = self if base else replace(self, distribution="fixed", cause="")
        value, low, high = (base * x for x in (self.value, self.low, self.high))
        return replace(own, parameter=parameter, value=value, low=low, high=high, unit=unit)

    def cells(self) -> list[object]:
        """Return the row from `parameter` on, numbers at four significant digits."""
        numbers = [float(f"{x:.4g}") for x in (self.value, self.low, self.high)]
        return [self.parameter, *numbers, self.unit, self.distribution, self.cause, self.status,
                self.source, self.note]  # fmt: skip


def rows_to_table(technology: str, rows: Sequence[TableRow]) -> pd.DataFrame:
    """Return the rows of a technology as a table, as derived.csv has it."""
    return pd.DataFrame([[technology, *row.cells()] for row in rows], columns=COLUMNS)


class Assumptions:
    """Rows of assumptions.csv for circuits, a device class, a cell family, and every technology.

    Those of the family go before those of the class.
    """

    def __init__(self, table: pd.DataFrame, device_class: str, family: str) -> None:
        order = ["circuit", "every", device_class, family]
        kept = pd.concat([table[table.applies_to == applies_to] for applies_to in order])
        columns = [column for column in COLUMNS if column != "technology"]
        rows: list[dict[str, Any]] = [
            {column: "" if pd.isna(row[column]) else row[column] for column in columns}
            for _, row in kept.iterrows()
        ]
        self._rows = {str(row["parameter"]): TableRow(**row) for row in rows}
        self._every = kept.parameter[kept.applies_to == "every"].tolist()

    def __getitem__(self, parameter: str) -> TableRow:
        if parameter not in self._rows:
            raise BfimnaError(
                f"assumptions.csv lacks {parameter!r}; it has {', '.join(self._rows)}"
            )
        return self._rows[parameter]

    def every(self) -> list[TableRow]:
        """Return the rows that every technology has alike."""
        return [self._rows[parameter] for parameter in self._every]
