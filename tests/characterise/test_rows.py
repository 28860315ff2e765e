"""From kit to table to inference; the same bytes twice; fits that do not hold are refused."""

import csv
from dataclasses import replace

import pytest
from reproduction.circuit import other_cells
from reproduction.circuit.simulated import table_rows

import bfimna as bf
from bfimna import data
from bfimna.characterise import Disturb, characterise, rows_of, technology_csv
from bfimna.characterise.fits import LARGEST_RESIDUAL, delay_law, straight
from bfimna.cli import main
from bfimna.errors import BfimnaError
from bfimna.technology.technology import delay

from .conftest import KITS


def test_the_command_prints_the_same_bytes_twice_and_keeps_its_runs(
    cache, own, tmp_path, capsys, monkeypatch
):
    command = ["characterise", str(KITS / "own.toml"), "--name", "my-cell"]
    outputs = []
    for folder in (tmp_path / "anew", cache):
        assert main([*command, "--cache", str(folder)]) == 0
        captured = capsys.readouterr()
        outputs.append(captured.out)
        assert "runs" in captured.err
    assert outputs[0] == outputs[1] == technology_csv(own, "my-cell")
    again = characterise(KITS / "own.toml", cache)
    assert (again.runs, again.hits > 80) == (0, True)


def test_the_table_loads_and_prices_an_inference(own, resistive, tmp_path):
    for done, writes in ((own, True), (resistive, False)):
        path = tmp_path / f"{done.kit.name}.csv"
        path.write_text(technology_csv(done, "my-cell"))
        tech = bf.load_technology(f"{path}:my-cell")
        report = bf.simulate("resnet18", 8, "LR", tech)
        assert report.energy_j > 0
        assert tech.write_scales is writes
        low, _, high = report.interval("energy_j")
        assert low < report.energy_j < high


def test_every_value_lies_in_its_range_and_wires_widen_it(own):
    rows = {row.parameter: row for row in rows_of(own)}
    for row in rows.values():
        assert row.low <= row.value <= row.high, row
    line = rows["compare_energy_per_attached_cell"]
    assert line.low < own.conditions["wires halved"].values[line.parameter] * 1e15 * 1.001
    assert line.high >= own.conditions["wires doubled"].values[line.parameter] * 1e15 * 0.999
    assert {row.status for row in rows.values()} == {"S", "D"}


def test_bit_lines_that_are_held_have_a_price_for_each_cell_that_is_not_written(own):
    held = replace(
        own,
        kit=replace(own.kit, cell="10T", bit_lines="held"),
        disturbed=Disturb(1, 63, 25.0, 0, 10e-15),
    )
    name = "write_energy_per_held_cell"
    before, after = ({r.parameter: r for r in rows_of(done)}[name] for done in (own, held))
    assert before.value == 0
    assert (after.value, after.low, after.high) == pytest.approx((10, 5, 20))


def test_the_committed_table_holds_what_the_shipped_kits_give(own, resistive):
    text = (data.ROOT / "circuit" / "simulated.csv").read_text(encoding="utf-8")
    committed = list(csv.reader(text.splitlines()))
    for done in (own, resistive):
        if done.ngspice == 39:  # another release may differ in the last digits
            assert [row for row in committed if row[7] == done.kit.name] == table_rows(done)


def test_the_committed_cells_are_those_of_the_shipped_kits(own, resistive):
    lines = (data.ROOT / "technologies" / "cells.csv").read_text(encoding="utf-8").splitlines()
    for done in (own, resistive):
        (name,) = (name for name, kit in other_cells.CELLS.items() if kit == done.kit.name)
        if done.ngspice == 39:
            ours = [line for line in lines if line.startswith(f"{name},")]
            assert ours == technology_csv(done, name).splitlines()[1:]
    shipped = (KITS / "own.csv").read_text(encoding="utf-8")
    assert own.ngspice != 39 or shipped == technology_csv(own, "my-cell")


def test_a_name_that_no_table_may_have_is_refused(own):
    with pytest.raises(BfimnaError, match="printable text"):
        technology_csv(own, "a\nb")


def test_a_residual_above_5_percent_is_refused():
    assert LARGEST_RESIDUAL == 0.05
    with pytest.raises(BfimnaError, match=r"residual of .* at 16, above 5%"):
        straight("energy", [16, 40, 72], [1.0, 6.0, 7.0])
    volts = [0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
    with pytest.raises(BfimnaError, match=r"delay: residual of .* above 5%"):
        delay_law("delay", volts, [368.0, 41.0, 6.8, 2.13, 1.10, 0.73])


def test_the_law_of_delay_is_found_again():
    volts = [0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
    law = delay_law("delay", volts, [3e-9 * delay(v, 0.31, 1.4) for v in volts])
    assert law.threshold_v == pytest.approx((0.31, 0.31, 0.31), abs=1e-4)
    assert law.alpha == pytest.approx((1.4, 1.4, 1.4), abs=1e-3)


def test_jobs_and_kits_are_checked(kit, tmp_path):
    with pytest.raises(BfimnaError, match="jobs must be a whole number"):
        characterise(kit, tmp_path, jobs=0)
    with pytest.raises(BfimnaError, match="no such file"):
        characterise(tmp_path / "none.toml")
