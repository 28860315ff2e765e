"""Every parameter of every technology in one table: value, range, and where it comes from."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from bfimna import data
from bfimna.display import unit_of
from bfimna.errors import one_of
from bfimna.technology.prices import LINK_PRICES
from bfimna.technology.table import PARAMETERS
from bfimna.technology.technology import Interconnect, Technology

if TYPE_CHECKING:
    import pandas as pd

EVERY = "every"  # name of the interconnect's rows, which all technologies share
COLUMNS = (
    "technology", "parameter", "value", "low", "high", "unit", "distribution", "cause", "status",
    "source", "note", "row",
)  # fmt: skip


def technology_table(technology: str | None = None) -> "pd.DataFrame":
    """Return a row per technology and parameter, in SI units, with status, source and note.

    A parameter is called as the field of `Technology` or its interconnect; `row` is its name in
    the tables of data/. Parameters that a technology's table
    leaves out are those of `sram-14nm-lstp` or of every technology, as in a simulation.

    Parameters
    ----------
    technology : one technology's name; all of the tables, and the interconnect's, unless given.

    Raises
    ------
    BfimnaError
        For a name that the tables in data/ lack.

    Examples
    --------
    >>> table = technology_table("sram-14nm-lstp").set_index("parameter")
    >>> row = table.loc["compare_j_per_row"]
    >>> row["row"], f"{row.value:.3g}", row.unit, row.status
    ('compare_energy_per_row', '1.5e-15', 'J', 'C')
    """
    from bfimna.cost.points import Parameters  # pandas, only where a table is made

    names = data.technology_names()
    if technology is not None:
        one_of("technology of the tables", technology, names)
        names = [technology]
    techs = [data.load_technology(name) for name in names]
    rows = [row for tech in techs for row in _of_technology(tech)]
    return Parameters([*rows, *_of_links(techs[0].interconnect)], columns=list(COLUMNS))


def _of_technology(technology: Technology) -> Iterator[dict[str, Any]]:
    every, own = data.assumptions(), data.technologies()
    sources = [
        own[own.technology == technology.name],
        every[every.applies_to == "every"],
        own[own.technology == data.DEFAULT],
    ]
    by_name: dict[str, Any] = {}
    for table in sources:
        for row in table.itertuples():
            by_name.setdefault(str(row.parameter), row)
    for parameter, (field, _) in PARAMETERS.items():
        yield _row(technology.name, technology, field, parameter, by_name[parameter])


def _of_links(links: Interconnect) -> Iterator[dict[str, Any]]:
    for field in LINK_PRICES:
        keys = data.INTERCONNECT[field]
        yield _row(EVERY, links, field, ", ".join(keys), data.component(*keys))


def _row(name: str, item: Technology | Interconnect, field: str, row: str, printed: Any) -> Any:
    value = float(getattr(item, field))
    low, high = item.ranges.get(field, (value, value))
    distribution, cause = item.draws.get(field, ("fixed", ""))
    texts = {key: str(getattr(printed, key, "")) for key in ("status", "source", "note")}
    return {
        "technology": name, "parameter": field, "value": value, "low": low, "high": high,
        "unit": unit_of(field), "distribution": distribution, "cause": cause, "row": row,
        **{key: "" if text == "nan" else text for key, text in texts.items()},
    }  # fmt: skip
