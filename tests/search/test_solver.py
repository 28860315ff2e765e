"""The search against enumeration of every choice, in exact arithmetic."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bfimna as bf
from bfimna.search import pareto
from bfimna.search.bounds import SLACK, Limit, ratio_range
from bfimna.search.cost_graph import CostGraph, Elimination
from bfimna.search.sensitivity import Sensitivity
from bfimna.search.solver import Solver
from bfimna.search.space import SearchSpace

WIDTHS = 3
#: tensors and pairs of nodes, by the number of groups: chains, nested tensors, a loop, one of four
SHAPES = [
    (4, ((1, 2), (2, 3)), ((0, 4), (1, 5), (2, 3))),
    (5, ((1, 2, 3, 4), (2, 3, 4), (3, 4)), ((0, 5), (1, 6), (2, 7), (0, 1), (2, 3))),
    (4, ((0, 1, 2, 3),), ((0, 1), (1, 2), (2, 3), (0, 3))),
    (3, (), ()),
    (5, ((0, 2, 4), (1, 3, 4)), ((0, 5), (3, 6), (5, 6))),
]
seeds, shapes = st.integers(0, 10**6), st.sampled_from(SHAPES)


def problem(seed, shape, forbidden=None):
    """Return Ω that falls with width, and two costs with terms of every kind; all choices."""
    groups, tensors, pairs = shape
    random = np.random.default_rng(seed)
    omega = np.sort(random.random((groups, WIDTHS)))[:, ::-1] * 10.0 ** random.integers(-3, 3)
    if forbidden:
        omega[random.random(omega.shape) < 0.3] = forbidden
    omega[-1, 0] = np.inf
    graph = CostGraph(omega, tensors, pairs)
    drawn = [
        (random.random((graph.nodes, WIDTHS)) + 0.1, random.random((len(pairs), WIDTHS, WIDTHS)))
        for _ in range(2)
    ]
    costs = np.stack([graph.vector(*terms) for terms in drawn])
    return graph, costs, [c for c in product(range(WIDTHS), repeat=groups) if c[-1] != 0]


def by_hand(graph, vector, choice):
    """Cost of a choice as a fraction, term by term."""
    at = [*choice, *(max(choice[g] for g in groups) for groups in graph.tensors)]
    single, double = np.split(vector, [graph.nodes * WIDTHS])
    double = double.reshape(-1, WIDTHS, WIDTHS)
    terms = [single[n * WIDTHS + k] for n, k in enumerate(at)]
    terms += [double[p, at[a], at[b]] for p, (a, b) in enumerate(graph.pairs)]
    return sum(map(Fraction, map(float, terms)))


def omega_of(graph, choice):
    return sum(Fraction(float(graph.omega[g, k])) for g, k in enumerate(choice))


def least(graph, choices, costs, limit):
    """Return the least Ω of the choices within a limit, or None."""
    within = [omega_of(graph, c) for c, cost in zip(choices, costs, strict=True) if cost <= limit]
    return min(within, default=None)


@given(seeds, shapes)
@settings(max_examples=30, deadline=None)
def test_least_costs_are_those_of_enumeration(seed, shape):
    graph, costs, choices = problem(seed, shape)
    elimination = Elimination(graph)
    minimum = elimination.minimise(costs)
    for vector, found, choice in zip(
        costs, minimum.cost, elimination.choices(minimum), strict=True
    ):
        every = [by_hand(graph, vector, c) for c in choices]
        assert found == pytest.approx(float(min(every)), rel=1e-12)
        assert graph.cost(vector, choice) == pytest.approx(found, rel=1e-12)
        assert float(by_hand(graph, vector, choice)) == pytest.approx(found, rel=1e-12)


@given(st.lists(st.tuples(*(st.integers(0, k) for k in (1, 5, 5, 5))), min_size=1, max_size=60))
@settings(max_examples=60, deadline=None)
def test_only_parts_that_another_one_beats_are_dropped(rows):
    rows = np.array(sorted(rows))
    kept = pareto._staircase(rows[:, 0], rows[:, 1:].astype(float), pareto.ROUNDING)
    for k, row in enumerate(rows):
        same = rows[:, 0] == row[0]
        beats = same & (rows[:, 1:] <= row[1:]).all(axis=1)
        beats[k:] = False  # of equals the first is kept, and none that follows can beat it
        assert kept[k] == (not beats.any())


@given(seeds, shapes, st.floats(0, 1))
@settings(max_examples=40, deadline=None)
def test_no_choice_lies_below_a_bound(seed, shape, fraction):
    graph, costs, choices = problem(seed, shape)
    every = [by_hand(graph, costs[0], c) * by_hand(graph, costs[1], c) for c in choices]
    limit = sorted(every)[int(fraction * (len(every) - 1))]
    solver = Solver(graph, costs)
    low, high = ratio_range(solver.elimination, *costs)
    best = float(least(graph, choices, every, limit))
    for wide in (1.0, 4.0, 100.0):
        corners = Limit(costs, float(limit)).corners((low / wide, high * wide))
        assert solver.pool.bound(corners, best).omega <= best * (1 + 1e-9)


@given(seeds, shapes, st.lists(st.tuples(*(st.floats(0.3, 3),) * 2), min_size=1, max_size=3))
@settings(max_examples=40, deadline=None)
def test_a_bound_is_that_of_its_prices_at_the_dearest_corner(seed, shape, shares):
    """By enumeration; also where one corner lies within another, so that the corners differ."""
    graph, costs, choices = problem(seed, shape)
    points = [[float(by_hand(graph, cost, c)) for cost in costs] for c in choices]
    omegas = [float(omega_of(graph, c)) for c in choices]
    corners = np.array(shares) * np.median(points, axis=0)
    found = Solver(graph, costs).pool.bound(corners, float(np.median(omegas)))
    least_priced = min(np.array(omegas) + np.array(points) @ found.prices)
    dearest = max(float(corner @ found.prices) for corner in corners)
    size = least_priced + dearest
    assert found.omega == pytest.approx(least_priced - dearest, abs=1e-9 * size)
    assert (found.prices >= 0).all()


@given(seeds, shapes, st.floats(0, 1), st.sampled_from([None, 1e4, 1e8, 1e12]))
@settings(max_examples=60, deadline=None)
def test_a_limit_on_one_cost_gives_what_enumeration_gives(seed, shape, fraction, forbidden):
    graph, costs, choices = problem(seed, shape, forbidden)
    every = [by_hand(graph, costs[0], c) for c in choices]
    limit = sorted(every)[int(fraction * (len(every) - 1))]
    solver = Solver(graph, costs[:1])
    found = solver.best_within(Limit(costs[:1], float(limit)))
    assert by_hand(graph, costs[0], found) <= limit * (1 + 2 * Fraction(SLACK))
    assert float(omega_of(graph, found)) == pytest.approx(
        float(least(graph, choices, every, limit)), rel=1e-11
    )
    assert solver.best_within(Limit(costs[:1], 0.99 * float(min(every)))) is None


@given(seeds, shapes, st.floats(0, 1), st.sampled_from([None, 1e4, 1e8, 1e12]))
@settings(max_examples=60, deadline=None)
def test_a_limit_on_a_product_gives_what_enumeration_gives(seed, shape, fraction, forbidden):
    graph, costs, choices = problem(seed, shape, forbidden)
    every = [by_hand(graph, costs[0], c) * by_hand(graph, costs[1], c) for c in choices]
    limit = sorted(every)[int(fraction * (len(every) - 1))]
    solver = Solver(graph, costs)
    cone = ratio_range(solver.elimination, *costs)
    found = solver.best_within(Limit(costs, float(limit), cone))
    product_found = by_hand(graph, costs[0], found) * by_hand(graph, costs[1], found)
    assert product_found <= limit * (1 + 2 * Fraction(SLACK))
    assert float(omega_of(graph, found)) == pytest.approx(
        float(least(graph, choices, every, limit)), rel=1e-11
    )
    assert solver.best_within(Limit(costs, 0.99 * float(min(every)), cone)) is None


def chain(layers):
    b = bf.network.graph.Builder("chain", (3, 16, 16))
    x = b.input
    for k in range(layers):
        x = b.relu(b.conv(f"conv{k}", x, 8 + 4 * k, 3, padding=1))
    return b.network()


@pytest.mark.parametrize("quantity", ["latency_s", "edp_js"])
@pytest.mark.parametrize("forbidding", [1e8, 1e10, 1e14])
def test_a_forbidden_width_does_not_blur_the_others(quantity, forbidding):
    """Sensitivities that forbid a width set the solver's scale once: it proved 22 × the optimum."""
    network, widths = chain(5), (2, 4, 8)
    trace = dict.fromkeys(network.matmul_names, 1.0)
    error = {
        name: {2: 0.01 - 1e-3 * k, 4: 4e-4 + 3e-4 * k, 8: 1e-5 * (k + 1)}
        for k, name in enumerate(network.matmul_names)
    }
    error["conv1"][2] = error["conv3"][2] = forbidding
    omega = Sensitivity(trace, error)
    every = [
        bf.Precision.by_layer(network, dict(zip(network.matmul_names, bits, strict=True)))
        for bits in product(widths, repeat=5)
    ]
    sram = bf.data.load_technology("sram-14nm-lstp")
    table = bf.search.compare(network, omega, every, bf.Chip.limited(), sram)
    for share in (0.2, 0.4, 0.6):
        limit = float(np.quantile(table[quantity], share))
        budget = bf.search.Budget(quantity, limit=limit)
        found = bf.search.choose(network, omega, budget, bf.Chip.limited(), sram, widths)
        best = table[table[quantity] <= limit].omega.min()
        total = omega.total(dict(zip(found.layers, found.weight_bits, strict=True)))
        assert total == pytest.approx(best, rel=1e-9)


