"""The best mapping of each layer, against every combination, on small networks and chips."""

from itertools import product

import numpy as np
import pytest

import bfimna as bf
from bfimna.mapping.paper import PaperProducts
from bfimna.search.mapping_choice import mapping
from tests.mapping.test_seam import TWO, network
from tests.networks import SMALL, everything

PAPER, SRAM = bf.Mapping.paper(), bf.load_technology("sram-14nm-lstp")


class Slower(PaperProducts):
    """Multiplies in twice the cycles, with a fraction of the events."""

    share = 0.5

    def _multiply(self, bits, exact):
        return super()._multiply(bits, exact).repeat(2, self.share)


class Narrow(PaperProducts):
    """Takes half the events, but fits words of a few bits only."""

    def _multiply(self, bits, exact):
        return super()._multiply(bits, exact).repeat(1, 0.5)

    def columns(self, bits, words):
        return [*super().columns(bits, words), ("multiply", 9 * (bits.left + bits.right))]


class NeedsMore(PaperProducts):
    @classmethod
    def lower(cls, storage, chip, batch):
        raise bf.BfimnaError(f"chip {chip.name!r} has no latch")


SLOWER, NARROW, MORE = (
    bf.Mapping(cls.__name__, cls.lower, PAPER.arrays) for cls in (Slower, Narrow, NeedsMore)
)
ALL = [PAPER, TWO, SLOWER, NARROW, MORE]
CHIPS = [
    bf.Chip(rows=40, clusters=2, caps_per_cluster=3),
    bf.Chip(rows=4800, clusters=1, caps_per_cluster=1),
    bf.Chip(rows=64, clusters=4, caps_per_cluster=2, overlap=True, weights="streamed"),
    bf.Chip(rows=64, clusters=4, caps_per_cluster=2, weights="auto"),
]


def every_choice(net, precision, chip, objective, batch, candidates):
    """Simulate every combination of the candidates that fits."""
    values = []
    for chosen in product(candidates, repeat=len(net.matmuls)):
        mixed = bf.Mapping.by_layer(PAPER, dict(zip(net.matmul_names, chosen, strict=True)))
        try:
            report = bf.simulate(net, precision, chip, SRAM, batch, mapping=mixed)
        except bf.BfimnaError:
            continue
        values.append(getattr(report, objective))
    return values


@pytest.mark.parametrize("objective", ["edp_js", "energy_j", "latency_s"])
@pytest.mark.parametrize("chip", CHIPS, ids=repr)
@pytest.mark.parametrize("bits", [(1, 1), (2, 4), (8, 8)])
def test_no_combination_is_better(objective, chip, bits):
    net = network()
    choice = mapping(net, bits, chip, SRAM, objective, ALL, batch=2)
    values = every_choice(net, bits, chip, objective, 2, ALL)
    assert choice.best == pytest.approx(min(values), rel=1e-12)
    assert choice.bound <= min(values) * (1 + 1e-12)
    assert choice.gap < 1e-6
    assert getattr(choice.report, objective) == choice.best
    assert [name for name, _ in choice.costs.refused] == ["NeedsMore"]


@pytest.mark.parametrize("objective", ["edp_js", "latency_s"])
def test_groups_and_layers_without_products(objective):
    net, candidates = everything(), [PAPER, SLOWER]
    choice = mapping(net, 3, SMALL, SRAM, objective, candidates)
    values = every_choice(net, 3, SMALL, objective, 1, candidates)
    assert len(values) == 2 ** len(net.matmuls)
    assert choice.best == pytest.approx(min(values), rel=1e-12)


def test_a_mapping_that_does_not_fit_a_layer_is_not_weighed_there():
    net = network()
    bits = bf.Precision.by_layer(net, {"odd": 2, "even": 8})
    choice = mapping(net, bits, CHIPS[0], SRAM, candidates=[PAPER, NARROW])
    table = choice.layers.set_index("layer")
    assert table.mapping.to_dict() == {"odd": "Narrow", "even": "paper"}
    assert table.candidates.to_dict() == {"odd": 2, "even": 1}
    assert table.runner_up["odd"] == "paper"
    assert table.factor["odd"] > 1
    assert np.isnan(table.factor["even"])
    assert choice.candidates == 3
    with pytest.raises(bf.BfimnaError, match="layer 'even' needs 144 columns"):
        mapping(net, bits, CHIPS[0], SRAM, candidates=[NARROW, MORE])


def test_the_factor_is_what_the_swap_costs():
    net = network()
    choice = mapping(net, 4, CHIPS[0], SRAM, candidates=[PAPER, TWO, SLOWER], batch=3)
    for row in choice.layers.itertuples():
        other = next(m for m in ALL if m.name == row.runner_up)
        mine = {r.layer: next(m for m in ALL if m.name == r.mapping)
                for r in choice.layers.itertuples()}  # fmt: skip
        swapped = bf.Mapping.by_layer(PAPER, mine | {row.layer: other})
        report = bf.simulate(net, 4, CHIPS[0], SRAM, 3, mapping=swapped)
        assert row.factor == pytest.approx(report.edp_js / choice.best, rel=1e-12)


def test_a_chip_that_the_network_sizes_has_the_clusters_of_the_first():
    net = network()
    choice = mapping(net, 4, "IR", SRAM, candidates=[PAPER, TWO])
    assert choice.report.chip.clusters == bf.plan(net, "IR", PAPER).chip.clusters
    assert choice.gap < 1e-6


def test_what_it_shows():
    choice = mapping(network(), 4, "LR", SRAM, candidates=[PAPER, SLOWER, MORE])
    assert repr(choice).startswith("<MappingChoice: seam at int4 on LR: EDP ")
    assert "gap" in repr(choice)
    assert "4 candidates" in repr(choice)
    html = choice._repr_html_()
    for text in ("odd", "even", "runner-up", "1 mapping not weighed: NeedsMore", "no latch"):
        assert text in html


def test_bad_arguments_are_refused():
    net, chip = network(), CHIPS[0]
    with pytest.raises(bf.BfimnaError, match=r"unknown objective 'edp'.*edp_js"):
        mapping(net, 4, chip, SRAM, "edp")
    for candidates in ("paper", PAPER, 3):
        with pytest.raises(bf.BfimnaError, match="candidates must be a list of mappings"):
            mapping(net, 4, chip, SRAM, candidates=candidates)
    with pytest.raises(bf.BfimnaError, match="a candidate must be a Mapping, not 'paper'"):
        mapping(net, 4, chip, SRAM, candidates=["paper"])
    with pytest.raises(bf.BfimnaError, match="at least one mapping"):
        mapping(net, 4, chip, SRAM, candidates=[])
    with pytest.raises(bf.BfimnaError, match="no latch"):
        mapping(net, 4, chip, SRAM, candidates=[MORE])
