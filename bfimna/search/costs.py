"""Costs of a choice as sums of terms of a `CostGraph`: exactly, or bounds from below.

A layer's cost depends on its own bits and on the bits at which its tensor is stored, those of the
widest layer that reads it; a layer without weights has the latter only. Latency and energy add up
over the layers. So each is a sum of terms of one or two nodes, and the simulator itself provides
the terms: no formula is repeated here.

The MAPs couple layers: what one of them leaves, another takes, and the rest moves to and from DRAM.
Then the terms are a lower bound, the better the fewer widths are allowed: exact where each group
has one (`bfimna.search.parts`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol, get_args

import numpy as np

from bfimna.cost.formulas import TRAFFIC, dram_latency
from bfimna.cost.limits import costs
from bfimna.mapping.chip import Chip
from bfimna.mapping.plan import Plan, plan
from bfimna.mapping.schedule import Schedule
from bfimna.network.bits import Bits
from bfimna.search.cost_graph import Choice, CostGraph
from bfimna.search.dram_bounds import DramBounds
from bfimna.search.space import SearchSpace
from bfimna.search.width_pairs import cost_vector, pairs_of_widths
from bfimna.technology.technology import Technology

Quantity = Literal["size_bits", "bops", "latency_s", "energy_j", "edp_js"]
QUANTITIES = get_args(Quantity)

Vectors = Mapping[str, np.ndarray]  # cost vectors by quantity


class Costs(Protocol):
    """Costs of a space's choices, where some widths are allowed: bool, (groups, widths)."""

    def vectors(self, allowed: np.ndarray) -> Vectors:
        """Return cost vectors of which every allowed choice costs as much, or more."""

    def exactly(self, choice: Choice) -> Mapping[str, float]:
        """Return what a choice costs."""

    def spread(self, allowed: np.ndarray) -> np.ndarray:
        """Return by group how much its widths loosen the vectors; all 0 where they are exact."""


@dataclass(frozen=True, eq=False)
class NetworkCosts:
    """Size of the weights (bits) and bit operations.

    >>> from bfimna.network import zoo
    >>> from bfimna.search.sensitivity import hawq_sensitivity
    >>> s = SearchSpace(zoo.resnet18(), hawq_sensitivity(zoo.resnet18()), (4, 8))
    >>> NetworkCosts(s).exactly(s.uniform(-1))["bops"] / 64
    1814073344.0
    """

    space: SearchSpace

    @cached_property
    def of_any_widths(self) -> Vectors:
        """The cost vectors."""
        space, widths = self.space, np.array(self.space.widths, dtype=float)
        weights = np.array([g.weights for g in space.network.matmuls], dtype=float)
        macs = np.array([g.macs for g in space.network.matmuls], dtype=float)
        by_layer = {"size_bits": np.outer(weights, widths), "bops": np.outer(macs, widths**2)}
        return {name: space.graph.vector(space.by_group(cost)) for name, cost in by_layer.items()}

    def vectors(self, allowed: np.ndarray) -> Vectors:
        """Return the vectors, which are exact."""
        return self.of_any_widths

    def exactly(self, choice: Choice) -> Mapping[str, float]:
        """Return what a choice costs."""
        return {name: self.space.graph.cost(v, choice) for name, v in self.of_any_widths.items()}

    def spread(self, allowed: np.ndarray) -> np.ndarray:
        """Return 0 for every group."""
        return np.zeros(len(allowed))


@dataclass(frozen=True, eq=False)
class ApCosts:
    """Latency (s) and energy (J) of an inference on the AP.

    >>> from bfimna import data
    >>> from bfimna.network import zoo
    >>> from bfimna.search.sensitivity import hawq_sensitivity
    >>> s = SearchSpace(zoo.resnet18(), hawq_sensitivity(zoo.resnet18()), (4, 8))
    >>> c = ApCosts(s, Chip.limited(), data.load_technology("sram-14nm-lstp"))
    >>> sorted(c.exactly(s.uniform(-1)))
    ['energy_j', 'latency_s']
    """

    space: SearchSpace
    chip: Chip
    technology: Technology

    @cached_property
    def _plan(self) -> Plan:
        return plan(self.space.network, self.chip)

    @cached_property
    def _schedules(self) -> list[Schedule]:
        """One for each colour, of shape (own width, stored width)."""
        return [self._plan.at(bits) for bits in pairs_of_widths(self.space)]

    @cached_property
    def _bounds(self) -> DramBounds:
        return DramBounds(self.space, self._plan)

    def vectors(self, allowed: np.ndarray) -> Vectors:
        """Return latency and energy as cost vectors: exact, or bounds from below."""
        moved, charged = self._bounds.least(allowed)
        more = (charged - moved) * self.technology.interconnect.dram_j_per_bit
        loose, together = self._bounds.loose_layers(allowed), []
        waiting = dram_latency(charged, self.technology.interconnect)
        longer = dram_latency(charged - moved, self.technology.interconnect)
        latency, energy = [], []
        for schedule in self._schedules:
            schedule = schedule.with_dram(moved)
            times, energies = costs(schedule, self.technology, moved.shape[-1])
            latency.append(times.sum(axis=-1))
            energy.append(energies.sum(axis=-1) + more)
            # together loose layers wait at least for DRAM, whichever of them their links delay
            other = latency[-1] + longer
            computing = latency[-1] - times[..., TRAFFIC]
            other[..., loose] = (computing + waiting)[..., loose]
            together.append(other)
        bounds = [cost_vector(self.space, latency)]
        if not self.chip.overlap and charged is not moved:
            bounds.append(cost_vector(self.space, together))
        ends = [allowed.argmax(axis=1), allowed.shape[1] - 1 - allowed[:, ::-1].argmax(axis=1)]
        entries = self.space.graph.entries(np.array(ends))
        best = max(bounds, key=lambda vector: float(vector[entries].sum()))
        return {"latency_s": best, "energy_j": cost_vector(self.space, energy)}

    def exactly(self, choice: Choice) -> Mapping[str, float]:
        """Return what the simulator says."""
        space = self.space
        widths = [space.widths[choice[space.group_of[k]]] for k in range(len(space.group_of))]
        schedule = self._plan.at(Bits(np.array(widths), np.array(widths), self.space.own_widths))
        times, energies = costs(schedule, self.technology, len(space.network.layers))
        return {"latency_s": float(times.sum()), "energy_j": float(energies.sum())}

    def spread(self, allowed: np.ndarray) -> np.ndarray:
        """Return the bits by which each group's widths change what the MAPs have left."""
        return self._bounds.spread(allowed)


def cost_of(graph: CostGraph, vectors: Vectors, choice: Choice, quantity: Quantity) -> float:
    """Return a quantity of a choice; EDP is the product of latency and energy."""
    return of_quantity({name: graph.cost(v, choice) for name, v in vectors.items()}, quantity)


def of_quantity(values: Mapping[str, float], quantity: Quantity) -> float:
    """Return a quantity from its parts."""
    if quantity == "edp_js":
        return values["latency_s"] * values["energy_j"]
    return values[quantity]
