"""The circuit tool's arrays by component, the lines fitted to them, and the published fit.

The table behind the figure `technology`.
"""

import numpy as np
import pandas as pd

from bfimna import data
from bfimna.ap import counts as ap
from bfimna.cost import formulas
from bfimna.mapping.chip import Chip
from reproduction.circuit import cam_arrays

COMPARED = ("sram-published-fit", "sram-14nm-lstp")  # fitted to published peaks; derived


def components(chip: Chip) -> pd.DataFrame:
    """Return the data that the technologies are derived from; empty where a column does not apply.

    Returns
    -------
    DataFrame with kind and technology. Kind ``array``: words and bits of an array of the tool, and
    the components of its energies per row, in fJ. ``line``: match_line, search and column_write of
    the fitted line, for 0 to all of the chip's columns attached. ``event``: time_ns and energy_fj
    per row of an average pass of an 8-bit multiply, a column load and a column read.
    """
    printed = data.circuit_arrays()
    tables = []
    for name in cam_arrays.DERIVED:
        sources = cam_arrays.arrays_of(printed, name)
        tables.append(cam_arrays.row_energies(sources).assign(kind="array", technology=name))
        lines = _lines(cam_arrays.fit_row_energies(sources), chip)
        tables.append(lines.assign(kind="line", technology=name))
    events = [_events(name, chip).assign(kind="event", technology=name) for name in COMPARED]
    whole = pd.concat([*tables, *events], ignore_index=True)
    first = ["kind", "technology", "words", "bits", "event"]
    return whole[[*first, *(column for column in whole if column not in first)]]


def _lines(split: cam_arrays.RowEnergies, chip: Chip) -> pd.DataFrame:
    attached = np.arange(chip.columns + 1)
    return pd.DataFrame({
        "bits": attached,
        "match_line": split.match_line + split.match_line_per_bit * attached,
        "search": split.search(attached),
        "column_write": split.column_write(attached),
    })  # fmt: skip


def _events(name: str, chip: Chip) -> pd.DataFrame:
    tech, program = data.load_technology(name), ap.multiply(8, 8)
    seconds, joules = (
        formulas.cycle_seconds(tech, chip.columns),
        formulas.event_joules(tech, chip.columns),
    )
    rows = chip.product_rows  # which share what a cycle's control takes
    each = formulas.energy(program.over(rows), tech, chip) / (program.compares * rows)
    events = {
        "pass": (seconds["compares"] + seconds["writes"], each),
        "load": (seconds["loads"], joules["cells_loaded"]),
        "read": (seconds["reads"], joules["cells_read"]),
    }
    return pd.DataFrame(
        [(event, 1e9 * time, 1e15 * energy) for event, (time, energy) in events.items()],
        columns=["event", "time_ns", "energy_fj"],
    )
