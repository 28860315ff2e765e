"""Limits of power density and current: phases are stretched until they meet them."""

from dataclasses import replace

import numpy as np
import pytest

import bfimna as bf
from bfimna import Chip, Precision, data, simulate, zoo
from bfimna.cost import formulas, limits, uncertainty
from bfimna.cost.formulas import ALL_PHASES, LEAKAGE, TRAFFIC
from bfimna.mapping.chip import LIMITS
from bfimna.technology.sampling import causes, sampled_prices, uniform

from ..close import close

SRAM, RERAM = (data.load_technology(f"{cell}-14nm-lstp") for cell in ("sram", "reram"))
HP = data.load_technology("sram-14nm-hp")
FREE = Chip.paper()
LIMITED = replace(FREE, **LIMITS)
RESNET = zoo.resnet18()
CHIPS = {
    "LR": LIMITED,
    "density": replace(LIMITED, max_current_a=None),
    "current": replace(FREE, max_current_a=40.0),
    "IR": replace(LIMITED, clusters=0),
    "one array": replace(LIMITED, clusters=1, caps_per_cluster=1, maps_per_cluster=1),
    "overlap": replace(LIMITED, overlap=True),
    "streamed": replace(LIMITED, weights="streamed"),
    "streamed, overlap": replace(LIMITED, weights="streamed", overlap=True),
    "1d": replace(LIMITED, ap_kind="1d"),
    "by row": replace(LIMITED, load_mode="by row", max_power_density_w_per_m2=1e5),
    "auto": replace(LIMITED, weights="auto"),
}


def hot_links(technology, factor=1e3):
    """Return the technology with moving bits so dear that traffic has to be stretched."""
    links = technology.interconnect
    return replace(
        technology, interconnect=replace(links, bus_j_per_bit=links.bus_j_per_bit * factor)
    )


@pytest.mark.parametrize(("name", "technology", "hot"), [
    ("density", SRAM, False), ("density", RERAM, True), ("density", HP, True),
    ("density", hot_links(SRAM), True), ("current", SRAM, True), ("current", RERAM, True),
    ("one array", SRAM, False), ("one array", RERAM, True), ("one array", hot_links(SRAM), True),
])  # fmt: skip
def test_each_phase_takes_the_least_time_that_meets_the_limit(name, technology, hot):
    """By hand, phase by phase: (E + P_leak · t) / t is at most the limit, and as near as can be."""
    chip = CHIPS[name]
    limited = simulate(RESNET, 8, chip, technology)
    free = simulate(RESNET, 8, replace(chip, **dict.fromkeys(LIMITS)), technology)
    leak = formulas.leakage_power(chip, technology)
    density, amperes = chip.max_power_density_w_per_m2, chip.max_current_a
    most = min(
        density * limited.area_m2 if density else np.inf,
        amperes * technology.supply_v if amperes else np.inf,
    )
    stretched = 0
    for phase in set(ALL_PHASES) - {"leakage", "load"}:
        k = ALL_PHASES.index(phase)
        for t, own, joules in zip(
            limited.times[:, k], free.times[:, k], free.energies[:, k], strict=True
        ):
            assert limited.energies[:, k] == close(free.energies[:, k])
            if own == 0 or joules / own + leak <= most:
                assert t == own
                continue
            assert (joules + leak * t) / t == close(most)
            stretched += 1
    assert bool(stretched) is hot
    assert limited.energies[:, LEAKAGE] == close(leak * limited.times.sum(axis=1))
    load = ALL_PHASES.index("load")
    assert (limited.times[:, load] >= free.times[:, load]).all()
    met = limited.energies[:, load] + leak * limited.times[:, load]
    assert (met <= most * limited.times[:, load] * (1 + 1e-9)).all()


def test_the_cycle_that_clears_is_stretched_by_itself():
    """A limit that the load as a whole meets and its first cycle does not."""
    free = simulate(RESNET, 8, FREE, SRAM)
    load = ALL_PHASES.index("load")
    first, rest = limits.load_parts(free.schedule)
    watts = [
        formulas.energy(part.counts, SRAM, FREE) / formulas.latency(part.counts, SRAM, FREE)
        for part in (first, rest)
    ]
    most = (watts[1].max() + watts[0].max()) / 2
    chip = replace(FREE, max_current_a=float(most / SRAM.supply_v))
    limited = simulate(RESNET, 8, chip, SRAM)
    room = most - formulas.leakage_power(FREE, SRAM)
    joules = formulas.energy(first.counts, SRAM, FREE)
    longer = np.maximum(joules / room - formulas.latency(first.counts, SRAM, FREE), 0.0)
    assert longer.any()
    assert limited.throttled[first.layers, load] == close(longer)
    assert limited.throttled_s == close(longer.sum())


