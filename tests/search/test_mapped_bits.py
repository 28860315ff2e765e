"""Bits and mappings chosen together, against every combination of both."""

from contextlib import suppress
from functools import cache
from itertools import product

import numpy as np
import pytest

import bfimna as bf
from bfimna.network.graph import Builder
from bfimna.search import Budget, Sensitivity
from bfimna.search.choose import choose, front
from tests.mapping.test_seam import TWO
from tests.search.test_mapping_choice import NARROW, PAPER, SLOWER, SRAM

SMALL = bf.Chip(rows=40, clusters=2, caps_per_cluster=3, weights="resident", activations="resident")
QUANTITIES = ("edp_js", "energy_j", "latency_s")
CANDIDATES = [PAPER, TWO, SLOWER, NARROW]


def network():
    """Three products; two of them read one tensor."""
    b = Builder("three", (3, 6, 6))
    x = b.relu(b.conv("one", b.input, 4, 3, padding=1))
    b.relu(b.add("sum", b.conv("left", x, 4, 3, padding=1), b.conv("right", x, 4, 1)))
    return b.network()


def sensitivity(net, seed=0):
    rng = np.random.default_rng(seed)
    rows = {name: dict(zip((2, 4, 8), sorted(rng.uniform(0, 9, 3))[::-1], strict=True))
            for name in net.matmul_names}  # fmt: skip
    return Sensitivity(dict.fromkeys(rows, 1.0), rows)


@cache
def combinations():
    """The least of each quantity over all mappings, for all bits."""
    net, every = network(), []
    for one, two in product((2, 4, 8), repeat=2):
        bits = {"one": one, "left": two, "right": two}
        reports = []
        for chosen in product(CANDIDATES, repeat=3):
            mixed = bf.Mapping.by_layer(PAPER, dict(zip(net.matmul_names, chosen, strict=True)))
            with suppress(bf.BfimnaError):
                reports.append(bf.simulate(net, bits, SMALL, SRAM, mapping=mixed))
        least = {what: min(getattr(r, what) for r in reports) for what in QUANTITIES}
        every.append((bits, least))
    return every


@pytest.mark.parametrize("quantity", QUANTITIES)
@pytest.mark.parametrize("seed", [0, 1])
def test_no_bits_and_mappings_within_the_budget_have_less(quantity, seed):
    net, chip = network(), SMALL
    omega = sensitivity(net, seed)
    every = [(omega.total(bits), least[quantity]) for bits, least in combinations()]
    for limit in [*(value for _, value in every), 1e3]:
        budget = Budget(quantity, limit=limit)
        chosen = choose(net, omega, budget, chip, SRAM, (2, 4, 8), mapping=CANDIDATES)
        least = min(total for total, value in every if value <= limit * (1 + 1e-9))
        bits = dict(zip(chosen.layers, chosen.weight_bits, strict=True))
        assert omega.total(bits) == pytest.approx(least)
        best = bf.search.mapping(net, chosen, chip, SRAM, quantity, CANDIDATES)
        assert best.best <= limit * (1 + 1e-8)
    smallest = min(value for _, value in every)
    with pytest.raises(bf.BfimnaError, match="smallest feasible budget is") as refused:
        choose(
            net,
            omega,
            Budget(quantity, limit=smallest / 2),
            chip,
            SRAM,
            (2, 4, 8),
            mapping=CANDIDATES,
        )
    assert float(str(refused.value).split()[-1]) == pytest.approx(smallest, rel=1e-5)


def test_a_choice_of_mappings_leaves_room_for_bits():
    net, chip = network(), SMALL
    omega, budget = sensitivity(net), Budget("edp_js", fraction=0.5)
    paper = choose(net, omega, budget, chip, SRAM, (2, 4, 8))
    assert choose(net, omega, budget, chip, SRAM, (2, 4, 8), mapping=[PAPER]) == paper
    assert choose(net, omega, budget, chip, SRAM, (2, 4, 8), mapping="paper") == paper
    limit = Budget("edp_js", limit=bf.simulate(net, paper, chip, SRAM).edp_js)
    more = choose(net, omega, limit, chip, SRAM, (2, 4, 8), mapping=CANDIDATES)

    def total(precision):
        return omega.total(dict(zip(precision.layers, precision.weight_bits, strict=True)))

    assert total(more) <= total(paper)


def test_a_front_of_both_is_below_that_of_one_mapping():
    net, chip = network(), SMALL
    omega = sensitivity(net)
    points = front(net, omega, chip, SRAM, (2, 4, 8), 6, mapping=CANDIDATES)
    assert len(points) > 1
    edps = [bf.search.mapping(net, p, chip, SRAM, candidates=CANDIDATES).best for p in points]
    assert edps == sorted(edps)


def test_an_unknown_mapping_is_refused():
    net = network()
    with pytest.raises(bf.BfimnaError, match="unknown mapping 'papr'"):
        choose(net, sensitivity(net), Budget("bops", fraction=1), SMALL, SRAM, mapping="papr")
    with pytest.raises(bf.BfimnaError, match="candidates must be a list"):
        choose(net, sensitivity(net), Budget("bops", fraction=1), SMALL, SRAM, mapping=3)
    with pytest.raises(bf.BfimnaError, match="what its MAPs do not hold"):
        choose(net, sensitivity(net), Budget("bops", fraction=1), "LR", SRAM, mapping="best")
