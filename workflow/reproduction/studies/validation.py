"""Our cell beside published cells, our macro beside chips, the circuit tool beside a simulator.

The table behind the figure `validation`. Nothing here is an input of a technology.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from bfimna import data
from bfimna.ap.counts import Amount
from bfimna.cost import caveats
from bfimna.cost.peak import peak
from bfimna.cost.uncertainty import PERCENTILES, SAMPLES, peak_samples
from bfimna.mapping.chip import Chip
from bfimna.names import load_technology
from bfimna.technology.prices import AnyPrices, Price
from bfimna.technology.sampling import causes, sampled_prices, uniform
from bfimna.technology.technology import Technology
from reproduction.studies import silicon
from reproduction.studies.arguments import checked

CELLS = 72  # attached to a row's lines, in the simulations of data/circuit/simulated.csv
WHOLE_ROW = f"_{CELLS}_cells"  # ends the name of a time that a row's attached cells are part of
SIMULATED, KIT = "sram-14nm-lstp", "ptm14-lstp "  # a technology, the kits of the same devices
FEMTO, UM2 = 1e-15, 1e-12


@checked
def validation(technologies: Sequence[str], bits: Sequence[int]) -> pd.DataFrame:
    """Return four kinds of rows in one table; a column that does not apply is empty.

    Kind ``cell``: a CAM cell, surveyed or ours, with search_fj (per bit and search, all columns
    driven) and area_um2. Kind ``chip``: a digital in-memory chip or our peak, with operation_fj,
    the energy of an operation of 1 × 1 bit. Each of these also ``_normalised`` to one node and
    supply, and with ``_low`` and ``_high``: the 5th and 95th percentile of ours, and the range of
    supplies of a surveyed cell. Kind ``parameter``: ours with its range, and ``simulated``.
    """
    rows = [_own_cell(name) for name in technologies]
    rows += [_own_peak(name, width) for name in technologies for width in bits]
    tables = [_surveyed(), _chips(), pd.DataFrame(rows), parameters()]
    return pd.concat(tables, ignore_index=True)


def search_j_per_bit(prices: AnyPrices, columns: int) -> Price:
    """Return the energy of a search per bit with every column driven and no row that matches.

    As the survey counts it: precharge, sensing and output of a row, its match line, and a pair of
    search lines in each column.
    """
    each = prices.compare_j_per_attached_cell + prices.compare_j_per_key_cell
    return prices.compare_j_per_row / columns + each + prices.broadcast_j_per_key_cell


def _samples(technology: Technology) -> AnyPrices:
    return sampled_prices(technology, {c: uniform(c, SAMPLES, 0) for c in causes(technology)})


def _with_ends(name: str, value: Price, samples: Price, scale: Amount) -> dict[str, Any]:
    """Return a figure and its percentiles, as they are and times `scale` as normalised."""
    low, _, high = np.percentile(samples, PERCENTILES)
    stem, _, unit = name.rpartition("_")
    each = {"": value, "_low": low, "_high": high}
    return {f"{name}{end}": x for end, x in each.items()} | {
        f"{stem}_normalised_{unit}{end}": scale * x for end, x in each.items()
    }


def _own_cell(name: str) -> dict[str, Any]:
    tech, columns = load_technology(name), Chip.limited().columns
    draws, node = _samples(tech), silicon.node_of(name)
    search, searches = (search_j_per_bit(p, columns) / FEMTO for p in (tech, draws))
    area, areas = (p.area_m2_per_cell / UM2 for p in (tech, draws))
    by_energy = 1 / silicon.energy_factor(node, tech.supply_v)
    by_area = 1 / silicon.area_factor(node)
    return {
        "kind": "cell", "name": name, "origin": "this model", "technology": name, "node_nm": node,
        "supply_v": tech.supply_v,
        **_with_ends("search_fj", search, searches, by_energy),
        **_with_ends("area_um2", area, areas, by_area),
    }  # fmt: skip


def _own_peak(name: str, width: int) -> dict[str, Any]:
    tech, chip, node = load_technology(name), Chip.limited(), silicon.node_of(name)
    best, draws = peak(width, chip, tech), peak_samples(width, chip, tech)
    each, samples = (1 / p.efficiency_ops_per_w / width**2 / FEMTO for p in (best, draws))
    by_energy = 1 / silicon.energy_factor(node, tech.supply_v)
    return {
        "kind": "chip", "name": name, "origin": "this model", "technology": name, "node_nm": node,
        "supply_v": tech.supply_v, "bits": width, "scope": "macro",
        "feasible": not caveats.peak_warnings(best, chip),
        **_with_ends("operation_fj", each, samples, by_energy),
    }  # fmt: skip


def _surveyed() -> pd.DataFrame:
    cells = silicon.cam_cells().rename(columns={"design": "name"})
    own = [c for c in cells if c not in ("citation_key", "year", "supply_v_low", "supply_v_high")]
    return cells[own].assign(kind="cell", origin="survey")


def _chips() -> pd.DataFrame:
    chips = silicon.digital_chips()
    operation = 1e6 / chips.efficiency_gops_per_w / chips.bits**2
    factor = silicon.energy_factor(chips.node_nm, chips.supply_v)
    return pd.DataFrame({
        "kind": "chip", "name": chips.accelerator, "origin": "fabricated",
        "technology": chips.arithmetic, "node_nm": chips.node_nm, "supply_v": chips.supply_v,
        "bits": chips.bits, "scope": chips.scope, "operation_fj": operation,
        "operation_normalised_fj": operation / factor,
    })  # fmt: skip


def parameters() -> pd.DataFrame:
    """Return the circuit tool's parameters beside the simulator's, both with their ranges.

    Columns: kind, name (the parameter), origin (kit of the simulation: wires, and cell), unit,
    ours with ours_low and ours_high, simulated with simulated_low and simulated_high (empty where
    one value was simulated), and ratio: simulated over ours.
    """
    simulated = data.simulated()
    simulated = simulated[simulated.kit.str.startswith(KIT)].reset_index(drop=True)
    table = data.technologies().query("technology == @SIMULATED").set_index("parameter")
    ends = ["value", "low", "high"]
    ours = np.array([_ours(table, name) for name in simulated.parameter])
    printed = simulated[ends].to_numpy(float)
    columns = {"ours": ours, "simulated": printed}
    return pd.DataFrame({
        "kind": "parameter", "name": simulated.parameter,
        "origin": simulated.kit.str.removeprefix(KIT), "technology": SIMULATED,
        "unit": simulated.unit,
        **{f"{what}{end}": values[:, k] for what, values in columns.items()
           for k, end in enumerate(("", "_low", "_high"))},
        "ratio": printed[:, 0] / ours[:, 0],
    })  # fmt: skip


def _ours(table: pd.DataFrame, name: str) -> np.ndarray:
    """Return a parameter's value, low and high; of a whole row's time with its attached cells."""
    ends = ["value", "low", "high"]
    if not name.endswith(WHOLE_ROW):
        return table.loc[name, ends].to_numpy(float)
    stem = name.removesuffix(WHOLE_ROW)
    whole = table.loc[stem, ends] + CELLS * table.loc[f"{stem}_per_attached_cell", ends]
    return whole.to_numpy(float)
