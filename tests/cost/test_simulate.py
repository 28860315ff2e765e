"""The whole model: a layer worked by hand, invariants, and sweeps against single points."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bfimna import BfimnaError, Chip, Layer, Network, Precision, data, peak, simulate, sweep
from bfimna.ap import counts as ap
from bfimna.cost import formulas
from bfimna.cost.caveats import memory_line
from bfimna.display import quantity
from bfimna.network import zoo

from ..close import close

TINY = Network("tiny", (Layer("input", "input", channels=3, size=(8, 8)),
                        Layer("conv", "conv", ("input",), 4, kernel=(3, 3), padding=(1,) * 4),
                        Layer("relu", "relu", ("conv",))))  # fmt: skip
SMALL = replace(Chip.paper(), name="small", clusters=1, caps_per_cluster=4, rows=100)
SRAM, RERAM = (data.load_technology(f"{cell}-14nm-lstp") for cell in ("sram", "reram"))
LR = Chip.limited()
WEIGHTS, LIVE = "resident weights (864 bit)", "live activations (6.66 kbit)"


def phase(report, name, layer="conv"):
    rows = report.layers
    return rows[(rows.layer == layer) & (rows.phase == name)].iloc[0]


def test_a_layer_worked_by_hand():
    """3 → 4 channels, 3 × 3, on 8 × 8 pixels; 4 CAPs of 100 rows; 8 bits.

    i = 4, j = 27, u = 64: 256 dot products, 6912 products. A CAP holds ⌊100 / 27⌋ = 3 dot
    products, the chip 12, so ⌈256 / 12⌉ = 22 folds, 6912 / (22 · 400) = 78.5 % of the rows used.
    """
    report = simulate(TINY, Precision.fixed(TINY, 8), SMALL, SRAM)
    load, multiply, reduce, read, carry = (
        phase(report, name) for name in ("load", "multiply", "reduce", "read", "carry")
    )
    assert (load.folds, load.rows_active) == (22, 6912)
    assert load.utilisation == pytest.approx(6912 / 8800)
    assert load.loads == 22 * (8 + 8)
    # 8·Mw·Ma = 512 cycles a fold, half compares; a pass copies the sign into ⌈log2 27⌉ columns
    assert multiply.compares == multiply.writes == 22 * 257
    # every product row sees each of the 257 compares once
    assert multiply.compare_rows == 6912 * 257
    # 27 rows to two takes 7 levels of three to two (27 18 12 8 6 4 3 2) of 12 cycles: 5 compares,
    # 6 writes and a shift
    assert (reduce.compares, reduce.writes, reduce.shifts) == (22 * 35, 22 * 42, 22 * 7)
    # sums of 8 + 8 + 5 = 21 bits a fold; no weighted layer reads the results, so they are read
    # whole, less the sign that the ReLU leaves 0
    assert read.reads == 22 * 21 + 20
    # 256 sums and carries, packed in one fold: 2·21 loads, 8·21 cycles
    assert (carry.loads, carry.compares, carry.writes) == (42, 84, 84)
    line = SMALL.columns * (SRAM.compare_s_per_cell + SRAM.write_s_per_cell)
    expected = 22 * 257 * (SRAM.compare_s + SRAM.write_s + line + 2 * SRAM.key_register_s)
    assert multiply.latency_s == close(expected)


def test_a_headline_shows_percent():
    report = simulate(TINY, Precision.fixed(TINY, 8), SMALL, SRAM)
    assert ("utilisation of rows", "78.5 %", "") in report.headline


def test_a_headline_shows_the_interval_of_each_total():
    report = simulate(TINY, Precision.fixed(TINY, 8), SMALL, SRAM)
    spans = {name: span for name, _, span in report.headline}
    low, high = (report.summary[f"energy_j_{end}"] for end in ("low", "high"))
    assert spans["energy per inference"] == f"{quantity(low, 'J')} to {quantity(high, 'J')}"
    assert sum(map(bool, spans.values())) == len(spans) - 1  # all but the utilisation
    sharp = replace(SRAM, draws={}, interconnect=replace(SRAM.interconnect, draws={}))
    headline = simulate(TINY, Precision.fixed(TINY, 8), SMALL, sharp).headline
    assert not any(span for _, _, span in headline)
    edge = replace(SRAM, ranges={**SRAM.ranges, "threshold_v": (0.3, 0.56)}).at_supply(0.55)
    headline = simulate(TINY, Precision.fixed(TINY, 8), SMALL, edge).headline
    assert not any(span for _, _, span in headline)


def test_the_line_of_memory_names_what_does_not_fit():
    chip = replace(SMALL, rows=10, columns=10)  # 100 bits of MAPs
    assert memory_line(chip, 60, 41) == (
        "memory: resident weights (60 bit) and live activations (41 bit) together exceed the 100 "
        "bit of the MAPs, 1.01 times what they hold; costs are as if they fitted"
    )
    one = "exceed the 100 bit of the MAPs, 2.01 times what they hold; costs are as if they fitted"
    assert memory_line(chip, 100, 101) == f"memory: live activations (101 bit) {one}"
    assert memory_line(chip, 101, 100) == f"memory: resident weights (101 bit) {one}"
    assert "together" in memory_line(chip, 100, 100)


def test_events_times_their_price_is_the_energy():
    report = simulate(TINY, Precision.fixed(TINY, 8), SMALL, SRAM)
    row = phase(report, "multiply")
    match_line = 72 * SRAM.compare_j_per_attached_cell  # a line that matched stays charged
    priced = (
        row.compare_rows * (SRAM.compare_j_per_row + match_line)
        - row.rows_matched * (match_line + SRAM.match_saves_j_per_row)
        + row.key_cells * (SRAM.compare_j_per_key_cell + SRAM.broadcast_j_per_key_cell)
        + row.cells_written * SRAM.write_j_per_cell
        + row.words_written * 72 * SRAM.write_j_per_attached_cell
        + row.lines_driven * (SRAM.write_j_per_line_cell + SRAM.write_j_per_gate_cell)
        + (row.compares + row.writes) * formulas.control_joules(SRAM, SMALL)
    )
    assert row.energy_j == close(priced)


def test_without_multicast_every_copy_crosses_the_bus():
    chip = replace(SMALL, multicast=False)
    report = simulate(TINY, Precision.fixed(TINY, 8), chip, SRAM)
    # 6912 products × 16 bits in; sums and carries of 21 bits out, and what a ReLU leaves of sums
    assert phase(report, "traffic").bus_bits == 6912 * 16 + 256 * (2 * 21 + 20)


def test_multicast_moves_between_distinct_operands_and_all_copies():
    few = phase(simulate(TINY, Precision.fixed(TINY, 8), SMALL, SRAM), "traffic").bus_bits
    one = (TINY.weights + 3 * 8 * 8) * 8 + 256 * 63  # every weight and pixel once
    assert one <= few < 6912 * 16 + 256 * 63


def test_streamed_weights_come_from_dram_once_a_batch():
    chip = replace(SMALL, weights="streamed")
    report = simulate(TINY, Precision.fixed(TINY, 4), chip, SRAM, batch=3)
    assert phase(report, "traffic").dram_bits == TINY.weights * 4


@pytest.mark.parametrize("network", ["alexnet", "resnet18"])
@pytest.mark.parametrize("tech", [SRAM, RERAM])
def test_layers_and_phases_add_up_to_the_totals(network, tech):
    net = zoo.load(network)
    report = simulate(net, Precision.mixed(net, 5), LR, tech, batch=2)
    layers = report.layers
    assert layers.energy_j.sum() / 2 == close(report.energy_j)
    assert layers.latency_s.sum() == close(report.latency_s)
    assert report.edp_js == close(report.energy_j * report.latency_s)
    assert report.throughput_ops * report.latency_s == pytest.approx(2 * 2 * net.macs)
    assert report.efficiency_ops_per_w * report.energy_j == pytest.approx(2 * net.macs)
    per_area = report.area_efficiency_ops_per_w_m2 * report.area_m2
    assert per_area == pytest.approx(report.efficiency_ops_per_w)
    by_phase = layers.groupby("phase")[["latency_s", "energy_j"]].sum()
    for column in by_phase:
        assert report.phases[column].to_dict() == close(by_phase[column].to_dict())


@settings(max_examples=25, deadline=None)
@given(bits=st.lists(st.integers(1, 15), min_size=8, max_size=8), k=st.integers(0, 7))
def test_energy_and_latency_grow_with_any_layers_bits(bits, k):
    net = zoo.alexnet()
    more = [b + (n == k) for n, b in enumerate(bits)]
    low, high = (
        simulate(
            net, Precision.by_layer(net, dict(zip(net.matmul_names, b, strict=True))), LR, SRAM
        )
        for b in (bits, more)
    )
    assert high.energy_j > low.energy_j
    assert high.latency_s > low.latency_s


@pytest.mark.parametrize("counts", ["published", "microcode"])
def test_more_rows_never_shrink_the_area(counts):
    net = zoo.alexnet()
    areas = [
        simulate(net, Precision.fixed(net, 8), replace(LR, rows=rows), SRAM, 1, counts).area_m2
        for rows in (1200, 2400, 4800, 9600)
    ]
    assert areas == sorted(areas)


def test_unlimited_resources_take_one_fold_and_no_more_time():
    net = zoo.resnet18()
    bits = Precision.fixed(net, 8)
    limited, unlimited = (simulate(net, bits, c, SRAM) for c in (LR, Chip.unlimited()))
    assert (unlimited.schedule.folds == 1).all()
    assert unlimited.latency_s < limited.latency_s


def test_overlapped_loading_hides_traffic_but_never_all():
    net = zoo.vgg16()
    bits = Precision.fixed(net, 8)
    plain, overlapped = (simulate(net, bits, c, SRAM) for c in (LR, replace(LR, overlap=True)))
    traffic = plain.phases.latency_s["traffic"]
    assert overlapped.latency_s < plain.latency_s
    assert overlapped.latency_s > plain.latency_s - traffic


def test_batches_divide_and_never_cost_more_an_inference():
    net = zoo.alexnet()
    bits = Precision.fixed(net, 8)
    single, many = (simulate(net, bits, LR, SRAM, batch=b) for b in (1, 64))
    assert many.seconds_per_inference < single.seconds_per_inference
    assert many.latency_s > single.latency_s  # one waits for the whole batch


def test_latency_and_edp_are_those_of_the_whole_batch():
    bits = Precision.fixed(TINY, 8)
    one, many = (simulate(TINY, bits, SMALL, SRAM, batch=b) for b in (1, 8))
    assert one.latency_s == one.seconds_per_inference == one.batch_latency_s
    assert many.latency_s == many.batch_latency_s == close(8 * many.seconds_per_inference)
    assert many.latency_s == close(many.times.sum())
    assert many.edp_js == close(many.energies.sum() / 8 * many.times.sum())
    table = sweep(TINY, bits, SMALL, SRAM, 8).iloc[0]
    assert (table.latency_s, table.edp_js) == close((many.latency_s, many.edp_js))
    assert table.seconds_per_inference == close(many.seconds_per_inference)
    for figure in ("latency_s", "seconds_per_inference", "energy_j", "edp_js"):
        low, _, high = many.interval(figure, 500)
        assert low < getattr(many, figure) < high


@pytest.mark.parametrize(
    ("change", "batch", "note"),
    [
        ({"columns": 80}, 1, ""),
        ({"maps_per_cluster": 0}, 1, f"{WEIGHTS} and {LIVE} exceed the 0 bit of the MAPs"),
        ({"maps_per_cluster": 0, "weights": "streamed"}, 1, f"{LIVE} exceed the 0 bit"),
        ({"columns": 70}, 1, f"{WEIGHTS} and {LIVE} together exceed the 7 kbit of the MAPs"),
        ({"columns": 70, "weights": "streamed"}, 1, ""),
        ({"columns": 70, "weights": "streamed"}, 2, "live activations (13.3 kbit) exceed the 7 k"),
    ],
)
def test_what_does_not_fit_the_memory_is_infeasible(change, batch, note):
    """TINY: 108 weights; 3 × 64 pixels of 8 bits in and 4 × 64 sums of 20 bits out, all live."""
    chip = replace(SMALL, **change)
    report = simulate(TINY, Precision.fixed(TINY, 8), chip, SRAM, batch)
    assert report.peak_live_bits == (3 * 8 + 4 * 20) * 64
    assert not report.notes
    lines = [line for line in report.infeasibilities if line.startswith("memory: ")]
    assert len(lines) == bool(note)
    assert "".join(lines).startswith(f"memory: {note}" * bool(note))
    assert report.live_activations_fit == (batch * report.peak_live_bits <= chip.map_bits)
    assert report.resident_weights_fit == (chip.map_bits >= 108 * 8)


def test_published_counts_note_the_share_that_is_not_published():
    net = zoo.resnet18()
    report = simulate(net, 8, replace(LR, maps_per_cluster=64), SRAM, counts="published")
    (note,) = report.notes
    share = 100 * report.phases.latency_s / report.latency_s
    assert f"requantise ({share['requantise']:.0f} %), traffic ({share['traffic']:.0f} %)" in note
    assert simulate(net, 8, replace(LR, maps_per_cluster=64), SRAM).notes == ()


def test_changing_a_returned_table_does_not_change_the_report():
    report = simulate(TINY, 8, SMALL, SRAM)
    for values in (report.times, report.energies, report.live_bits):
        with pytest.raises(ValueError, match="read-only"):
            values[0] = 99
    for table in (report.summary, report.layers, report.phases):
        table["latency_s"] = 0
    assert report.summary["latency_s"] == report.latency_s == close(report.times.sum())
    assert report.layers.latency_s.sum() == close(report.latency_s)
    assert report.phases.latency_s.sum() == close(report.latency_s)


@pytest.mark.parametrize("tech", ["sram-14nm-lstp", SRAM.at_supply(0.7)])
def test_a_report_introduces_itself_in_short(tech):
    report = simulate("vgg16", 8, "LR", tech)
    assert len(repr(report)) < 250
    assert f"vgg16 at int8 on LR, sram-14nm-lstp at {report.technology.supply_v} V" in repr(report)
    page = report._repr_html_()
    assert f"<td>{1e3 * report.latency_s:.3g} ms</td>" in page
    assert "<p>note: 32.8 Mbit of activations do not fit" in page


@pytest.mark.parametrize("network", [TINY, "resnet50"])
def test_a_report_draws_its_breakdown(network):
    report = simulate(network, 8, "LR", SRAM)
    fig = report.plot()
    time, energy = fig.axes
    scales = {"s": 1, "ms": 1e3, "µs": 1e6, "ns": 1e9, "J": 1, "mJ": 1e3, "µJ": 1e6, "nJ": 1e9}
    for ax, costs in ((time, report.times), (energy, report.energies)):
        scale = scales[ax.get_ylabel().partition("(")[2].rstrip(")")]
        heights = [patch.get_height() for patch in ax.patches]
        tops = [patch.get_y() + patch.get_height() for patch in ax.patches]
        assert sum(heights) == pytest.approx(scale * costs.sum())
        makers = [report.network.makers[layer.name] for layer in report.network.layers]
        by_layer = np.bincount(makers, costs.sum(axis=1))
        assert max(tops) == pytest.approx(scale * by_layer.max())


@pytest.mark.parametrize("kind", ["1d", "2d", "2d-segmented"])
def test_every_kind_of_ap_runs_every_width(kind):
    for bits in range(1, 17):
        report = simulate(TINY, Precision.fixed(TINY, bits), replace(SMALL, ap_kind=kind), SRAM)
        assert np.isfinite(report.edp_js)


@pytest.mark.parametrize("counts", ["published", "microcode"])
def test_a_sweep_equals_single_simulations(counts):
    net = zoo.resnet18()
    bits = [Precision.fixed(net, 3), *(Precision.mixed(net, 6, seed) for seed in range(3))]
    chips = [LR, Chip.unlimited()]
    techs = [SRAM, RERAM.at_supply(0.6)]
    table = sweep(net, bits, chips, techs, batches=(1, 4), counts=counts)
    assert len(table) == 4 * 2 * 2 * 2
    columns = list(table)
    keys = ["precision", "chip", "technology", "supply_v", "batch"]
    table = table.set_index(keys)
    for precision in bits:
        for chip in chips:
            for tech in techs:
                for batch in (1, 4):
                    report = simulate(net, precision, chip, tech, batch, counts)
                    key = (precision.name, chip.name, tech.name, tech.supply_v, batch)
                    assert list(report.summary)[: len(columns)] == columns
                    for column in set(columns) - set(keys):
                        ours, theirs = report.summary[column], table.loc[key, column]
                        if isinstance(ours, float):
                            assert theirs == close(ours, rel=1e-12)
                        else:
                            assert theirs == ours


def test_switching_precision_adds_no_cycle_and_needs_no_other_chip():
    net = zoo.resnet18()
    stream = [Precision.fixed(net, b) for b in (8, 2, 16, 4, 8)]
    reports = [simulate(net, bits, LR, SRAM) for bits in stream]
    assert {report.chip for report in reports} == {LR}
    assert reports[0].latency_s == reports[-1].latency_s


@pytest.mark.parametrize("batch", [0, -1, 1.5, True, 10**30, [2]])
def test_a_batch_is_a_whole_number_of_images(batch):
    with pytest.raises(BfimnaError, match="batch must be a whole number from 1 to 1048576"):
        simulate(TINY, Precision.fixed(TINY, 8), SMALL, SRAM, batch=batch)


def test_other_bad_input_is_refused_in_one_line():
    bits = Precision.fixed(TINY, 8)
    with pytest.raises(BfimnaError, match="unknown counts 'micro'"):
        simulate(TINY, bits, SMALL, SRAM, counts="micro")
    with pytest.raises(BfimnaError, match="layer 'conv' needs 67 columns"):
        simulate(TINY, Precision.fixed(TINY, 16), replace(SMALL, columns=40), SRAM)
    with pytest.raises(BfimnaError, match="is for other layers than 'alexnet' has"):
        simulate(zoo.alexnet(), bits, SMALL, SRAM)
    bare = Network("bare", TINY.layers[:1])
    with pytest.raises(BfimnaError, match="has no convolution or linear layer"):
        simulate(bare, Precision("none", (), (), ()), SMALL, SRAM)
    with pytest.raises(BfimnaError, match="at least one precision"):
        sweep(TINY, [], [SMALL], [SRAM])
    with pytest.raises(BfimnaError, match="so it has no peak"):
        peak(8, Chip.unlimited(), SRAM)
    with pytest.raises(BfimnaError, match="bits must be a whole number from 1 to 16, not 17"):
        peak(17, LR, SRAM)
    with pytest.raises(BfimnaError, match=r"16 bits need 67 columns .* chip 'LR' has 66"):
        peak(16, replace(LR, columns=66), SRAM)
    assert peak(16, replace(LR, columns=67), SRAM).throughput_ops > 0


@pytest.mark.parametrize("m", range(1, 17))
def test_closed_forms_equal_the_published_ones(m):
    add = ap.load(2 * m) + ap.add(m) + ap.read(m + 1)
    multiply = ap.load(2 * m) + ap.multiply(m, m) + ap.read(2 * m)
    assert add.cycles == 2 * m + 8 * m + (m + 1)
    assert multiply.cycles == 2 * m + 8 * m * m + 2 * m
    assert ap.relu(m, "published").cycles == 4 * m + 1
    for words in (2, 3, 64, 576):
        plain, cut = (ap.reduce(words, m, kind, "published") for kind in ("2d", "2d-segmented"))
        assert plain.cycles == 8 * (words - 1)
        assert cut.cycles == 8 * np.ceil(np.log2(words))


def test_peak_by_hand():
    """8 × 8 bits: every row loads 16 columns, takes 2 operations and reads 16 columns."""
    program = ap.load(16) + ap.multiply(8, 8) + ap.add(8) + ap.read(16)
    seconds = formulas.latency(program, SRAM, SMALL)
    joules = formulas.energy(program.over(SMALL.product_rows), SRAM, SMALL)
    joules += seconds * formulas.leakage_power(SMALL, SRAM)
    best = peak(8, SMALL, SRAM)
    assert best.throughput_ops == close(2 * SMALL.product_rows / seconds)
    assert best.efficiency_ops_per_w == close(2 * SMALL.product_rows / joules)
    assert best.power_w == close(joules / seconds)
    assert best.area_efficiency_ops_per_w_m2 == close(best.efficiency_ops_per_w / best.area_m2)
