"""Streams: charge is conserved, the oracle is optimal, reloading costs energy and time."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from reproduction.studies import bit_search, streams

import bfimna as bf

from ..close import close

OPTIONS = pd.DataFrame(
    [("low", 1.0, 1.0, 60.0), ("mid", 2.0, 2.0, 70.0), ("high", 3.0, 4.0, 73.0)],
    columns=list(streams.COLUMNS),
)


def brute_force(options, stream, battery_j):
    """Greatest total accuracy of any sequence of decisions."""
    best = 0.0
    for sequence in product([None, *range(len(options))], repeat=len(stream)):
        played = streams.run_stream(options, stream, battery_j, lambda at, *_, s=sequence: s[at])
        best = max(best, played.accuracy_percent.sum())
    return best


@pytest.mark.parametrize("seed", range(3))
def test_the_oracle_equals_brute_force(seed):
    stream = streams.synthetic_stream(OPTIONS, 4, seed).assign(harvest_j=[0.0, 2.0, 1.0, 3.0])
    played = streams.run_stream(OPTIONS, stream, 4.0, streams.oracle_policy(OPTIONS, stream, 4.0))
    assert played.accuracy_percent.sum() == pytest.approx(brute_force(OPTIONS, stream, 4.0))


def test_charge_is_conserved_and_no_answer_breaks_a_limit():
    stream, battery_j = streams.synthetic_stream(OPTIONS, 60, 1), 12.0
    played = streams.run_stream(OPTIONS, stream, battery_j, streams.frugal_policy(OPTIONS))
    charge = battery_j
    for row, (harvest, deadline) in zip(played.itertuples(), stream.to_numpy(), strict=True):
        charge = min(charge + harvest, battery_j) - row.energy_j
        assert row.charge_j == close(charge)
        assert charge >= -1e-9
        if not row.missed:
            latency = OPTIONS.set_index("precision").latency_s[row.precision]
            assert latency <= deadline
    best = streams.run_stream(
        OPTIONS, stream, battery_j, streams.oracle_policy(OPTIONS, stream, battery_j)
    )
    assert best.accuracy_percent.sum() >= played.accuracy_percent.sum()


def test_reloading_cost_is_as_assumed():
    net = bf.zoo.resnet18()
    cell = bf.data.load_technology("reram-14nm-lstp")
    two = [bf.Precision.fixed(net, 8), bf.Precision.fixed(net, 4)]
    seconds, joules = streams.crossbar_reload(net, two, cell)
    bits = 4 * net.weights
    links, row_s = cell.interconnect, cell.write_s + 128 * cell.write_s_per_cell
    assert joules[0, 1] == close(bits * (links.dram_j_per_bit + cell.write_j_per_cell))
    assert seconds[0, 1] == close(bits / 8 / links.dram_bytes_per_s + 128 * row_s)
    assert (np.diag(seconds) == 0).all()
    assert (np.diag(joules) == 0).all()


def test_a_late_reload_misses_but_leaves_its_weights_loaded():
    stream = pd.DataFrame({"harvest_j": [9.0] * 3, "deadline_s": [3.0, 2.5, 2.5]})
    reload = np.ones((3, 3)) - np.eye(3), 0.5 * (np.ones((3, 3)) - np.eye(3))
    played = streams.run_stream(OPTIONS, stream, 9.0, lambda at, *_: [2, 1, 1][at], reload)
    assert played.missed.tolist() == [False, True, False]
    assert played.energy_j.tolist() == [4.0, 0.5, 2.0]


def test_options_need_published_or_measured_accuracies():
    unknown = OPTIONS.assign(accuracy_percent=[60.0, np.nan, 73.0])
    with pytest.raises(bf.BfimnaError, match="no published or measured accuracy for mid"):
        streams.pareto_options(unknown)
    with pytest.raises(bf.BfimnaError, match="lack the columns accuracy_percent"):
        streams.pareto_options(OPTIONS.drop(columns="accuracy_percent"))


def test_published_schemes_in_a_stream_on_an_ap():
    options = bit_search.published_options(
        "resnet18", bf.Chip.limited(), bf.data.load_technology("sram-14nm-lstp")
    )
    assert (np.diff(options.energy_j) > 0).all()
    assert options.accuracy_percent.iloc[-1] == 71.56  # int8, data/hawq_v3/accuracy.csv
    nothing = np.zeros((len(options),) * 2)
    played = bit_search.play(options, 20 * options.energy_j.max(), 80, [0], (nothing, nothing))
    table = streams.summary(played).set_index("run")
    assert table.accuracy_percent["oracle"] >= table.accuracy_percent.max() - 0.05
    assert table.loc["policy", "energy_j"] == table.loc["policy, reloading", "energy_j"]
