"""What docs/model.md says that each change of prices does to ResNet18 at 8 bits."""

from dataclasses import replace

import bfimna as bf

from .test_model_document import assert_rounded, numbers, row, sentence

NEW = bf.load_technology("sram-14nm-lstp")
#: version 0.2's results: s, J, m²
OLD = (1.0668040770290814e-04, 1.0024663687990635e-02, 3.4606067712e-04)
HARDWARE = ("latch", "pick", "key_register", "controller", "segment_switch", "mode_switch")


def prices(*starts):
    return {name: value for name, value in vars(NEW).items() if name.startswith(starts)}


def figures(technology):
    report = bf.simulate("resnet18", 8, bf.Chip.paper(), technology)
    return report.latency_s, report.energy_j, report.area_m2


def steps():
    """Yield each change's name and figures, one after the other."""
    bank = {"compare_s": NEW.read_s, "compare_s_per_cell": NEW.read_s_per_cell,
            "shift_s": NEW.read_s}  # fmt: skip
    free = dict.fromkeys(prices(*HARDWARE), 0.0)
    own = ("match_saves_j_per_row", "write_j_per_gate_cell", "vertical_mat_s")
    no_fan_out = replace(NEW.interconnect, multicast_j_per_bit_cap=0.0)
    tech = replace(NEW, **free, **bank, **dict.fromkeys(own, 0.0), cross_point_area_factor=1.0,
                   interconnect=no_fan_out)  # fmt: skip
    yield "vertical cycles", figures(tech)
    write_cell = ("write_j_per_gate", "cross_point")
    for name, changed in (
        ("mats", prices("vertical_mat_s")),
        ("a compare's time at 72 columns", prices("compare_s", "shift_s")),
        ("what a match saves", prices("match_saves")),
        ("write cell", prices(*write_cell)),
        ("latches and selectors", prices("latch", "pick")),
        ("multicast's fan-out", {"interconnect": NEW.interconnect}),
        ("key and mask registers", prices("key_register")),
        ("controllers", prices("controller")),
        ("setting segment switches", prices("segment_switch")),
        ("changes of mode", prices("mode_switch")),
    ):
        tech = replace(tech, **changed)
        yield name, figures(tech)
    assert tech == NEW


def test_each_step_and_all_together():
    before = OLD
    for name, after in steps():
        factors = dict(
            zip(("latency", "energy", "area"), (b / a for a, b in zip(before, after, strict=True)),
                strict=True)
        )  # fmt: skip
        before = after
        if name == "mats":
            assert_rounded(numbers(row("vertical cycles")[2])[1:], [factors["latency"]])
            continue
        effect = row(name)[2]
        printed = dict(part.split(" × ") for part in effect.split(" (")[0].split(", ")
                       if not part.startswith("×"))  # fmt: skip
        for what, text in printed.items():
            assert_rounded([text], [factors[what]])
        for what in factors.keys() - printed.keys():  # what is not said is below one per cent
            assert abs(factors[what] - 1) < 0.01, (name, what)
    latency, energy, area = (b / a for a, b in zip(OLD, before, strict=True))
    printed = sentence("Together: latency × #, energy × #, EDP × #, area × #.")
    assert_rounded(printed, [latency, energy, latency * energy, area])
