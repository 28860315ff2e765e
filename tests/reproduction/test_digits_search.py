"""Sensitivities of our own: traces against calculus, choices against the emulator."""

import numpy as np
import pytest
from reproduction.studies import digits_search as trained
from reproduction.studies import hessian

import bfimna as bf
from bfimna.emulator import digits
from bfimna.network.graph import Builder


def test_the_trace_of_a_linear_softmax_is_what_calculus_says():
    b = Builder("softmax", (3, 2, 2))
    b.linear("fc", b.flatten(b.input), 5)
    random = np.random.default_rng(0)
    real = {"fc": (random.standard_normal((5, 12)), np.zeros(5))}
    images, labels = random.standard_normal((40, 3, 2, 2)), random.integers(0, 5, 40)
    logits = hessian.forward(b.network(), real, images)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    # second derivative of the cross-entropy by a weight: p (1 - p) x^2
    exact = ((p * (1 - p)).sum(1) * np.square(images).sum((1, 2, 3))).mean() / 60
    found = hessian.mean_traces(b.network(), real, images, labels, draws=400)
    assert found["fc"] == pytest.approx(exact, rel=0.05)


def test_the_float_network_is_the_trained_one():
    logits = hessian.forward(digits.network(), trained.weights(), trained.inputs())
    assert digits.accuracy(logits) > 0.97  # as trained: 98.9 %


def test_omega_orders_choices_as_the_emulator_does():
    table = trained.predicted_and_measured(
        bf.Chip.limited(), bf.data.load_technology("sram-14nm-lstp"), points=4, drawn=2
    )
    assert set(table.omega_basis) == {"known"}
    assert (table.accuracy_percent[table.omega < 0.02] > 95).all()
    rho = trained.rank_correlation(table).set_index("choices").spearman
    assert rho["all"] > 0.8
