"""Bits under budgets where MAPs couple the layers, against every choice; bounds against all."""

from dataclasses import replace
from functools import lru_cache
from itertools import product

import numpy as np
import pytest

import bfimna as bf
from bfimna.network.bits import Bits
from bfimna.network.graph import Builder
from bfimna.search import Budget, Sensitivity, parts
from bfimna.search.costs import ApCosts, cost_of, of_quantity
from bfimna.search.parts import PartedSearch
from bfimna.search.sensitivity import hawq_sensitivity
from bfimna.search.space import SearchSpace

from ..close import close

SRAM = bf.data.load_technology("sram-14nm-lstp")
#: DRAM slow and dear enough to decide
DEAR = replace(
    SRAM,
    interconnect=replace(
        SRAM.interconnect,
        dram_j_per_bit=50 * SRAM.interconnect.dram_j_per_bit,
        dram_bytes_per_s=SRAM.interconnect.dram_bytes_per_s / 2000,
    ),
)
WIDTHS = (2, 4, 8)


def branching():
    """Two branches of an addition, and layers whose weights differ a hundredfold."""
    b = Builder("branching", (4, 12, 12))
    x = b.relu(b.conv("first", b.input, 12, 3, padding=1))
    y = b.conv("left", x, 16, 1)
    x = b.relu(b.add("sum", y, b.conv("right", x, 16, 3, padding=1)))
    x = b.pool("pool", x, 3, 2)
    x = b.relu(b.conv("wide", x, 24, 3, padding=1))
    b.linear("fc", b.flatten(b.pool("mean", x, 5, 5, kind="avgpool")), 10)
    return b.network()


def chain():
    b = Builder("chain", (8, 8, 8))
    x = b.input
    for k, channels in enumerate((16, 8, 32, 8, 16)):
        x = b.relu(b.conv(f"c{k}", x, channels, 3, padding=1))
    return b.network()


NETWORKS = {"branching": branching(), "chain": chain()}


def space_of(network):
    random = np.random.default_rng(7)
    names = network.matmul_names
    trace = {name: float(random.lognormal()) for name in names}
    error = {name: {bits: 4.0**-bits for bits in WIDTHS} for name in names}
    return SearchSpace(network, Sensitivity(trace, error), WIDTHS)


@lru_cache
def everything(name, rows, maps):
    """Every choice, its Ω, latency and energy, from the simulator alone."""
    network = NETWORKS[name]
    space = space_of(network)
    own = bf.Chip(name="one", clusters=1, caps_per_cluster=1, maps_per_cluster=maps, rows=rows,
                  weights="auto", activations="spilled", clears="own cycle")  # fmt: skip
    choices = np.array(list(product(range(len(WIDTHS)), repeat=len(space.groups))))
    of_group = [space.group_of[k] for k in range(len(network.matmuls))]
    bits = np.array(WIDTHS)[choices[:, of_group]]
    schedule = bf.plan(network, own).at(Bits(bits, bits))
    times, energies = bf.cost.formulas.costs(schedule, DEAR, len(network.layers))
    omega = space.graph.omega[np.arange(len(space.groups)), choices].sum(axis=1)
    moved = schedule.residency
    return space, own, choices, omega, times.sum((-2, -1)), energies.sum((-2, -1)), moved


CASES = [(name, 300, maps) for name in NETWORKS for maps in (0, 1, 2, 3, 4, 8)]


def test_the_cases_stream_and_spill_some_of_all():
    shares = {}
    for case in CASES:
        *_, moved = everything(*case)
        spilled, streamed = moved.spilled.sum(axis=-1) > 0, moved.streamed.sum(axis=-1) > 0
        shares[case] = spilled.mean(), streamed.mean()
    spilled, streamed = np.array(list(shares.values())).T
    assert ((spilled > 0) & (spilled < 1)).sum() >= 3
    assert ((streamed > 0) & (streamed < 1)).sum() >= 2
    assert (spilled == 1).any()
    assert (streamed == 0).any()


