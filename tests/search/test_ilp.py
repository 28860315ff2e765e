"""The integer program against enumeration of every choice."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bfimna.search.ilp import minimise
from bfimna.search.product import minimise_within, ratios, smallest_product
from bfimna.search.product import product as product_of
from bfimna.search.program import Program

GROUPS, WIDTHS = 4, 3
TENSORS, PAIRS = ((1, 2), (2, 3)), ((0, 4), (1, 5), (2, 3))


def problem(seed):
    """Return Ω that falls and two costs that need not rise with width, with terms of every kind."""
    random = np.random.default_rng(seed)
    omega = np.sort(random.random((GROUPS, WIDTHS)))[:, ::-1].copy()
    omega[3, 0] = np.inf
    program = Program(omega, TENSORS, PAIRS)
    costs = [
        program.vector(
            random.random((GROUPS + 2, WIDTHS)) + 0.1, random.random((3, WIDTHS, WIDTHS))
        )
        for _ in range(2)
    ]
    allowed = [c for c in product(range(WIDTHS), repeat=GROUPS) if c[3] != 0]
    return program, costs, allowed


def cost_by_hand(program, vector, choice):
    single = vector[: 6 * WIDTHS].reshape(6, WIDTHS)
    double = vector[6 * WIDTHS :].reshape(3, WIDTHS, WIDTHS)
    at = [*choice, max(choice[1], choice[2]), max(choice[2], choice[3])]
    return sum(single[n, k] for n, k in enumerate(at)) + sum(
        double[p, at[a], at[b]] for p, (a, b) in enumerate(PAIRS)
    )


@given(st.integers(0, 10**6))
@settings(max_examples=20, deadline=None)
def test_expand_evaluates_terms_of_one_and_two_nodes_and_of_the_widest(seed):
    program, (cost, _), allowed = problem(seed)
    choice = allowed[seed % len(allowed)]
    assert cost @ program.expand(np.array(choice)) == pytest.approx(
        cost_by_hand(program, cost, choice)
    )


@given(st.integers(0, 10**6), st.floats(0, 1))
@settings(max_examples=20, deadline=None)
def test_minimise_finds_what_enumeration_finds(seed, fraction):
    program, (cost, _), allowed = problem(seed)
    costs = np.array([cost_by_hand(program, cost, c) for c in allowed])
    limit = float(np.quantile(costs, fraction))
    omegas = np.array([program.omega[range(GROUPS), list(c)].sum() for c in allowed])
    found = minimise(program, program.omega_vector, [(cost, limit)])
    best = omegas[costs <= limit * (1 + 1e-9)].min()
    assert program.omega[range(GROUPS), found].sum() == pytest.approx(best, abs=1e-12)
    assert minimise(program, program.omega_vector, [(cost, 0.99 * costs.min())]) is None


@given(st.integers(0, 10**6), st.floats(0, 1))
@settings(max_examples=20, deadline=None)
def test_a_product_is_bounded_exactly(seed, fraction):
    program, (one, other), allowed = problem(seed)
    products = np.array([product_of(program, np.array(c), one, other) for c in allowed])
    smallest = smallest_product(program, one, other)
    assert product_of(program, smallest, one, other) == pytest.approx(products.min(), rel=1e-12)
    limit = float(np.quantile(products, fraction))
    omegas = np.array([program.omega[range(GROUPS), list(c)].sum() for c in allowed])
    cone = ratios(program, one, other)
    found = minimise_within(program, program.omega_vector, one, other, limit, cone)
    best = omegas[products <= limit * (1 + 1e-9)].min()
    assert program.omega[range(GROUPS), found].sum() == pytest.approx(best, abs=1e-12)
    beyond = 0.99 * products.min()
    assert minimise_within(program, program.omega_vector, one, other, beyond, cone) is None
