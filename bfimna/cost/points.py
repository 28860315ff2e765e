"""Tables in SI units that read with the units of their values: points of a sweep, parameters."""

import pandas as pd

from bfimna.display import html_table, quantity, unit_and_factor

BATCHED = "edp_js and latency_s count until the whole batch is done, energy_j is per inference"


class Points(pd.DataFrame):
    """A DataFrame in SI units, shown with prefixes in its headings; its values stay as they are.

    Examples
    --------
    >>> table = Points({"bits": [4, 8], "edp_js": [3.35e-07, 1.73e-06], "chip": ["LR", "LR"]})
    >>> table
       bits  edp_js (µJ·s)
    0     4          0.335
    1     8           1.73
    [in every row: chip LR]
    >>> table.edp_js.tolist(), table[table.bits == 8].edp_js.tolist()
    ([3.35e-07, 1.73e-06], [1.73e-06])
    """

    @property
    def _constructor(self) -> type["Points"]:
        return Points

    def __repr__(self) -> str:
        table, lines = self._readable()
        return "\n".join([_shown(table, "__repr__"), *(f"[{line}]" for line in lines)])

    def to_text(self) -> str:
        """Return every row as text for a terminal, with units in the headings."""
        table, lines = self._readable()
        text = table.to_string(index=False, na_rep="", float_format="{:.4g}".format)
        return "\n".join([text, *lines])

    def _repr_html_(self) -> str:
        table, lines = self._readable()
        return _shown(table, "_repr_html_") + "".join(f"<p>{line}</p>" for line in lines)

    def _readable(self) -> tuple[pd.DataFrame, list[str]]:
        """Return the table with units in its headings, and what holds for every row."""
        plain = pd.DataFrame(self)
        constant = [
            column for column in plain
            if len(plain) > 1
            and not pd.api.types.is_numeric_dtype(plain[column])
            and plain[column].nunique() == 1
        ]  # fmt: skip
        texts = {}
        for column in plain.columns.difference(constant, sort=False):
            values, unit = plain[column], ""
            if pd.api.types.is_float_dtype(values):
                name = str(column).removesuffix("_low").removesuffix("_high")
                unit, factor = unit_and_factor(name, values.abs().max())
                values = values * factor
            texts[f"{column} ({unit})" if unit else column] = values
        lines = [f"in every row: {', '.join(f'{c} {plain[c].iloc[0]}' for c in constant)}"]
        batched = "batch" in plain and "edp_js" in plain and bool((plain.batch != 1).any())
        table = pd.DataFrame(texts, index=plain.index)
        return table, [*(lines if constant else []), *([BATCHED] if batched else [])]


class Parameters(pd.DataFrame):
    """A table of parameters in SI units: as HTML each value has a readable unit of its own."""

    @property
    def _constructor(self) -> type["Parameters"]:
        return Parameters

    def _repr_html_(self) -> str:
        if not {"value", "low", "high", "unit"} <= {*self.columns}:
            return str(pd.DataFrame(self)._repr_html_())
        rows = [
            [quantity(value, row["unit"]) if key in ("value", "low", "high") else value
             for key, value in row.items()]
            for row in self.to_dict("records")
        ]  # fmt: skip
        return html_table("Parameters of technologies", list(self.columns), rows)


def _shown(table: pd.DataFrame, how: str) -> str:
    form = "{:.4g}".format
    with pd.option_context("display.float_format", form, "display.max_columns", None):
        return str(getattr(table, how)())
