"""Choosing bits per layer under a budget of the AP's own latency, energy or EDP.

Reading order: `sensitivity` (what a layer's bits cost in accuracy), `space` (what there is to
choose), `costs` (what a choice costs on the AP), `program`, `ilp` and `product` (the integer
program and its proof), `choose`, `hawq` (HAWQ-V3's search run again), `dynamic` (bits chosen for
every inference), `hessian` and `trained` (sensitivities of our own, for the digits network),
`study` (what the notebooks draw).
"""

from bfimna.search.choose import Budget, choose, compare, front
from bfimna.search.dynamic import crossbar_reload, summary
from bfimna.search.hawq import reproduce_hawq, reproduced_schemes
from bfimna.search.sensitivity import Sensitivity, hawq_sensitivity
from bfimna.search.study import against_published, moves, play, published_options

__all__ = [
    "Budget",
    "Sensitivity",
    "against_published",
    "choose",
    "compare",
    "crossbar_reload",
    "front",
    "hawq_sensitivity",
    "moves",
    "play",
    "published_options",
    "reproduce_hawq",
    "reproduced_schemes",
    "summary",
]
