"""The search against SciPy's HiGHS: the same optimum from a mixed-integer linear program."""

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

import bfimna as bf
from bfimna.search.bounds import SLACK, Limit
from bfimna.search.cost_graph import CostGraph
from bfimna.search.costs import ApCosts, NetworkCosts
from bfimna.search.sensitivity import hawq_sensitivity
from bfimna.search.solver import Solver
from bfimna.search.space import SearchSpace

TOLERANCE = 1e-6  # of HiGHS: how far it may exceed a limit


class Rows:
    """Linear constraints, low ≤ Σ coefficient · variable ≤ high."""

    def __init__(self):
        self.entries, self.low, self.high = [], [], []

    def add(self, terms, low, high):
        self.entries += [(len(self.low), column, value) for column, value in terms]
        self.low.append(low)
        self.high.append(high)

    def constraint(self, columns):
        row, column, value = zip(*self.entries, strict=True)
        shape = len(self.low), columns
        return LinearConstraint(coo_array((value, (row, column)), shape), self.low, self.high)


def least_omega(graph, vector, limit):
    """Return the least Ω within a limit on one cost, by HiGHS; None if there is no choice."""
    widths, groups = graph.widths, len(graph.omega)
    size = graph.nodes * widths
    pair = lambda p, a, b: size + (p * widths + a) * widths + b  # noqa: E731
    rows = Rows()
    for node in range(graph.nodes):
        rows.add([(node * widths + w, 1.0) for w in range(widths)], 1.0, 1.0)
    for t, readers in enumerate(graph.tensors):  # at least w wide if and only if a reader is
        for w in range(1, widths):
            own = [((groups + t) * widths + v, 1.0) for v in range(w, widths)]
            theirs = [[(g * widths + v, -1.0) for v in range(w, widths)] for g in readers]
            for reader in theirs:
                rows.add(own + reader, 0.0, np.inf)
            rows.add([*own, *(term for reader in theirs for term in reader)], -np.inf, 0.0)
    for p, (first, second) in enumerate(graph.pairs):  # marginals of a pair are its nodes' widths
        for w in range(widths):
            marginals = (
                [pair(p, w, v) for v in range(widths)],
                [pair(p, v, w) for v in range(widths)],
            )
            for node, columns in zip((first, second), marginals, strict=True):
                own = [(node * widths + w, -1.0)]
                rows.add([(column, 1.0) for column in columns] + own, 0.0, 0.0)
    rows.add(list(enumerate(vector / limit)), 0.0, 1.0)
    upper = np.ones(len(vector))
    upper[: graph.omega.size] = np.isfinite(graph.omega).ravel()
    scale = graph.omega_vector.max()
    result = milp(
        graph.omega_vector / scale,
        integrality=np.arange(len(vector)) < size,
        bounds=Bounds(0.0, upper),
        constraints=rows.constraint(len(vector)),
        options={"mip_rel_gap": 0.0, "time_limit": 60},
    )
    assert result.status in (0, 2), result.message  # optimal, infeasible
    return None if result.x is None else result.fun * scale


def assert_optimal(graph, vector, limit):
    """HiGHS within a slightly smaller limit is no better, within a slightly larger one no worse."""
    choice = Solver(graph, vector[None]).best_within(Limit(vector[None], limit))
    tight, loose = (least_omega(graph, vector, limit * (1 + k * TOLERANCE)) for k in (-2, 2))
    if choice is None:
        assert tight is None
        return
    assert graph.cost(vector, choice) <= limit * (1 + SLACK)
    omega = graph.cost(graph.omega_vector, choice)
    assert loose is not None
    assert loose * (1 - 1e-6) <= omega
    assert tight is None or omega <= tight * (1 + 1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_random_graphs_have_the_optimum_of_highs(seed):
    random = np.random.default_rng(seed)
    groups, widths = int(random.integers(6, 12)), int(random.integers(2, 5))
    tensors = [sorted(random.choice(groups, 3, replace=False).tolist()) for _ in range(3)]
    chain = [(g, g + 1) for g in range(groups - 1)]
    pairs = chain + [(tensor[0], groups + t) for t, tensor in enumerate(tensors)]
    omega = np.sort(random.random((groups, widths)))[:, ::-1].copy()
    omega[0, 0] = np.inf
    graph = CostGraph(omega, tensors, pairs)
    grown = np.arange(1, widths + 1.0)
    single = random.random((graph.nodes, 1)) * grown + random.random((graph.nodes, widths))
    vector = graph.vector(single, random.random((len(pairs), widths, widths)))
    costs = [graph.cost(vector, np.full(groups, w)) for w in (0, widths - 1)]
    for share in (0.1, 0.4, 0.8):
        assert_optimal(graph, vector, costs[0] + share * (costs[1] - costs[0]))
    assert_optimal(graph, vector, 0.2 * min(costs))


@pytest.mark.parametrize("quantity", ["latency_s", "energy_j", "size_bits"])
def test_resnet18_has_the_optimum_of_highs(quantity):
    network = bf.zoo.resnet18()
    space = SearchSpace(network, hawq_sensitivity(network), (3, 4, 8))
    sram = bf.data.load_technology("sram-14nm-lstp")
    of_network = NetworkCosts(space).of_any_widths
    on_ap = ApCosts(space, bf.Chip.paper(), sram).vectors(np.isfinite(space.graph.omega))
    vector = {**of_network, **on_ap}[quantity]
    low, high = (space.graph.cost(vector, space.uniform(end)) for end in (0, -1))
    for share in (0.3, 0.6):
        assert_optimal(space.graph, vector, low + share * (high - low))
