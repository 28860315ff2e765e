"""The checks of the emulator can fail: one weight, one count, and they say so."""

from dataclasses import replace

import numpy as np
import pytest
from reproduction.studies import realistic

from bfimna import Chip, Precision
from bfimna.emulator import check, digits
from bfimna.emulator.infer import infer

NETWORK = digits.network()
BITS = Precision.fixed(NETWORK, 4)


@pytest.fixture(scope="module")
def run():
    own, x = realistic.parameters(NETWORK, BITS), realistic.images(NETWORK, BITS, 2)
    return own, x, *infer(NETWORK, own, x, BITS, keep=True)


def test_an_exact_run_has_nothing_wrong(run):
    own, x, logits, report = run
    assert check.wrong_layers(NETWORK, own, x, BITS, logits, report, Chip.limited()) == []
    assert check.differences(NETWORK, BITS, report, Chip.limited(), 2) == []


def test_one_weight_makes_its_layer_wrong(run):
    own, x, logits, report = run
    name = NETWORK.gemm_names[0]
    weights = own[name].weights.copy()
    weights.flat[np.abs(weights).argmin()] += 1
    other = {**own, name: replace(own[name], weights=weights)}
    wrong = check.wrong_layers(NETWORK, other, x, BITS, logits, report, Chip.limited())
    assert NETWORK.layers[-1].name in wrong


def test_one_output_is_seen_though_no_tensor_was_kept(run):
    own, x, logits, report = run
    told = logits.copy()
    told[1, 3] += 1
    bare = replace(report, tensors={})
    wrong = check.wrong_layers(NETWORK, own, x, BITS, told, bare, Chip.limited())
    assert wrong == [NETWORK.layers[-1].name]


@pytest.mark.parametrize("event", ["compares", "writes", "compare_rows", "cells_loaded"])
def test_one_event_too_many_is_seen(run, event):
    *_, report = run
    place, done = next(iter(report.activity.items()))
    more = replace(done.counts, **{event: getattr(done.counts, event) + 1})
    changed = replace(report, activity={**report.activity, place: replace(done, counts=more)})
    found = check.differences(NETWORK, BITS, changed, Chip.limited(), 2)
    assert [row[:3] for row in found] == [(*place, event)]


def test_a_phase_that_was_not_run_is_seen(run):
    *_, report = run
    left = dict(report.activity)
    gone = left.popitem()[0]
    found = check.differences(NETWORK, BITS, replace(report, activity=left), Chip.limited(), 2)
    assert found == [gone]
