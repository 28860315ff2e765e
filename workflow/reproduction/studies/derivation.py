"""The circuit tool's arrays by component, the lines fitted to them, and the published fit.

The table behind the figure `technology`.
"""

import numpy as np
import pandas as pd

from bfimna import data
from bfimna.ap import counts as ap
from bfimna.cost import cost
from bfimna.mapping.chip import Chip
from bfimna.technology import arrays

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
    for name in arrays.DERIVED:
        sources = arrays.arrays_of(printed, name)
        tables.append(arrays.parts(sources).assign(kind="array", technology=name))
        tables.append(_lines(arrays.split(sources), chip).assign(kind="line", technology=name))
    events = [_events(name, chip).assign(kind="event", technology=name) for name in COMPARED]
    whole = pd.concat([*tables, *events], ignore_index=True)
    first = ["kind", "technology", "words", "bits", "event"]
    return whole[[*first, *(column for column in whole if column not in first)]]


def _lines(split: arrays.Split, chip: Chip) -> pd.DataFrame:
    attached = np.arange(chip.columns + 1)
    return pd.DataFrame({
        "bits": attached,
        "match_line": split.match_line + split.match_line_per_bit * attached,
        "search": split.search(attached),
        "column_write": split.column_write(attached),
    })  # fmt: skip


def _events(name: str, chip: Chip) -> pd.DataFrame:
    tech, program = data.load_technology(name), ap.multiply(8, 8)
    seconds, joules = cost.seconds_of(tech, chip.columns), cost.joules_of(tech, chip.columns)
    each = cost.energy(program, tech, chip) / program.compares
    events = {
        "pass": (seconds["compares"] + seconds["writes"], each),
        "load": (seconds["loads"], joules["cells_loaded"]),
        "read": (seconds["reads"], joules["cells_read"]),
    }
    return pd.DataFrame(
        [(event, 1e9 * time, 1e15 * energy) for event, (time, energy) in events.items()],
        columns=["event", "time_ns", "energy_fj"],
    )
