"""Choose bits or mappings per layer, or a chip, under budgets on the AP's latency, energy or EDP.

Reading order: `sensitivity` (what a layer's bits cost in accuracy), `space` (the choices), `costs`
(latency and energy of a choice on the AP), `cost_graph`, `bounds`, `pareto`, `solver` (the optimum
and its proof), `choose` (the public search for bits), `hawq` (HAWQ-V3's search reproduced),
`chip_search` (chips instead of bits), `best_chip`, `hull`, `mapping_costs`, `mapping_choice` (each
layer's mapping), `lower_bounds` (what any mapping must pay).
"""

from bfimna.errors import renamed
from bfimna.search.best_chip import best_chip
from bfimna.search.chip_search import search_chips
from bfimna.search.choose import Budget, choose, compare, front
from bfimna.search.hawq import reproduce_hawq, reproduced_schemes
from bfimna.search.lower_bounds import LowerBounds, lower_bounds
from bfimna.search.mapping_choice import MappingChoice, mapping
from bfimna.search.sensitivity import Sensitivity, hawq_sensitivity, read_sensitivity

__all__ = [
    "Budget",
    "LowerBounds",
    "MappingChoice",
    "Sensitivity",
    "best_chip",
    "choose",
    "compare",
    "front",
    "hawq_sensitivity",
    "lower_bounds",
    "mapping",
    "read_sensitivity",
    "reproduce_hawq",
    "reproduced_schemes",
    "search_chips",
]


def __getattr__(name: str) -> object:
    return renamed(__name__, name)