def test_what_cannot_be_proven_says_so(monkeypatch):
    monkeypatch.setattr(pareto, "MAX_PARTIAL", 1)
    graph, costs, choices = problem(3, SHAPES[1])
    every = sorted(by_hand(graph, costs[0], c) for c in choices)
    solver = Solver(graph, costs[:1])
    says = r"is not proven: the best choice found has .* none has less than"
    limits = [Limit(costs[:1], float(limit)) for limit in every[::3]]
    with pytest.raises(bf.BfimnaError, match=says):
        [solver.best_within(limit) for limit in limits]


def test_a_network_tied_too_closely_is_refused():
    everyone = [tuple(g for g in range(12) if g != k) for k in range(12)]
    with pytest.raises(bf.BfimnaError, match="allow fewer widths"):
        Solver(CostGraph(np.ones((12, 7)), everyone), np.ones((1, 24 * 7)))


@pytest.mark.parametrize("cost", [-1.0, np.nan, np.inf, 1e101])
def test_costs_out_of_range_are_refused(cost):
    with pytest.raises(bf.BfimnaError, match=r"from 0 to 1e\+100"):
        Solver(CostGraph(np.ones((2, 2))), np.full((1, 4), cost))


def test_omega_over_all_orders_of_magnitude_is_no_fault():
    """The least choice found may be further below another than a float can say how many times."""
    omega = np.array([[1e-300, 1e100, 1.0], [1.0, 1e-300, 1e100], [1e100, 1e-10, 1e-300]])
    graph, costs = CostGraph(omega), np.arange(9.0)[None, ::-1]
    solver = Solver(graph, costs)
    assert solver.pool.bound(np.array([[9.0]]), 1e-300).omega >= 0.0
    choices = np.array(list(product(range(3), repeat=3)))
    for limit in range(3, 22):
        allowed = [c for c in choices if by_hand(graph, costs[0], c) <= limit]
        found = solver.best_within(Limit(costs, float(limit)))
        best = min((omega_of(graph, c) for c in allowed), default=None)
        assert (found is None) == (best is None)
        assert best is None or omega_of(graph, found) == best


