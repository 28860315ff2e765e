"""Ratios of our peaks to every published accelerator's."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bfimna import data
from bfimna.cost.peak import peak
from bfimna.cost.uncertainty import peak_samples
from bfimna.mapping.chip import Chip
from bfimna.names import load_technology
from bfimna.technology.technology import Technology

#: quantity of a published table → our quantity
OURS = {"throughput_gops": "throughput_ops", "efficiency_gops_per_w": "efficiency_ops_per_w"}
GIGA = 1e9


def against_all(technology: Technology) -> pd.DataFrame:
    """Return the ratio of our peaks to every published accelerator's, and its inverse.

    One row per published figure at one width (1 to 16 bits): accelerator, bits, scope
    and basis of the rival's figure, quantity, ours, theirs, ratio (ours over theirs), its 5th and
    95th percentile, and inverse (theirs over ours).
    """
    chip, rows = Chip.limited(), []
    for rival in data.accelerators().query("accelerator != 'BF-IMNA'").itertuples():
        if rival.bits != rival.bits_high:
            continue
        best = peak(int(rival.bits), chip, technology)
        draws = peak_samples(int(rival.bits), chip, technology)
        for theirs, ours in OURS.items():
            value = getattr(rival, theirs)
            if np.isnan(value):
                continue
            ratio = getattr(best, ours) / GIGA / value
            low, high = np.percentile(getattr(draws, ours) / GIGA / value, (5, 95))
            rows.append({
                "accelerator": rival.accelerator, "bits": int(rival.bits), "scope": rival.scope,
                "basis": rival.basis, "technology": technology.name, "quantity": theirs,
                "ours": getattr(best, ours) / GIGA, "theirs": value, "ratio": ratio,
                "ratio_low": low, "ratio_high": high, "inverse": 1 / ratio,
            })  # fmt: skip
    return pd.DataFrame(rows)


def ratios(technologies: Sequence[str]) -> pd.DataFrame:
    """Return `against_all` for each technology."""
    return pd.concat(
        [against_all(load_technology(name)) for name in technologies], ignore_index=True
    )
