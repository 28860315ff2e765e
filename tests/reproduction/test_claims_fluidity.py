"""The claim of bit fluidity falls with what it rests on: outputs, cycles, time, energy, bits."""

from dataclasses import replace

import pytest
from reproduction.studies.claims import fluidity

from bfimna.cost import formulas
from bfimna.emulator import digits
from bfimna.mapping.plan import Plan
from bfimna.names import load_technology
from bfimna.network.precision import Precision

from ..close import close

SRAM, RERAM = load_technology("sram-14nm-lstp"), load_technology("reram-14nm-lstp")


def test_time_to_reconfigure_breaks_bit_fluidity(monkeypatch):
    assert fluidity.compare([SRAM, RERAM]).verdict == "reproduced"
    costs = formulas.costs

    def slower(schedule, technology, layers):
        times, energies = costs(schedule, technology, layers)
        return times + 1e-3 / times.shape[-1], energies  # 1 ms per layer

    monkeypatch.setattr("bfimna.cost.simulate.costs", slower)
    judged = fluidity.compare([SRAM])
    assert judged.verdict == "not reproduced"
    assert "neither cycle nor traffic" in judged.reason


@pytest.mark.parametrize("hidden", ["latency", "link_latency", "exposed_latency"])
def test_time_hidden_in_the_model_s_own_sums_breaks_bit_fluidity(monkeypatch, hidden):
    """1 ms a layer, where the model adds up cycles, or what its buses take."""
    own = getattr(formulas, hidden)
    monkeypatch.setattr(formulas, hidden, lambda *given: own(*given) + 1e-3)
    assert fluidity.compare([SRAM]).verdict == "not reproduced"


def test_energy_hidden_in_each_layer_that_moves_data_breaks_bit_fluidity(monkeypatch):
    """50 µJ a layer, where the model prices its traffic."""
    own = formulas.transfer_energy
    monkeypatch.setattr(formulas, "transfer_energy", lambda *given: own(*given) + 50e-6)
    judged = fluidity.compare([SRAM])
    assert judged.verdict == "not reproduced"
    assert "0.00 % of the time is neither" in judged.reason


def test_energy_hidden_in_the_arrays_breaks_bit_fluidity(monkeypatch):
    own = formulas.energy
    monkeypatch.setattr(formulas, "energy", lambda *given: 1.001 * own(*given))
    assert fluidity.compare([SRAM]).verdict == "not reproduced"


@pytest.mark.parametrize("part", ["bus_bits", "mesh_bit_hops", "both", "multicast operands"])
def test_buses_that_always_move_8_bits_break_bit_fluidity(monkeypatch, part):
    traffic = Plan.traffic

    def of_8_bits(self, bits, words, counts, *rest):
        schedule = self.at(Precision.fixed(self.network, 8))
        own = traffic(self, bits, words, counts, *rest)
        wide = traffic(self, schedule.bits, schedule.words, counts, *rest)
        if part == "both":
            return wide
        if part != "multicast operands":
            return replace(own, **{part: getattr(wide, part)})
        more = (wide.mesh_bit_hops - own.mesh_bit_hops) * self.chip.multicast
        return replace(
            own,
            mesh_bit_hops=own.mesh_bit_hops + more,
            bus_bits=own.bus_bits + more / self.chip.mean_hops,
        )

    monkeypatch.setattr(Plan, "traffic", of_8_bits)
    judged = fluidity.compare([SRAM])
    assert judged.verdict == "not reproduced"
    assert "the bits moved are not the emulator's in conv1 at int" in judged.reason


def test_operands_that_cross_twice_break_bit_fluidity(monkeypatch):
    traffic = Plan.traffic

    def twice(self, *given):
        once = traffic(self, *given)
        operands = once.mesh_bit_hops / self.chip.mean_hops
        return replace(
            once, bus_bits=once.bus_bits + operands, mesh_bit_hops=2 * once.mesh_bit_hops
        )

    monkeypatch.setattr(Plan, "traffic", twice)
    assert fluidity.compare([SRAM]).verdict == "not reproduced"


def test_a_wrong_output_breaks_bit_fluidity(monkeypatch):
    """One weight of one precision is off by one in the reference only."""

    def off(network, own, images, bits):
        if bits.name == "int4":
            own = dict(own)
            layer = next(iter(own))
            own[layer] = replace(own[layer], bias=own[layer].bias + 8)
        return reference(network, own, images, bits)

    reference = fluidity.oracle.infer
    monkeypatch.setattr(fluidity.oracle, "infer", off)
    fluidity.stream.cache_clear()
    try:
        judged = fluidity.compare([SRAM])
    finally:
        fluidity.stream.cache_clear()
    assert judged.verdict == "not reproduced"
    assert judged.ours < 1


def test_cycles_to_switch_break_bit_fluidity(monkeypatch):
    """An array that clears itself between two inferences shows in the account of the switch."""
    begin = fluidity.Emulator.begin

    def clearing(self, *given):
        for array in self.arrays.values():
            array.counts = array.counts + fluidity.Counts(writes=array.columns)
        return begin(self, *given)

    monkeypatch.setattr(fluidity.Emulator, "begin", clearing)
    fluidity.stream.cache_clear()
    try:
        judged = fluidity.compare([SRAM])
    finally:
        fluidity.stream.cache_clear()
    assert judged.verdict == "not reproduced"


def test_the_stream_runs_every_precision_down_and_up_again():
    ran = fluidity.stream()
    assert ran.right == len(ran.names) == 2 * len(digits.trained()) - 1


def test_other_weights_take_longer_over_a_slower_link():
    seconds, joules, held = fluidity.reload("resnet18", "int8", SRAM)
    assert held == pytest.approx(64 * 4800 * 72 / (8 * 11_678_912))
    assert (
        "µJ from DRAM (ResNet18, INT8; the MAPs of LR hold 24 %" in fluidity.compare([SRAM]).reason
    )
    slow = replace(SRAM, interconnect=replace(SRAM.interconnect, dram_bytes_per_s=1e9))
    bits = 8 * 11_678_912
    assert fluidity.reload("resnet18", "int8", slow)[0] == close(bits / 8 / 1e9)
    assert seconds < bits / 8 / 1e9
    assert joules == close(
        bits * (SRAM.interconnect.dram_j_per_bit + SRAM.interconnect.bus_j_per_bit)
    )
