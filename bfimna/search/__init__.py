"""Choosing bits per layer under a budget of the AP's own latency, energy or EDP.

Reading order: `sensitivity` and `sensitivity_file` (what a layer's bits cost in accuracy), `space`
(what there is to choose), `costs` (what a choice costs on the AP), `program`, `elimination`,
`limits`, `bound`, `labels`, `solve` (the optimum and its proof), `choose`, `hawq` (HAWQ-V3's search
run again), `dynamic` (bits chosen for every inference), `hessian` (sensitivities of our own),
`chips` (chips chosen instead of bits).
"""

from importlib import import_module

from bfimna.search.chips import chips
from bfimna.search.choose import Budget, choose, compare, front
from bfimna.search.dynamic import crossbar_reload, summary
from bfimna.search.hawq import reproduce_hawq, reproduced_schemes
from bfimna.search.sensitivity import Sensitivity, hawq_sensitivity
from bfimna.search.sensitivity_file import read_sensitivity

__all__ = [
    "Budget",
    "Sensitivity",
    "against_published",
    "chips",
    "choose",
    "compare",
    "crossbar_reload",
    "front",
    "hawq_sensitivity",
    "moves",
    "options",
    "play",
    "published_options",
    "read_sensitivity",
    "reproduce_hawq",
    "reproduced_schemes",
    "summary",
]

#: names that stood here before the tables behind the figures had a package of their own
_OF_STUDIES = ("against_published", "moves", "options", "play", "published_options")


def __getattr__(name: str) -> object:
    """Find the studies of the search here too, loaded when they are first used."""
    if name in _OF_STUDIES:
        return getattr(import_module("reproduction.studies.bit_search"), name)
    raise AttributeError(f"module 'bfimna.search' has no attribute {name!r}")
