"""The table of whole inferences: a broken weight and a broken count turn its columns False."""

from dataclasses import replace

import pandas as pd
import pytest
from reproduction.runs import emulations
from reproduction.studies import emulated, oracle, realistic
from reproduction.studies.claims import coverage

from bfimna import Precision, data, simulate

from ..networks import shrunk

NETWORK = shrunk("resnet18", 32)
BITS = Precision.fixed(NETWORK, 3)
TECHNOLOGY = "sram-14nm-lstp"


def row():
    own, x = realistic.parameters(NETWORK, BITS), realistic.images(NETWORK, BITS)
    return emulated.emulate(NETWORK, BITS, own, x, "drawn", [TECHNOLOGY]).iloc[0]


def test_a_run_is_exact_and_its_energy_is_near_the_expected():
    found = row()
    assert found.exact
    assert found.counts_equal
    assert found.distinct_outputs > 10
    model = simulate(NETWORK, BITS, "LR", TECHNOLOGY).layers
    on_arrays = model[~model.phase.isin(["traffic", "leakage"])]
    assert found.expected_array_energy_j == pytest.approx(on_arrays.energy_j.sum())
    assert 0.5 < found.array_energy_j / found.expected_array_energy_j < 1  # zeros after ReLU


def test_a_broken_weight_is_not_exact(monkeypatch):
    """The oracle gets another weight than the emulator."""
    infer = oracle.infer

    def off(network, parameters, *others):
        name = network.matmul_names[0]
        weights = parameters[name].weights.copy()
        weights.flat[weights.argmin()] = weights.max()  # by so much that no rounding hides it
        own = {**parameters, name: replace(parameters[name], weights=weights)}
        return infer(network, own, *others)

    monkeypatch.setattr(oracle, "infer", off)
    found = row()
    assert (found.exact, found.counts_equal) == (False, True)


def test_a_broken_count_is_not_equal(monkeypatch):
    infer = emulated.infer

    def off(*arguments, **options):
        outputs, report = infer(*arguments, **options)
        key, done = next(iter(report.activity.items()))
        more = replace(done, counts=replace(done.counts, compares=done.counts.compares + 1))
        return outputs, replace(report, activity={**report.activity, key: more})

    monkeypatch.setattr(emulated, "infer", off)
    found = row()
    assert (found.exact, found.counts_equal) == (True, False)


def test_the_runs_cover_the_claim():
    claimed = {(network, bits) for network in coverage.NETWORKS for bits in coverage.PRECISIONS}
    assert claimed < set(emulations())
    for network in data.HAWQ_NAMES:
        schemes = {scheme for name, scheme in emulations() if name == network}
        assert schemes >= set(data.hawq_schemes(network))
    assert len(set(emulations())) == len(emulations())


def test_times_are_in_a_table_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setattr(emulated, "emulate_named", lambda *a, **k: pd.DataFrame({"exact": [True]}))
    table, times = tmp_path / "table.csv", tmp_path / "times.csv"
    emulated.run("alexnet", "int2", TECHNOLOGY, str(table), str(times), 1)
    assert list(pd.read_csv(table)) == ["exact"]
    assert pd.read_csv(times).peak_gb[0] > 0
