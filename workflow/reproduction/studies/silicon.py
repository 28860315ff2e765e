"""Published silicon made comparable: operations of one width, one node and one supply.

The rules and their limits are in data/silicon/README.md: an operation of B × B bits takes B² of one
bit; energies are proportional to node · V², areas to node².
"""

import numpy as np
import pandas as pd

from bfimna import data
from bfimna.ap.counts import Amount
from reproduction.circuit.cam_arrays import DERIVED

NODE_NM, SUPPLY_V = 14.0, 0.8  # what figures are normalised to: those of sram-14nm-lstp
WHOLE_BYTE = 8  # a chip whose weights have more bits is compared at this width
TERA, FEMTO = 1e12, 1e-15

BY_BOTH, BY_NODE, AS_IT_IS = "node and supply", "node", ""


def energy_factor(node_nm: Amount, supply_v: Amount) -> Amount:
    """Return the energy of an operation over that at the reference node and supply.

    >>> float(energy_factor(28, 0.8)), round(float(energy_factor(14, 0.4)), 2)
    (2.0, 0.25)
    """
    return node_nm / NODE_NM * (supply_v / SUPPLY_V) ** 2


def area_factor(node_nm: Amount) -> Amount:
    """Return an area over that at the reference node.

    >>> float(area_factor(28))
    4.0
    """
    return (node_nm / NODE_NM) ** 2


def node_of(technology: str) -> float:
    """Return a derived technology's node in nm; not a number for any other technology."""
    return float(DERIVED[technology][2].rpartition("-")[2]) if technology in DERIVED else np.nan


def normalised(table: pd.DataFrame) -> pd.DataFrame:
    """Add efficiencies and area efficiencies at the reference node and supply.

    Where no supply is published, energies are normalised by the node alone, and where no node is,
    not at all: column `normalised_by` says which, and the normalised figures are then empty.

    Parameters
    ----------
    table : with node_nm, supply_v, efficiency_gops_per_w and area_efficiency_gops_per_mm2.
    """
    known = table.supply_v.notna()
    by_energy = energy_factor(table.node_nm, table.supply_v.where(known, SUPPLY_V))
    return table.assign(
        normalised_by=np.select(
            [table.node_nm.isna(), known], [AS_IT_IS, BY_BOTH], default=BY_NODE
        ),
        efficiency_normalised_gops_per_w=table.efficiency_gops_per_w * by_energy,
        area_efficiency_normalised_gops_per_mm2=(
            table.area_efficiency_gops_per_mm2 * area_factor(table.node_nm)
        ),
    )


def digital_chips() -> pd.DataFrame:
    """Return fabricated digital in-memory chips, each at the width of its weights, at most 8 bits.

    Columns as `data.accelerators`, with supply_v and arithmetic. Chips that compute in floating
    point are left out.
    """
    chips = data.silicon("digital_in_memory").query("arithmetic != 'floating point'")
    bits = chips.weight_bits.clip(upper=WHOLE_BYTE)
    giga = 1e3 / bits**2  # TOPS of one bit to GOPS
    return pd.DataFrame({
        "accelerator": chips.chip, "bits": bits, "bits_high": bits,
        "throughput_gops": chips.tops_1b * giga,
        "efficiency_gops_per_w": chips.tops_per_w_1b * giga,
        "area_efficiency_gops_per_mm2": chips.tops_per_mm2_1b * giga,
        "technology": "SRAM digital CIM", "node_nm": chips.node_nm, "supply_v": chips.supply_v,
        "arithmetic": chips.arithmetic, "scope": chips.scope, "basis": "measured peak",
        "read": chips["read"],
    }).reset_index(drop=True)  # fmt: skip


def cam_cells() -> pd.DataFrame:
    """Return the surveyed CAM cells at their own node, and normalised by node and supply.

    Columns: design, technology, year, node_nm, supply_v (nominal, with `_low` and `_high`: the
    survey gives none), search_fj (per bit), search_normalised_fj with its range over the supplies
    (`_low`, `_high`), area_um2 and area_normalised_um2. Energies are empty where the survey has
    none.
    """
    supplies = data.silicon("nominal_supplies").set_index("node_nm")
    cells = data.silicon("cam_cells").rename(
        columns={"process_node_nm": "node_nm", "search_energy_fj_per_bit_per_search": "search_fj"}
    )
    names = {"value": "supply_v", "low": "low", "high": "high"}
    at = {end: cells.node_nm.map(supplies[column]) for end, column in names.items()}
    scaled = {
        end: cells.search_fj / energy_factor(cells.node_nm, supply) for end, supply in at.items()
    }
    return cells.assign(
        supply_v=at["value"], supply_v_low=at["low"], supply_v_high=at["high"],
        search_normalised_fj=scaled["value"],
        search_normalised_fj_low=scaled["high"],  # the higher its supply, the less at the reference
        search_normalised_fj_high=scaled["low"],
        area_normalised_um2=cells.area_um2 / area_factor(cells.node_nm),
    )  # fmt: skip