@pytest.mark.parametrize("sensitive", [0, 1, 3])
def test_traces_of_zero_leave_a_choice_of_zero_or_the_rest(sensitive):
    """Layers of no sensitivity: all of them (every choice is the best), or all but some."""
    graph, costs, choices = problem(5, SHAPES[0])
    graph.omega[:] = np.where(np.isinf(graph.omega), np.inf, 0.0)
    graph.omega[:sensitive] = [3.0, 2.0, 1.0]
    every = [by_hand(graph, costs[0], c) * by_hand(graph, costs[1], c) for c in choices]
    solver = Solver(graph, costs)
    cone = ratio_range(solver.elimination, *costs)
    for limit in sorted(every)[:: len(every) // 5]:
        choice = solver.best_within(Limit(costs, float(limit), cone))
        assert omega_of(graph, choice) == least(graph, choices, every, limit)
    for limit in (0.5 * float(min(every)), 0.0):
        assert solver.best_within(Limit(costs, limit, cone)) is None


@pytest.mark.parametrize("quantity", ["size_bits", "bops", "latency_s", "energy_j", "edp_js"])
def test_a_network_without_sensitivity_is_searched_under_every_budget(quantity):
    network, sram = chain(4), bf.data.load_technology("sram-14nm-lstp")
    flat = Sensitivity(
        dict.fromkeys(network.matmul_names, 0.0), {name: {4: 1.0} for name in network.matmul_names}
    )
    budget = bf.search.Budget(quantity, fraction=0.5)
    chosen = bf.search.choose(network, flat, budget, bf.Chip.limited(), sram)
    assert flat.total(dict(zip(chosen.layers, chosen.weight_bits, strict=True))) == 0
    points = bf.search.front(network, flat, bf.Chip.limited(), sram, points=3)
    assert len(points) == 1


def test_resnets_are_tied_loosely():
    for name in bf.zoo.CNNS:  # the search refuses products of two activations
        network = bf.zoo.load(name)
        trace = dict.fromkeys(network.matmul_names, 1.0)
        omega = Sensitivity(trace, {name: {4: 1.0} for name in trace})
        contexts = Elimination(SearchSpace(network, omega, (2, 8)).graph).contexts
        assert max(map(len, contexts.values())) <= 2
