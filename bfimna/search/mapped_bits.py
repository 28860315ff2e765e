"""Choose bits where each layer then takes the best of several mappings.

Each layer's cost at a pair of widths is a latency and an energy by every mapping. Of a weighted sum
of both, weights ≥ 0, every layer takes the mapping that is best for itself; so latency, energy and
all such sums are cost vectors. EDP is no such sum, but where it is at most L and energy / latency
lies between a and b, the sum that is 1 at both corners of that piece of the hyperbola is at most 1.
The narrower the range, the nearer the sum's limit is to that of EDP.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import heappop, heappush
from itertools import count

import numpy as np

from bfimna.errors import BfimnaError
from bfimna.mapping.chip import Chip
from bfimna.mapping.mapping import Mapping
from bfimna.search.bounds import CONE_SLACK, SLACK, Cone, Limit, least_product
from bfimna.search.cost_graph import Choice, Elimination
from bfimna.search.hull import corners, sums
from bfimna.search.mapping_costs import mapping_costs
from bfimna.search.solver import Solver
from bfimna.search.space import SearchSpace
from bfimna.search.width_pairs import cost_vector, pairs_of_widths, terms
from bfimna.technology.technology import Technology


@dataclass(frozen=True, eq=False)
class MappedCosts:
    """Latency and energy of each layer by mapping and by pair of widths.

    Attributes
    ----------
    space : the choices of bits.
    seconds, joules : by colour, of shape (mappings, own widths, stored widths, layers); infinite
        where a mapping does not fit.
    """

    space: SearchSpace
    seconds: tuple[np.ndarray, ...]
    joules: tuple[np.ndarray, ...]

    @classmethod
    def priced(
        cls, space: SearchSpace, chip: Chip, technology: Technology, mappings: Sequence[Mapping]
    ) -> "MappedCosts":
        """Price every mapping in every layer at every pair of widths."""
        if chip.weights == "auto" or chip.activations == "spilled":
            raise BfimnaError(
                f"chip {chip.name!r}: what its MAPs do not hold depends on the bits of all layers; "
                "choose bits and mappings for activations='resident' and weights 'resident' or "
                "'streamed', such as Chip.paper()"
            )
        every = [
            mapping_costs(space.network, bits, chip, technology, mappings)
            for bits in pairs_of_widths(space)
        ]
        seconds, joules = [x.seconds for x in every], [x.joules for x in every]
        best = _best_default(seconds, joules, every[0].products)
        for table in (*seconds, *joules):
            others = np.delete(np.arange(table.shape[-1]), every[0].products)
            table[..., others] = table[best][..., others]
        return cls(space, tuple(seconds), tuple(joules))

    def vector(self, of_joules: float, of_seconds: float) -> np.ndarray:
        """Return a weighted sum as a cost vector, each entry by its best mapping."""
        weighted = []
        for seconds, joules in zip(self.seconds, self.joules, strict=True):
            fits = np.isfinite(seconds)
            both = of_joules * np.where(fits, joules, 0) + of_seconds * np.where(fits, seconds, 0)
            weighted.append(np.where(fits, both, np.inf).min(axis=0))
        return cost_vector(self.space, weighted)

    @cached_property
    def _terms(self) -> list[tuple[int, int, int]]:
        return terms(self.space)

    def _at(self, choice: Choice) -> tuple[np.ndarray, np.ndarray]:
        """Joules and seconds of a choice of bits, each of shape (mappings, layers)."""
        widest = [choice[list(groups)].max() for groups in self.space.tensors]
        width = [*choice.tolist(), *map(int, widest)]
        pairs = enumerate(self._terms)
        at = [(table, width[group], width[node], k) for k, (group, node, table) in pairs]
        return tuple(  # type: ignore[return-value]
            np.stack([tables[t][:, own, stored, k] for t, own, stored, k in at], axis=1)
            for tables in (self.joules, self.seconds)
        )

    def edp(self, choice: Choice) -> float:
        """Return the least EDP of a choice of bits, over the mappings of its layers."""
        joules, seconds = self._at(choice)
        choices, _ = corners(seconds, joules)
        return float((sums(seconds, choices) * sums(joules, choices)).min())

    def at_weights(self, choice: Choice, weights: np.ndarray) -> np.ndarray:
        """Joules and seconds of a choice of bits by the mappings of least weighted sum, (2,)."""
        joules, seconds = self._at(choice)
        fits = np.isfinite(seconds)
        both = np.where(fits, [joules, seconds], 0)
        weighted = np.where(fits, np.tensordot(weights, both, 1), np.inf)
        mine = weighted.argmin(axis=0), np.arange(seconds.shape[1])
        return np.array([joules[mine].sum(), seconds[mine].sum()])

    @cached_property
    def ratios(self) -> Cone:
        """A range that holds energy / latency of every choice and mapping."""
        pairs = zip(self.joules, self.seconds, strict=True)
        takes = [(j, s, (s > 0) & np.isfinite(s)) for j, s in pairs]
        each = np.concatenate([j[some] / s[some] for j, s, some in takes])
        return float(each.min()) * (1 - CONE_SLACK), float(each.max()) * (1 + CONE_SLACK)


def _best_default(
    seconds: Sequence[np.ndarray], joules: Sequence[np.ndarray], products: np.ndarray
) -> int:
    """Return the mapping whose adder costs layers without products least, whatever the widths."""
    both = [np.delete(table, products, axis=-1) for table in (*seconds, *joules)]
    for k in range(len(both[0])):
        if all((table[k] <= table).all() for table in both):
            return k
    raise BfimnaError(
        "no adder of the candidates is best in all layers without products: choose bits with "
        "candidates of one adder"
    )


class MappedEdpSearch:
    """Least Ω within limits of EDP, over bits and mappings."""

    def __init__(self, costs: MappedCosts) -> None:
        self.costs, self.graph = costs, costs.space.graph
        self.elimination = Elimination(self.graph)

    @cached_property
    def cheapest(self) -> Choice:
        """The bits of least EDP."""

        def corner(weights: np.ndarray) -> tuple[Choice, np.ndarray]:
            vector = self.costs.vector(*weights.tolist())
            choice = self.elimination.choices(self.elimination.minimise(vector[None]))[0]
            return choice, self.costs.at_weights(choice, weights)

        return least_product(corner)

    def cost(self, choice: Choice) -> float:
        """EDP of a choice of bits."""
        return self.costs.edp(choice)

    def best_within(self, limit: float) -> Choice | None:
        """Return the bits of least Ω whose EDP is within a limit by some mappings; or None.

        Ranges of energy / latency are taken in the order of the least Ω of their sums. The first
        whose bits are within the limit itself is the optimum: all others have at least its Ω.
        """
        number = count()
        heap: list[tuple[float, int, Cone, Choice]] = []

        def add(cone: Cone) -> None:
            choice = self._within_sum(cone, limit)
            if choice is not None:
                omega = self.graph.cost(self.graph.omega_vector, choice)
                heappush(heap, (omega, next(number), cone, choice))

        add(self.costs.ratios)
        while heap:
            _, _, (low, high), choice = heappop(heap)
            if self.costs.edp(choice) <= limit * (1 + SLACK):
                return choice
            middle = float(np.sqrt(low * high))
            add((low, middle))
            add((middle, high))
        return None

    def _within_sum(self, cone: Cone, limit: float) -> Choice | None:
        """Return the bits of least Ω within the sum that is 1 at the corners of a cone."""
        low, high = np.sqrt(cone)
        scale = np.sqrt(limit) * (low + high)
        vector = self.costs.vector(1 / scale, low * high / scale)
        # with `Limit`'s own slack a sum of 1 is within, and the square of the most within EDP's
        limited = Limit(vector[None], 1 - 0.75 * SLACK)
        return Solver(self.graph, vector[None]).best_within(limited)
