"""Choosing bits per layer under a budget of the AP's own latency, energy or EDP.

Reading order: `sensitivity` (what a layer's bits cost in accuracy), `space` (what there is to
choose), `costs` (what a choice costs on the AP), `program`, `ilp` and `product` (the integer
program and its proof), `choose`, `hawq` (HAWQ-V3's search run again).
"""

from bfimna.search.choose import Budget, choose, compare, front
from bfimna.search.hawq import reproduce_hawq, reproduced_schemes
from bfimna.search.sensitivity import Sensitivity, hawq_sensitivity

__all__ = [
    "Budget",
    "Sensitivity",
    "choose",
    "compare",
    "front",
    "hawq_sensitivity",
    "reproduce_hawq",
    "reproduced_schemes",
]
