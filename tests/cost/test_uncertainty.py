"""Monte Carlo samples and intervals: distributions, causes, and a report's own formulas."""

from dataclasses import replace
from itertools import product
from time import perf_counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bfimna import BfimnaError, Chip, Precision, data, peak, simulate, zoo
from bfimna.cost import uncertainty
from bfimna.cost.uncertainty import QUANTITIES, bounds, evaluate, samples_of, sobol
from bfimna.mapping.plan import plan
from bfimna.network.bits import Bits
from bfimna.technology.sampling import causes, quantile, sampled_parameters, sampled_prices, uniform

from ..close import close

LR = Chip.limited()
SRAM = data.load_technology("sram-14nm-lstp")
ALEXNET = zoo.alexnet()


def report(tech=SRAM, chip=LR, network=ALEXNET, batch=1, bits=8):
    return simulate(network, Precision.fixed(network, bits), chip, tech, batch)


@given(
    st.floats(0.1, 10), st.floats(0.05, 1), st.floats(1, 20), st.sampled_from(["split", "logsplit"])
)
def test_the_median_of_a_range_is_its_value(value, below, above, distribution):
    low, high = value * below, value * above
    u = np.linspace(0, 1, 201)
    drawn = quantile(value, low, high, distribution, u)
    assert drawn[[0, 100, 200]] == close([low, value, high])
    assert (np.diff(drawn) >= -1e-12 * high).all()


def test_split_falls_off_to_its_ends_and_logsplit_is_flat_in_decades():
    # triangular: three quarters of a side's draws lie in the half next to the value
    drawn = quantile(0.0, -1.0, 2.0, "split", np.linspace(0, 1, 100_001))
    assert np.mean(drawn > 1.0) == pytest.approx(0.5 / 4, abs=1e-4)
    assert np.mean(drawn < -0.5) == pytest.approx(0.5 / 4, abs=1e-4)
    drawn = quantile(1.0, 0.01, 10.0, "logsplit", np.linspace(0, 1, 100_001))
    assert np.mean(drawn < 0.1) == pytest.approx(0.25, abs=1e-4)
    assert np.mean(drawn > 10**0.5) == pytest.approx(0.25, abs=1e-4)


def test_samples_of_a_cause_are_even_independent_and_read_only():
    a, b = uniform("wires", 1000, 0), uniform("temperature", 1000, 0)
    np.testing.assert_array_equal(np.sort(np.floor(a * 1000)), np.arange(1000))
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.1
    np.testing.assert_array_equal(a, uniform("wires", 1000, 0))
    assert (uniform("wires", 1000, 1) != a).any()
    with pytest.raises(ValueError, match="read-only"):
        a[0] = 0.5


def test_ranges_of_one_cause_move_together_and_against_with_a_minus():
    u = {cause: uniform(cause, 100, 0) for cause in causes(SRAM)}
    drawn = sampled_prices(SRAM, u)
    for one, other in (
        ("compare_s", "write_s"),
        ("compare_j_per_row", "read_j_per_row"),
        ("compare_j_per_attached_cell", "compare_s_per_cell"),  # heavier wires are slower too
        ("compare_j_per_key_cell", "write_j_per_line_cell"),
    ):
        assert (
            np.argsort(getattr(drawn, one)).tolist() == np.argsort(getattr(drawn, other)).tolist()
        )
    bus, mesh = drawn.interconnect.bus_j_per_bit, drawn.interconnect.mesh_j_per_bit_hop
    assert np.argsort(bus).tolist() == np.argsort(mesh).tolist()
    against = replace(SRAM, draws={**SRAM.draws, "write_s": ("logsplit", "-circuit tool, times")})
    drawn = sampled_prices(against, u)
    assert np.argsort(drawn.compare_s).tolist() == np.argsort(drawn.write_s)[::-1].tolist()


def test_below_the_nominal_supply_each_sample_has_its_own_delay_law():
    low = SRAM.at_supply(0.6)
    u = {cause: uniform(cause, 20, 0) for cause in causes(low)}
    drawn, nominal = sampled_prices(low, u), sampled_prices(SRAM, u)
    parameters = sampled_parameters(low, u)
    vt, alpha = parameters["threshold_v"], parameters["alpha"]
    assert len(set(vt)) == len(set(alpha)) == 20
    slower = (0.6 / (0.6 - vt) ** alpha) / (0.8 / (0.8 - vt) ** alpha)
    for field in ("compare_s", "write_s", "shift_s", "load_s_per_cell"):
        np.testing.assert_allclose(getattr(drawn, field), getattr(nominal, field) * slower)
    square = close((0.6 / 0.8) ** 2)
    assert (drawn.write_j_per_cell / nominal.write_j_per_cell).tolist() == [square] * 20
    reram = data.load_technology("reram-14nm-lstp").at_supply(0.6)
    u = {cause: uniform(cause, 20, 0) for cause in causes(reram)}
    assert np.ptp(sampled_prices(reram, {"device law": u["device law"]}).write_s) == 0


