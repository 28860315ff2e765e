"""Check the paper's claims against our figures, each by a stated rule that may reject it.

Reading order: `designs`, `verdicts` (the rules), `peaks` and `region`, `fluidity`, `budgets` and
`assignments`, `coverage`. `rivals` has the peaks beside all published accelerators. Model document,
section 4.

What the paper probably did, as far as its figures show: a peak of multiply-accumulates without the
reduction of their sums, energies per row and cell instead of an array's, each claim against the
rival that makes it best (ISAAC in throughput, PipeLayer in efficiency), and "eNVM and NVM" for what
is read here as SRAM and ReRAM.
"""

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import pandas as pd

from bfimna import data
from bfimna.cost import caveats
from bfimna.names import load_technology
from reproduction.studies.arguments import checked
from reproduction.studies.claims import budgets, coverage, fluidity, peaks, region
from reproduction.studies.claims.budgets import with_published
from reproduction.studies.claims.designs import FITTED, PAPER, evidence
from reproduction.studies.claims.peaks import Design
from reproduction.studies.claims.verdicts import VERDICTS, Verdict

__all__ = ["FITTED", "VERDICTS", "check", "study", "with_published"]

#: of a ratio that the fit gives back, from the claimed one, which is rounded to whole percent
CONSISTENT = 0.01


@checked
def check(
    technologies: Sequence[str],
    network: str = "resnet18",
    emulated: pd.DataFrame | None = None,
    sensitivity: budgets.Source = None,
) -> pd.DataFrame:
    """Check every claim: one row each; technologies and supplies are evidence within it.

    Parameters
    ----------
    technologies : evidence, except the one fitted to the paper, which decides nothing.
    network : one that HAWQ-V3 published bits for; with own sensitivities, any network or file.
    emulated : see `coverage.compare`.
    sensitivity : sensitivities, or a file of them, that choose the bits within HAWQ-V3's budgets.

    Returns
    -------
    DataFrame with claim, text, the fields of `verdicts.Verdict`, and those of `verdicts.Power`.
    """
    judging = evidence(technologies)
    return _claims(
        {
            "bit-fluidity": fluidity.compare(judging),
            **budgets.compare(judging, network, sensitivity),
            **peaks.compare(peaks.designs(judging)),
            "end-to-end": coverage.compare(judging, emulated),
        }
    )


def _claims(judged: dict[str, Verdict]) -> pd.DataFrame:
    """Return one row a claim, in the order of data/published/claims.csv."""
    rows = []
    for row in data.claims().itertuples():
        fields = asdict(judged[row.claim])
        power = fields.pop("power")
        rows.append({"claim": row.claim, "text": row.text, **fields, **power})
    return pd.DataFrame(rows)


@checked
def study(
    technologies: Sequence[str],
    network: str = "resnet18",
    emulated: pd.DataFrame | None = None,
    sensitivity: budgets.Source = None,
) -> pd.DataFrame:
    """Return the table behind the figure: the claims, and the evidence for the claimed ratios.

    Column `kind` says what a row is:

    - claim : a row of `check`.
    - fit : a claimed ratio that the fitted technology gives back ("consistent") or not.
    - design : a technology at a supply: its ratios with their intervals, its pass, GOPS/mm², and
      whether its peak stays below the limits of area and power density.
    - region : a point of the edge of the region in which both claims hold, for a technology's
      loads, reads and leakage; for none of these where no technology is named.
    - rival : GOPS/mm² of a published accelerator at the claims' width.
    """
    names = list(dict.fromkeys(technologies))
    every = peaks.designs([load_technology(name) for name in names])
    first = evidence(names)[0]
    tables = {
        "claim": check(names, network, emulated, sensitivity),
        "fit": _fit(every),
        "design": pd.DataFrame([_design(design) for design in every]),
        "region": pd.concat([_region("", region.Rest()),
                             _region(first.name, region.taken_apart(first)[1])]),
        "rival": _rivals(),
    }  # fmt: skip
    filled = [table.assign(kind=kind) for kind, table in tables.items() if len(table)]
    joined = pd.concat(filled, ignore_index=True)
    return joined[["kind", *joined.columns.drop("kind")]]


def _fit(every: Sequence[Design]) -> pd.DataFrame:
    """Return whether the fitted technology gives back the ratios that it was fitted to."""
    nominal = load_technology(FITTED).supply_v
    rows = []
    for design in every:
        if design.technology.name == FITTED and design.technology.supply_v == nominal:
            for target, ours in zip(peaks.targets(), design.ratios, strict=True):
                consistent = abs(ours / target.ratio - 1) <= CONSISTENT
                rows.append({
                    "claim": target.claim, "technology": FITTED, "supply_v": nominal,
                    "quantity": f"ratio to {target.rival}", "claimed": target.ratio, "ours": ours,
                    "verdict": "consistent" if consistent else "inconsistent",
                })  # fmt: skip
    return pd.DataFrame(rows)


def _design(design: Design) -> dict[str, object]:
    ends = np.percentile(design.draws, (5, 95), axis=1)
    (low_t, low_e), (high_t, high_e) = ends
    own, _ = region.taken_apart(design.technology)
    return {
        "technology": design.technology.name, "supply_v": design.technology.supply_v,
        "throughput_ratio": design.ratios[0], "throughput_ratio_low": low_t,
        "throughput_ratio_high": high_t, "efficiency_ratio": design.ratios[1],
        "efficiency_ratio_low": low_e, "efficiency_ratio_high": high_e,
        "both_probability": float((design.draws > 1).all(axis=0).mean()),
        "throughput_ratio_built": design.built.throughput_ops / peaks.targets()[0].figure,
        "shortfall": region.shortfall(design), "pass_s": own.seconds, "pass_j": own.joules,
        "area_efficiency_gops_per_mm2": design.gops_per_mm2,
        "feasible": not caveats.peak_warnings(design.peak, PAPER),
    }  # fmt: skip


def _region(technology: str, rest: region.Rest) -> pd.DataFrame:
    seconds, joules = region.edge(rest)
    return pd.DataFrame({"technology": technology, "pass_s": seconds, "pass_j": joules})


def _rivals() -> pd.DataFrame:
    """Return the published accelerators with an area, at the width of the claims."""
    bits = peaks.targets()[0].bits
    every = data.accelerators()
    table = every[(every.bits == bits) & (every.bits_high == bits)]
    per_mm2 = table.area_efficiency_gops_per_mm2.fillna(table.throughput_gops / table.area_mm2)
    rows = table[["accelerator"]].assign(area_efficiency_gops_per_mm2=per_mm2)
    return rows.dropna().drop_duplicates("accelerator").reset_index(drop=True)
