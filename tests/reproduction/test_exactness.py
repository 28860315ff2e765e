"""Comparing a run with oracle and model: one wrong weight, output or count is detected."""

from dataclasses import replace

import numpy as np
import pytest
from reproduction.studies import exactness, realistic

from bfimna import Chip, Precision
from bfimna.emulator import digits
from bfimna.emulator.infer import infer

NETWORK = digits.network()
BITS = Precision.fixed(NETWORK, 4)


@pytest.fixture(scope="module")
def run():
    own, x = realistic.parameters(NETWORK, BITS), realistic.images(NETWORK, BITS, 2)
    return own, x, *infer(NETWORK, own, x, BITS, keep=True)


def test_an_exact_run_has_no_differences(run):
    own, x, logits, report = run
    assert exactness.wrong_tensors(NETWORK, own, x, BITS, logits, report, Chip.limited()) == []
    assert exactness.wrong_counts(NETWORK, BITS, report, Chip.limited(), 2) == []


def test_one_weight_makes_its_layer_wrong(run):
    own, x, logits, report = run
    name = NETWORK.gemm_names[0]
    weights = own[name].weights.copy()
    weights.flat[np.abs(weights).argmin()] += 1
    other = {**own, name: replace(own[name], weights=weights)}
    wrong = exactness.wrong_tensors(NETWORK, other, x, BITS, logits, report, Chip.limited())
    assert NETWORK.layers[-1].name in wrong


def test_one_output_is_detected_without_kept_tensors(run):
    own, x, logits, report = run
    outputs = logits.copy()
    outputs[1, 3] += 1
    bare = replace(report, tensors={})
    wrong = exactness.wrong_tensors(NETWORK, own, x, BITS, outputs, bare, Chip.limited())
    assert wrong == [NETWORK.layers[-1].name]


@pytest.mark.parametrize("event", ["compares", "writes", "compare_rows", "cells_loaded"])
def test_one_event_too_many_is_detected(run, event):
    *_, report = run
    place, done = next(iter(report.activity.items()))
    more = replace(done.counts, **{event: getattr(done.counts, event) + 1})
    changed = replace(report, activity={**report.activity, place: replace(done, counts=more)})
    wrong = exactness.wrong_counts(NETWORK, BITS, changed, Chip.limited(), 2)
    assert [row[:3] for row in wrong] == [(*place, event)]


def test_a_phase_that_did_not_run_is_detected(run):
    *_, report = run
    rest = dict(report.activity)
    missing = rest.popitem()[0]
    wrong = exactness.wrong_counts(NETWORK, BITS, replace(report, activity=rest), Chip.limited(), 2)
    assert wrong == [missing]