def test_fixed_ranges_are_not_sampled():
    assert SRAM.ranges["idle_rows"] == (0.0, 1.0)
    assert SRAM.draws["idle_rows"][0] == "fixed"
    u = {cause: uniform(cause, 10, 0) for cause in causes(SRAM)}
    assert sampled_prices(SRAM, u).idle_rows == 0.0
    assert "device law" not in causes(SRAM)
    assert "device law" in causes(SRAM.at_supply(0.7))
    assert "endurance" not in causes(data.load_technology("reram-14nm-lstp"))


CHIPS = {
    "LR": LR,
    "IR": Chip.unlimited(),
    "1d": replace(LR, ap_kind="1d"),
    "unsegmented": replace(LR, ap_kind="2d"),
    "streamed": replace(LR, weights="streamed"),
    "overlap": replace(LR, overlap=True, weights="streamed"),
    "narrow": replace(LR, columns=67, rows=1000),
}


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("supply", [0.8, 0.6])
def test_the_median_of_every_parameter_gives_the_report(chip, supply):
    tech = SRAM.at_supply(supply)
    one = report(tech, CHIPS[chip], batch=3)
    half = {cause: np.array([0.5]) for cause in causes(tech)}
    samples = evaluate(one.schedule, tech, one.operations, one.batch, half)
    for quantity in QUANTITIES:
        assert samples[quantity][0] == close(getattr(one, quantity)), quantity


@pytest.mark.parametrize("chip", ["LR", "overlap", "unsegmented"])
def test_a_sample_equals_a_technology_with_its_numbers(chip):
    """The oracle: simulate with the numbers of each sample."""
    one = report(chip=CHIPS[chip])
    u = {cause: uniform(cause, 3, 7) for cause in causes(SRAM)}
    samples = evaluate(one.schedule, SRAM, one.operations, 1, u)
    drawn = sampled_prices(SRAM, u)

    def numbers(item, k):
        fields = {f: float(getattr(item, f)[k]) for f in vars(item)
                  if isinstance(getattr(item, f), np.ndarray)}  # fmt: skip
        return {**fields, "ranges": {}, "draws": {}}

    for k in range(3):
        links = replace(SRAM.interconnect, **numbers(drawn.interconnect, k))
        tech = replace(SRAM, **numbers(drawn, k), interconnect=links)
        again = report(tech, CHIPS[chip])
        for quantity in QUANTITIES:
            assert samples[quantity][k] == close(getattr(again, quantity)), quantity


@pytest.mark.parametrize("network", ["alexnet", "vgg16", "resnet18", "resnet50"])
@pytest.mark.parametrize("technology", data.technology_names())
def test_the_nominal_lies_between_the_quartiles_of_its_samples(network, technology):
    net, tech = zoo.load(network), data.load_technology(technology)
    paper = Chip.paper()
    unlimited, overlapped = replace(paper, clusters=0), replace(paper, overlap=True)
    for chip, least in ((paper, 0.25), (unlimited, 0.25), (overlapped, 0.23)):
        one = report(tech, chip, net)
        samples = uncertainty.quantities(one.schedule, tech, one.operations, draws=4000)
        for quantity in QUANTITIES:
            spread = np.ptp(samples[quantity]) > 1e-9 * getattr(one, quantity)
            below = np.mean(samples[quantity] < getattr(one, quantity))
            assert not spread or least <= below <= 1 - least, (chip.name, quantity, below)


@pytest.mark.parametrize("network", ["alexnet", "vgg16", "resnet18", "resnet50"])
def test_with_weights_from_dram_the_nominal_energy_lies_low_as_the_document_says(network):
    """DRAM's ranges are skewed upwards: the nominal lies no lower than about a fifth."""
    for weights, tech in product(("streamed", "auto"), ("sram-14nm-lstp", "sram-22nm-lstp")):
        chip = replace(LR, weights=weights)  # images from DRAM, and what spills
        one = report(data.load_technology(tech), chip, zoo.load(network))
        below = np.mean(samples_of(one, "energy_j", 4000) < one.energy_j)
        assert 0.195 <= below <= 0.5


def test_draws_with_dram_traffic_take_no_longer_than_twice_those_without():
    def fastest(chip):
        one, times = report(chip=chip, network=zoo.resnet18()), []
        for _ in range(12):
            start = perf_counter()
            samples_of(one, "edp_js")
            times.append(perf_counter() - start)
        return min(times)

    built = replace(Chip.limited(), max_power_density_w_per_m2=None, max_current_a=None)
    assert fastest(built) < 2 * fastest(Chip.paper())


def test_an_interval_is_in_order_and_the_same_every_time():
    one = report()
    low, median, high = one.interval("energy_j")
    assert low < median < high
    samples = samples_of(one, "energy_j")
    shares = [np.mean(samples <= end) for end in (low, median, high)]
    assert shares == pytest.approx([0.05, 0.5, 0.95], abs=1e-3)
    assert one.interval("energy_j") == (low, median, high)
    assert one.interval("energy_j", seed=1) != (low, median, high)
    assert low == close(one.interval("energy_j", seed=1)[0], rel=0.02)
    assert (one.summary["energy_j_low"], one.summary["energy_j_high"]) == (low, high)
    assert low < one.energy_j < high