@pytest.mark.parametrize("case", CASES)
def test_costs_are_bounds_and_those_of_one_choice_are_exact(case):
    space, own, choices, _, latency, energy, _ = everything(*case)
    costs, random = ApCosts(space, own, DEAR), np.random.default_rng(3)
    for _ in range(12):
        allowed = random.random(space.graph.omega.shape) < random.choice([0.4, 0.8])
        allowed[np.arange(len(allowed)), random.integers(0, len(WIDTHS), len(allowed))] = True
        vectors = costs.vectors(allowed)
        entries = space.graph.entries(choices)
        within = allowed[np.arange(len(allowed)), choices].all(axis=1)
        for name, true in (("latency_s", latency), ("energy_j", energy)):
            least = vectors[name][entries].sum(axis=1)[within]
            assert (least <= true[within] * (1 + 1e-12)).all(), name
        if not costs.spread(allowed).any():
            for name, true in (("latency_s", latency), ("energy_j", energy)):
                exact = vectors[name][entries].sum(axis=1)[within]
                assert exact == close(true[within], rel=1e-12)
    for k in random.integers(0, len(choices), 5):
        allowed = np.zeros_like(allowed)
        allowed[np.arange(len(allowed)), choices[k]] = True
        assert not costs.spread(allowed).any()
        vectors = costs.vectors(allowed)
        for name, true in (("latency_s", latency), ("energy_j", energy)):
            assert cost_of(space.graph, vectors, choices[k], name) == close(true[k], rel=1e-12)
            assert costs.exactly(choices[k])[name] == close(true[k], rel=1e-12)


@pytest.mark.parametrize("quantity", ["latency_s", "energy_j", "edp_js"])
@pytest.mark.parametrize("case", CASES)
def test_the_choice_is_the_best_of_all(case, quantity):
    space, own, _, omega, latency, energy, _ = everything(*case)
    true = {"latency_s": latency, "energy_j": energy}
    true = np.array([
        of_quantity({n: v[k] for n, v in true.items()}, quantity) for k in range(len(omega))
    ])  # fmt: skip
    search = PartedSearch(space, ApCosts(space, own, DEAR), quantity)
    assert search.cost(search.cheapest) == close(true.min(), rel=1e-9)
    for limit in np.quantile(true, [0.02, 0.2, 0.5, 0.8]):
        optimum = search.best_within(float(limit))
        best = omega[true <= limit * (1 + 1e-9)].min()
        assert optimum.bound <= best * (1 + 1e-9)
        assert optimum.omega >= best * (1 - 1e-9)
        assert search.cost(optimum.choice) <= limit * (1 + 2e-9)
        if optimum.bound == optimum.omega:
            assert optimum.omega == close(best, rel=1e-9)
    assert search.best_within(float(true.min()) * 0.99) is None


def test_a_gap_is_stated_where_the_parts_are_too_many(monkeypatch):
    space, own, _, omega, latency, _, _ = everything("branching", 300, 2)
    network, net_omega = NETWORKS["branching"], space.sensitivity
    monkeypatch.setattr(parts, "MOST_PARTS", 1)
    monkeypatch.setattr(parts, "TIGHTER", 0)
    stated = []
    for limit in np.quantile(latency, np.linspace(0.05, 0.95, 19)):
        budget = Budget("latency_s", limit=float(limit))
        bits = bf.search.choose(network, net_omega, budget, own, DEAR, WIDTHS)
        stated += bits.notes
        best = omega[latency <= limit * (1 + 1e-9)].min()
        ours = net_omega.total(dict(zip(bits.layers, bits.weight_bits, strict=True)))
        if not bits.notes:
            assert ours == close(best)
    assert stated
    assert all("Ω is at most" in note for note in stated)


@pytest.mark.parametrize("quantity", ["latency_s", "energy_j", "edp_js"])
def test_a_budget_on_a_chip_as_it_can_be_built(quantity):
    net, lr = bf.zoo.resnet18(), bf.Chip.limited()
    lr = replace(lr, weights="auto", activations="spilled", clears="own cycle")
    omega = hawq_sensitivity(net)
    budget = Budget(quantity, fraction=0.5)
    bits = bf.search.choose(net, omega, budget, lr, SRAM)
    ends = [bf.Precision.by_layer(net, {"conv1": 8, "fc": 8}, default=b) for b in (4, 8)]
    low, high, own = (getattr(bf.simulate(net, p, lr, SRAM), quantity) for p in (*ends, bits))
    assert own <= (low + high) / 2 * (1 + 1e-8)
    assert own > 0.9 * (low + high) / 2