@pytest.mark.parametrize("technology", [SRAM, RERAM, HP, hot_links(SRAM, 100.0)])
@pytest.mark.parametrize("name", CHIPS)
def test_totals_of_many_points_are_the_sums_over_layers(name, technology):
    """The matrix products of sweeps and draws give what the layers add up to, prices and all."""
    bits = [Precision.fixed(RESNET, 2), Precision.mixed(RESNET, 5), Precision.fixed(RESNET, 8)]
    schedule = bf.plan(RESNET, CHIPS[name]).at(bits)
    u = {cause: uniform(cause, 8, 1) for cause in causes(technology)}
    prices = sampled_prices(technology, {cause: x[:, None] for cause, x in u.items()})
    totals = bf.cost.totals.event_totals(schedule)
    seconds = np.broadcast_to(totals.seconds(prices), (8, 3))
    joules = np.broadcast_to(totals.joules(prices, seconds), (8, 3))
    throttled = np.broadcast_to(totals.throttled_seconds(prices), (8, 3))
    assert (throttled >= 0).all()
    for k in range(8):
        one = _one_draw(technology, {cause: x[k : k + 1] for cause, x in u.items()})
        times, energies = limits.costs(schedule, one, len(RESNET.layers))
        assert seconds[k] == close(times.sum(axis=(-1, -2)))
        assert joules[k] == close(energies.sum(axis=(-1, -2)))
        free = formulas.costs(schedule, one, len(RESNET.layers))[0]
        assert throttled[k] == pytest.approx(
            (times - free).sum(axis=(-1, -2)), rel=1e-6, abs=1e-12 * times.sum()
        )


def _one_draw(technology, u):
    """Return a technology whose numbers are those of one draw."""
    prices = sampled_prices(technology, u)
    links = {
        n: float(np.squeeze(getattr(prices.interconnect, n)))
        for n in bf.technology.prices.LINK_PRICES
    }
    own = {n: float(np.squeeze(getattr(prices, n))) for n in bf.technology.prices.EVENT_PRICES}
    interconnect = replace(technology.interconnect, **links, ranges={}, draws={})
    return replace(technology, **own, interconnect=interconnect, ranges={}, draws={})


def test_limits_cost_time_and_leakage_only():
    limited, free = (simulate(RESNET, 8, chip, RERAM) for chip in (LIMITED, FREE))
    assert limited.throttled_s == close(limited.latency_s - free.latency_s)
    assert limited.throttled_s > 0.5 * limited.latency_s
    leak = formulas.leakage_power(FREE, RERAM)
    assert limited.energy_j - free.energy_j == close(leak * limited.throttled_s, 1e-6)
    table = limited.layers
    assert table.throttled_s.sum() == close(limited.throttled_s)
    assert limited.summary["throttled_s"] == limited.throttled_s
    rows = {name: value for name, value, _ in limited.headline}
    assert "of which throttling" in rows
    assert "of which throttling" not in {name for name, *_ in free.headline}


def test_traffic_with_overlap_meets_the_limit_with_what_computes_meanwhile():
    chip, technology = CHIPS["streamed, overlap"], hot_links(SRAM, 300.0)
    report = simulate(RESNET, 8, chip, technology)
    at = report.schedule.traffic.layers
    beside = report.schedule.traffic.dram_bits * technology.interconnect.dram_j_per_bit
    joules = report.energies[at].sum(axis=1) - beside  # a DRAM's are not spent on the chip
    watts = joules / report.times[at].sum(axis=1)  # leakage included
    assert (watts <= 1e6 * report.area_m2 * (1 + 1e-9)).all()
    assert report.throttled[:, TRAFFIC].any()


def test_intervals_follow_the_limits():
    limited, free = (simulate(RESNET, 8, chip, RERAM) for chip in (LIMITED, FREE))
    low, median, high = limited.interval("latency_s", draws=500)
    assert low < limited.latency_s < high
    assert median > 3 * free.interval("latency_s", draws=500)[1]
    samples = uncertainty.samples_of(limited, "latency_s", 500)
    assert (samples >= uncertainty.samples_of(free, "latency_s", 500)).all()


@pytest.mark.parametrize("field", LIMITS)
@pytest.mark.parametrize("value", [0, -1.0, float("inf"), float("nan"), "1", True])
def test_a_limit_is_a_number_above_0_or_none(field, value):
    with pytest.raises(bf.BfimnaError, match=f"{field} must be a finite number above 0, not"):
        Chip(**{field: value})
    assert getattr(Chip(**{field: None}), field) is None
    assert getattr(Chip(**{field: 2}), field) == 2.0


def test_a_technology_and_a_chip_from_files(tmp_path):
    rows = bf.data.technologies()
    rows = rows[rows.technology == "reram-14nm-lstp"].assign(technology="mine")
    rows.to_csv(tmp_path / "mine.csv", index=False)
    (tmp_path / "cold.yaml").write_text("name: cold\nmax_power_density_w_per_m2: 1.0e+5\n")
    (tmp_path / "free.yaml").write_text(
        "name: free\nmax_power_density_w_per_m2: null\nmax_current_a: null\n"
    )
    mine = f"{tmp_path / 'mine.csv'}:mine"
    cold, free = (simulate(RESNET, 8, tmp_path / f"{c}.yaml", mine) for c in ("cold", "free"))
    assert cold.throttled_s > 0
    assert free.throttled_s == 0
    assert not free.feasible
