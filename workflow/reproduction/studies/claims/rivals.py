"""Peaks beside published accelerators: the claimed ratios at 16 bits, and all others."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bfimna import data
from bfimna.cost.peak import peak
from bfimna.cost.uncertainty import peak_samples
from bfimna.mapping.chip import Chip
from bfimna.names import load_technology
from bfimna.technology.technology import Technology
from reproduction.studies.claims import verdicts
from reproduction.studies.claims.verdicts import Verdict

#: quantity of a published table → our quantity
OURS = {"throughput_gops": "throughput_ops", "efficiency_gops_per_w": "efficiency_ops_per_w"}
GIGA = 1e9


@dataclass(frozen=True)
class Compared:
    """A claimed ratio, judged for one technology.

    Attributes
    ----------
    claim : its name in data/published/claims.csv.
    quantity : the ratio's name.
    claimed : the ratio; None for both claims together.
    judged : our ratio and its verdict.
    reason : the figures behind it.
    draws : samples of our ratio; for both claims together, 1 where both rivals are beaten.
    """

    claim: str
    quantity: str
    claimed: float | None
    judged: Verdict
    reason: str
    draws: np.ndarray


def compare(technology: Technology) -> list[Compared]:
    """Judge the claimed ratios on LR; the last entry is both at once, on one technology."""
    chip, claims = Chip.limited(), []
    for row in data.claims().itertuples():
        best = peak(row.bits, chip, technology)
        name = OURS[row.quantity]
        published = data.accelerators().set_index(["accelerator", "bits"])
        rival = published.loc[(row.rival, row.bits), row.quantity] * GIGA
        draws = getattr(peak_samples(row.bits, chip, technology), name) / rival
        judged = verdicts.ratio(row.ratio, getattr(best, name) / rival, draws)
        reason = (
            f"{getattr(best, name) / GIGA:.4g} against {rival / GIGA:.4g} "
            f"{'GOPS' if name == 'throughput_ops' else 'GOPS/W'}; above it in "
            f"{100 * judged.probability:.0f} % of the draws"
        )
        quantity = f"ratio to {row.rival}"
        claims.append(Compared(row.claim, quantity, row.ratio, judged, reason, draws))
    first, second = claims
    beaten = np.all([c.draws > 1 for c in claims], axis=0).astype(float)
    together = float(beaten.mean())
    judged = verdicts.both(first.judged, second.judged, together)
    reason = (
        f"{first.claim}: {first.judged.verdict}, {second.claim}: {second.judged.verdict}; both "
        f"rivals beaten in {100 * together:.0f} % of the draws"
    )
    return [*claims, Compared("both", "draws above both rivals", None, judged, reason, beaten)]


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
