"""Text and tables of a figure, filled with the values of a run, for a notebook and for TeX."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bfimna.display import unit_and_factor
from bfimna.plot.style import full_title_of
from bfimna.tables import place, write_text

if TYPE_CHECKING:
    import pandas as pd

#: characters with a meaning in TeX, and those that its fonts lack → how TeX writes them
_TEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "µ": r"\textmu{}", "×": r"$\times$", "²": r"\textsuperscript{2}", "Ω": r"$\Omega$",
    "ρ": r"$\rho$", "–": "--", "…": r"\ldots{}", "·": r"$\cdot$", "≥": r"$\geq$", "≤": r"$\leq$",
    "<": r"\textless{}", ">": r"\textgreater{}", "−": "$-$", "∝": r"$\propto$",
}  # fmt: skip
_POWER = re.compile(r"(?<![\w.])(\d[\d.]*)e([+-]\d+)(?!\w)")
_DIGITS = dict(enumerate("Zero One Two Three Four Five Six Seven Eight Nine".split()))  # noqa: SIM905
MAX_MACRO = 80  # characters of a value that gets a macro


def tex(text: str) -> str:
    r"""Return a text escaped for TeX.

    >>> tex("50 % of w_1"), tex("2.4e+06")
    ('50 \\% of w\\_1', '$2.4\\times 10^{6}$')
    """
    escaped = "".join(_TEX.get(letter, letter) for letter in text)
    return _POWER.sub(_power, escaped)


def _power(match: re.Match[str]) -> str:
    factor = "" if match[1] == "1" else rf"{match[1]}\times "
    return f"${factor}10^{{{int(match[2])}}}$"


def macro_name(*parts: str) -> str:
    """Return the name of a TeX macro: letters only, and not beginning with "end".

    >>> macro_name("bit_fluidity", "edp at 8"), macro_name("endurance", "days")
    ('bitFluidityEdpAtEight', 'figEnduranceDays')
    """
    parts = ("fig", *parts) if parts[0].startswith("end") else parts  # \\newcommand refuses it
    words = re.findall(r"[a-zA-Z]+|[0-9]", " ".join(parts))
    words = [_DIGITS[int(word)] if word.isdigit() else word for word in words]
    return "".join(word if not n else word[0].upper() + word[1:] for n, word in enumerate(words))


@dataclass(frozen=True)
class Narrative:
    """A text in Markdown, which a notebook shows rendered."""

    text: str

    def _repr_markdown_(self) -> str:
        return self.text


def narrate(
    output: str | Path,
    text: str,
    line: str = "",
    rows: Mapping[str, Mapping[str, object]] | None = None,
    **values: object,
) -> Narrative:
    """Fill a text with values of this run, and write them as TeX macros beside the figure.

    Parameters
    ----------
    output : path of the figure without a suffix; the macros go to ``output``.numbers.tex.
    text : with ``{name}`` for each value, and ``{lines}`` for the rows.
    line : text of a row, with ``{of}`` for its name and ``{key}`` for each of its values.
    rows : name of a row → its values.
    values : values of `text`, already with their digits and units.
    """
    rows = rows or {}
    lines = "\n".join("- " + line.format(of=of, **row) for of, row in rows.items())
    output = Path(output)
    macros = {macro_name(output.name, key): value for key, value in values.items()}
    for of, row in rows.items():
        macros |= {macro_name(output.name, of, key): value for key, value in row.items()}
    definitions = [
        f"\\newcommand{{\\{name}}}{{{tex(str(value))}}}"
        for name, value in macros.items()
        if value != "" and len(str(value)) <= MAX_MACRO and "\n" not in str(value)
    ]
    write_text("\n".join(definitions) + "\n", place(output.with_name(f"{output.name}.numbers.tex")))
    return Narrative(text.format(lines=lines, **values))


def readable(table: "pd.DataFrame", columns: Sequence[str] | Mapping[str, str]) -> "pd.DataFrame":
    """Return columns of a table as text: units in the headings, three significant digits.

    Parameters
    ----------
    columns : names, or name → heading; a unit is taken from the end of the name (``_s``, ``_j``).
    """
    import pandas as pd

    headings = dict(columns) if isinstance(columns, Mapping) else dict.fromkeys(columns, "")
    texts = {}
    for column, heading in headings.items():
        values = table[column]
        if column in ("network", "technology"):
            values = values.map(full_title_of, na_action="ignore")
        heading = heading or plain(column)
        if pd.api.types.is_bool_dtype(values) or not pd.api.types.is_numeric_dtype(values):
            texts[heading] = ["" if pd.isna(v) else str(v) for v in values]
            continue
        unit, factor = unit_and_factor(column, values.abs().replace(0, np.nan).median())
        name = f"{heading} ({unit})" if unit else heading
        texts[name] = [number(value * factor) for value in values]
    return pd.DataFrame(texts)


def plain(column: str) -> str:
    """Return a column's name in words, without its unit.

    >>> plain("energy_j"), plain("edp_rel"), plain("throughput_gops"), plain("top1_percent")
    ('energy', 'EDP rel.', 'throughput', 'top-1')
    """
    words = [w for w in re.sub(r"(_ops_per_w_m2|_g?ops_per_w|_[sjvw]|_js|_m2|_ops|_gops|_percent)$",
                               "", column).split("_") if w]  # fmt: skip
    written = {"edp": "EDP", "top1": "top-1", "rel": "rel.", "mb": "(MB)"}
    return " ".join(written.get(word, word) for word in words)


def span(values: Iterable[float], form: str) -> str:
    """Format a range from the least to the greatest value; one value if both read the same.

    >>> span([3.2, 1, 2], "{:.0f} %"), span([1.01, 1.02], "{:.1f} times")
    ('1 % to 3 %', '1.0 times')
    """
    values = list(values)
    low, high = form.format(min(values)), form.format(max(values))
    return low if low == high else f"{low} to {high}"


def number(value: float, digits: int = 3) -> str:
    """Format a number to some significant digits, in full below a million.

    >>> number(0.12345), number(24613.9), number(19.0), number(float("nan")), number(3e-9)
    ('0.123', '24614', '19', '', '3e-09')
    """
    import pandas as pd

    if pd.isna(value):
        return ""
    if 10**digits <= abs(value) < 1e6:
        return f"{value:.0f}"
    return f"{value:.{digits}g}"


def show_table(
    output: str | Path, table: "pd.DataFrame", columns: Sequence[str] | Mapping[str, str]
) -> "pd.DataFrame":
    """Return a table as `readable` formats it, and write it as TeX (booktabs) beside the figure.

    The file ``output``.tex contains a ``tabular``; table environment and caption are the author's.
    """
    texts = readable(table, columns)
    output = Path(output)
    write_text(tex_table(texts), place(output.with_name(f"{output.name}.tex")))
    return texts.set_index(texts.columns[0])


def tex_table(table: "pd.DataFrame") -> str:
    r"""Return a table of texts as TeX, columns of numbers aligned right.

    >>> import pandas as pd
    >>> print(tex_table(pd.DataFrame({"of": ["a_b"], "size (%)": ["5"]})).splitlines()[2])
    of & size (\%) \\
    """
    # `DataFrame.to_latex` gives the same bytes, but needs Jinja2
    align = "".join("r" if _is_numeric(table[column]) else "l" for column in table)
    head, *lines = (
        " & ".join(tex(str(cell)) for cell in row) + r" \\"
        for row in (table.columns, *table.itertuples(index=False))
    )
    body = ["\\toprule", head, "\\midrule", *lines, "\\bottomrule"]
    return "\n".join([f"\\begin{{tabular}}{{{align}}}", *body, "\\end{tabular}"]) + "\n"


def _is_numeric(texts: "pd.Series") -> bool:
    return all(re.fullmatch(r"[-+.\de]*", text) for text in texts) and any(texts)