def test_wider_ranges_give_wider_intervals_and_no_ranges_none():
    none = replace(SRAM, ranges={}, draws={},
                   interconnect=replace(SRAM.interconnect, ranges={}, draws={}))  # fmt: skip
    one = report(none)
    assert one.interval("energy_j") == close((one.energy_j,) * 3)
    assert one.summary["latency_s_low"] == close(one.latency_s)
    assert sobol(one, "energy_j").empty
    low, _, high = report(data.load_technology("reram-14nm-lstp")).interval("energy_j")
    assert high / low > 20  # the device's pulse, 1 to 50 ns


def test_bounds_of_many_precisions_at_once_are_those_of_each():
    bits = np.array([[4] * len(ALEXNET.matmuls), [8] * len(ALEXNET.matmuls)])
    placed = plan(ALEXNET, LR).at(Bits(bits, bits))
    both = bounds(placed, SRAM, 2 * ALEXNET.macs)
    for k, width in enumerate((4, 8)):
        one = report(bits=width).summary
        for column, ends in both.items():
            assert ends[k] == close(one[column]), column
    assert set(both) == {f"{q}_{end}" for q in uncertainty.BOUNDED for end in ("low", "high")}


def test_samples_of_many_precisions_at_once_are_those_of_each():
    bits = np.array([[4] * len(ALEXNET.matmuls), [8] * len(ALEXNET.matmuls)])
    u = {cause: np.linspace(0.1, 0.9, 5) for cause in causes(SRAM)}
    together = uncertainty.evaluate(plan(ALEXNET, LR).at(Bits(bits, bits)), SRAM, 1.0, 1, u)
    for k in range(2):
        alone = uncertainty.evaluate(plan(ALEXNET, LR).at(Bits(bits[k], bits[k])), SRAM, 1.0, 1, u)
        for quantity in ("latency_s", "energy_j"):
            assert together[quantity].shape == (5, 2)
            np.testing.assert_allclose(together[quantity][:, k], alone[quantity])


def test_sobol_names_the_causes_of_a_result():
    table = sobol(report(data.load_technology("reram-14nm-lstp")), "energy_j", 256)
    assert table.cause[0] == "device pulse"
    assert table.total[0] == pytest.approx(1.0, abs=0.1)
    assert (table.total >= 0.01).all()
    area = sobol(report(), "area_m2", 512)
    # they hardly interact
    assert set(area.cause) <= {
        "layout", "layout of routers", "layout of latches", "layout of cross-points",
        "vertical area", "segment switches",
    }  # fmt: skip
    assert area["first"].sum() == pytest.approx(1.0, abs=0.1)


def test_peaks_are_sampled_with_the_same_prices():
    drawn = uncertainty.peak_samples(16, LR, SRAM, 2000)
    nominal = peak(16, LR, SRAM)
    for figure in ("throughput_ops", "efficiency_ops_per_w", "power_w"):
        draws = getattr(drawn, figure)
        assert draws.shape == (2000,)
        assert 0.25 <= np.mean(draws < getattr(nominal, figure)) <= 0.75
    none = replace(SRAM, ranges={}, draws={},
                   interconnect=replace(SRAM.interconnect, ranges={}, draws={}))  # fmt: skip
    same = uncertainty.peak_samples(16, LR, none, 2)
    assert same.throughput_ops.tolist() == [nominal.throughput_ops] * 2
    assert same.area_m2.tolist() == [nominal.area_m2] * 2


def test_a_parameter_set_to_zero_stays_zero():
    """A log-uniform range has no median of 0: an effect that is switched off has no samples."""
    off = replace(SRAM, compare_s_per_cell=0.0)
    assert SRAM.draws["compare_s_per_cell"][0] == "logsplit"
    low, median, high = report(off).interval("latency_s")
    assert 0 < low < median < high < np.inf
    assert high < report().interval("latency_s")[2]


def test_impossible_samples_are_refused_in_one_line():
    one = report()
    with pytest.raises(BfimnaError, match="unknown quantity with an interval 'energy'; did you me"):
        one.interval("energy")
    with pytest.raises(BfimnaError, match="unknown quantity"):
        sobol(one, "joules")
    with pytest.raises(BfimnaError, match="samples must be a power of two, not 100"):
        sobol(one, "energy_j", 100)
    with pytest.raises(BfimnaError, match="draws must be"):
        one.interval("energy_j", draws=0)
    wide = replace(SRAM, ranges={**SRAM.ranges, "threshold_v": (0.3, 0.56)})
    with pytest.raises(BfimnaError, match="within the range of sram-14nm-lstp's threshold"):
        report(wide.at_supply(0.55)).interval("latency_s")
