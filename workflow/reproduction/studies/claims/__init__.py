"""Check the paper's claims against our figures, each by a stated rule that may reject it.

Reading order: `verdicts` (the rules), `fluidity`, `budgets`, `rivals`, `coverage`. Model document,
section 4.
"""

from collections.abc import Sequence

import pandas as pd

from bfimna.names import load_technology
from reproduction.studies.arguments import checked
from reproduction.studies.claims import budgets, coverage, fluidity, rivals
from reproduction.studies.claims.budgets import with_published
from reproduction.studies.claims.verdicts import VERDICTS, Verdict

__all__ = ["TEXTS", "VERDICTS", "check", "with_published"]

TEXTS = {
    "bit-fluidity": "mixed precision, static and dynamic, without reconfiguration at run time",
    "hawq-high": "a high latency budget has a higher EDP than INT4",
    "hawq-low": "a low latency budget is closest to INT4 in EDP",
    "throughput": "2 % higher throughput than the state of the art at 16 bits",
    "efficiency": "20 % higher energy efficiency than the state of the art at 16 bits",
    "both": "throughput and efficiency together, on one technology",
    "end-to-end": "AlexNet, VGG16, ResNet50 by technology, precision and voltage",
}


@checked
def check(
    technologies: Sequence[str],
    network: str = "resnet18",
    emulated: pd.DataFrame | None = None,
    sensitivity: budgets.Source = None,
) -> pd.DataFrame:
    """Check every claim for every technology: one row for each pair.

    Parameters
    ----------
    network : one that HAWQ-V3 published bits for; with own sensitivities, any network or file.
    emulated : see `coverage.compare`.
    sensitivity : sensitivities, or a file of them, that choose the bits within HAWQ-V3's budgets.

    Returns
    -------
    DataFrame with claim, text, technology, quantity, claimed, ours, its 5th and 95th percentile
    (low, high), probability (share of the draws in which the claim's direction or order holds),
    verdict and reason.
    """
    rows = []
    for name in technologies:
        tech = load_technology(name)
        rows.append(
            _row("bit-fluidity", name, "share of right outputs", 1, *fluidity.compare(tech))
        )
        for claim, judged in budgets.compare(tech, network, sensitivity).items():
            rows.append(_row(claim, name, "EDP over INT4's", None, *judged))
        for c in rivals.compare(tech):
            rows.append(_row(c.claim, name, c.quantity, c.claimed, c.judged, c.reason))
        judged = coverage.compare(tech, emulated)
        rows.append(_row("end-to-end", name, "share simulated", 1, *judged))
    table = pd.DataFrame(rows)
    order = {claim: n for n, claim in enumerate(TEXTS)}
    return table.sort_values("claim", key=lambda c: c.map(order), kind="stable", ignore_index=True)


def _row(
    claim: str, technology: str, quantity: str, claimed: float | None, judged: Verdict, reason: str
) -> dict[str, object]:
    return {
        "claim": claim, "text": TEXTS[claim], "technology": technology, "quantity": quantity,
        "claimed": claimed, "ours": judged.ours, "low": judged.low, "high": judged.high,
        "probability": judged.probability, "verdict": judged.verdict, "reason": reason,
    }  # fmt: skip
