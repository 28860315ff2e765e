"""Tables of data/, and the one-line errors for rows that cannot be used."""

import shutil
from dataclasses import replace

import pandas as pd
import pytest

from bfimna import BfimnaError, data

from .close import close


@pytest.fixture
def edited(tmp_path, monkeypatch):
    """Edit a copy of data/ and read that instead."""
    shutil.copytree(data.ROOT, tmp_path / "data")
    monkeypatch.setattr(data, "ROOT", tmp_path / "data")

    def edit(name, change):
        path = tmp_path / "data" / name
        table = pd.read_csv(path, dtype=object)
        change(table).to_csv(path, index=False)

    return edit


DERIVED = "technologies/derived.csv"


def first(table, column, value):
    table.loc[0, column] = value
    return table


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: first(t, "unit", None), "line 2: sram-14nm-lstp compare_time has no unit"),
        (lambda t: first(t, "unit", "parsec"), "has unit 'parsec'; allowed: s, ns, ps"),
        (lambda t: first(t, "unit", "fJ"), "has unit 'fJ'; allowed: s, ns, ps"),
        (lambda t: first(t, "status", "X"), "has status 'X'; allowed: A, P, H, C, S, D"),
        (lambda t: first(t, "source", None), "has no source"),
        (lambda t: first(t, "value", "fast"), "value 'fast' is no number"),
        (lambda t: first(t, "value", "-1"), "is no number of at least 0"),
        (lambda t: first(t, "value", "nan"), "is no number of at least 0"),
        (lambda t: first(t, "low", "9"), "lies outside 9"),
        (lambda t: first(t, "high", "-9"), "high '?-9.*is no number of at least 0"),
        (lambda t: first(t, "distribution", "normal"), "unknown distribution .*line 2.*'normal'"),
        (lambda t: first(t, "low", "0"), "a logsplit range starts above 0, not at 0"),
        (lambda t: first(t, "parameter", "compare_tme"), "did you mean 'compare_time'"),
        (lambda t: t.drop(index=0), "sram-14nm-lstp lacks compare_time"),
        (lambda t: pd.concat([t.iloc[:1], t]), "has two compare_time"),
    ],
)
def test_a_broken_technology_row_is_named_by_line(edited, change, message):
    edited(DERIVED, change)
    with pytest.raises(BfimnaError, match=message):
        data.load_technology("sram-14nm-lstp")


def test_a_new_technology_is_rows_in_the_table_and_nothing_else(edited):
    derived = pd.read_csv(data.ROOT / DERIVED, dtype=object)

    def add(table):
        mine = derived[derived.technology == "sram-14nm-lstp"].assign(technology="mine")
        mine.loc[mine.parameter == "compare_time", ["value", "low", "high"]] = ["200", "200", "200"]
        mine.loc[mine.parameter == "compare_time", "unit"] = "ps"
        return pd.concat([table, mine])

    edited("technologies/own.csv", add)
    assert data.load_technology("mine").compare_s == close(200e-12)
    assert "mine" in data.technology_names()
    assert data.load_technology("sram-14nm-lstp").name == "sram-14nm-lstp"


def test_one_name_in_both_tables_is_refused(edited):
    derived = pd.read_csv(data.ROOT / DERIVED, dtype=object)
    edited("technologies/own.csv", lambda table: derived)
    with pytest.raises(BfimnaError, match="'sram-14nm-hp' stands in two tables"):
        data.load_technology("sram-14nm-hp")


def test_a_missing_table_is_named(edited):
    edited(DERIVED, lambda table: table)
    (data.ROOT / DERIVED).unlink()
    with pytest.raises(BfimnaError, match=r"data file technologies/derived.csv is missing"):
        data.technologies()


def test_unknown_names_suggest_the_nearest():
    with pytest.raises(BfimnaError, match="did you mean 'reram-14nm-lstp'"):
        data.load_technology("rram-14nm-lstp")


def test_every_published_figure_has_a_source_and_a_status():
    published = [f"published/{n}.csv" for n in ("accelerators", "components", "limits", "claims")]
    for name in (*published, *data.TECHNOLOGIES, "technologies/assumptions.csv"):
        table = data._read(name)
        assert table.source.notna().all(), name
        assert table.status.isin(data.STATUSES).all(), name


def test_accelerators_state_what_was_read_and_have_no_figure_otherwise():
    table = data.accelerators()
    assert set(table.read) == {"abstract", "quoted", "not read"}
    figures = table[["throughput_gops", "efficiency_gops_per_w", "bits"]]
    unread = table.read == "not read"
    assert figures[unread].isna().all(axis=None)
    assert figures[~unread].efficiency_gops_per_w.notna().all()
    no_bits = table[~unread & table.bits.isna()]
    assert set(no_bits.accelerator) == {"CAP"}  # its abstract gives none
    assert no_bits.source.str.contains("bits not in the abstract").all()
    assert table.scope.isin(["macro", "chip", "system"]).all()
    assert table.basis.notna().all()
    assert table[table.node_nm.isna()].source.str.contains("node not").all()


def test_an_area_efficiency_is_throughput_over_area_where_both_are_published():
    table = data.accelerators().dropna(
        subset=["throughput_gops", "area_mm2", "area_efficiency_gops_per_mm2"]
    )
    assert {"ISAAC", "PipeLayer", "PUMA", "DaDianNao", "CAP"} <= set(table.accelerator)
    ratio = table.throughput_gops / table.area_mm2 / table.area_efficiency_gops_per_mm2
    assert ratio.between(0.99, 1.01).all()


def test_efficiencies_that_disagree_are_both_kept():
    table = data.accelerators().set_index("accelerator")
    pairs = table[["efficiency_gops_per_w", "efficiency_other_gops_per_w"]].dropna()
    assert set(pairs.index) == {"ISAAC", "PUMA", "DaDianNao"}
    assert (pairs.efficiency_gops_per_w / pairs.efficiency_other_gops_per_w > 1.03).all()
    assert table.source[pairs.index].str.contains("other: ").all()
    dadiannao = table.loc["DaDianNao"]
    assert dadiannao.efficiency_other_gops_per_w == close(
        dadiannao.throughput_gops / dadiannao.power_w, rel=1e-3
    )


def test_related_work_says_what_was_read_of_it():
    table = data.literature()
    assert {"Fouda 2022", "CAP", "CAPE", "RTM-AP", "Neural Cache", "Bit Fusion", "PPAC", "GSI APU",
            "multi-valued AP"} <= set(table.name)  # fmt: skip
    assert set(table.read) <= {"abstract", "not read"}
    assert table[["title", "where", "relation"]].notna().all(axis=None)
    assert table.says[table.read == "not read"].isna().all()


def test_silicon_is_per_operation_of_one_bit_as_the_titles_confirm():
    chips = data.silicon("digital_in_memory").set_index("chip")
    for chip, bits, tops_per_w in (
        ("Yan ISSCC 2022", 8, 27.38), ("He ISSCC 2023", 8, 38), ("Chih ISSCC 2021", 4, 89),
        ("Jedhe VLSI 2023", 4, 137), ("Lee VLSI 2022", 4, 121),
    ):  # fmt: skip
        assert f"{tops_per_w}" in chips.title[chip]
        assert chips.tops_per_w_1b[chip] / bits**2 == close(tops_per_w, rel=1e-3)
    assert chips.scope.isin(["macro", "processor"]).all()
    cells = data.silicon("cam_cells")
    assert len(cells) == 37
    supplies = data.silicon("nominal_supplies")
    assert set(cells.process_node_nm) <= set(supplies.node_nm)
    assert (supplies.low <= supplies.supply_v).all()
    assert (supplies.supply_v <= supplies.high).all()
    assert (supplies.status == "D").all()
    with pytest.raises(BfimnaError, match="unknown table of silicon 'chips'"):
        data.silicon("chips")


def test_interconnect_energies_are_converted_once():
    links = data.load_technology("sram-14nm-lstp").interconnect
    assert links.mesh_j_per_bit_hop == close(20.74e-12 / 256)
    assert links.bus_j_per_bit == close(0.054e-12)
    assert links.ranges["mesh_j_per_bit_hop"] == close((7e-12 / 256, 62e-12 / 256))
    assert (
        links.draws["mesh_j_per_bit_hop"] == links.draws["bus_j_per_bit"] == ("logsplit", "wires")
    )


def write(path, table, separator=","):
    table.to_csv(path, index=False, sep=separator)
    return path


@pytest.fixture
def mine():
    derived = pd.read_csv(data.ROOT / DERIVED, dtype=object)
    return derived[derived.technology == "sram-14nm-lstp"].assign(technology="mine")


def test_a_users_table_is_read_from_its_path(tmp_path, mine):
    tech = data.load_technology("mine", write(tmp_path / "cells.csv", mine))
    assert replace(tech, name="sram-14nm-lstp") == data.load_technology("sram-14nm-lstp")
    # parameters common to all technologies may be left out, and how ranges are drawn
    short = mine[~mine.parameter.str.startswith("vertical_")].drop(
        columns=["cause", "distribution"]
    )
    tech = data.load_technology("mine", str(write(tmp_path / "short.csv", short)))
    assert (tech.vertical_time_factor, tech.interconnect.router_bits) == (1, 256)
    assert tech.draws["compare_s"] == ("split", "compare_time")


@pytest.mark.parametrize(
    ("change", "separator", "message"),
    [
        (lambda t: t, ";", "cells.csv line 1: separated by semicolons; want commas"),
        (
            lambda t: t.drop(columns=["unit", "source"]),
            ",",
            "line 1: no column unit, source; it ne",
        ),
        (lambda t: first(t.reset_index(drop=True), "value", "fast"), ",", "line 2: mine .*'fast'"),
        (
            lambda t: first(t.reset_index(drop=True), "value", "-1"),
            ",",
            "line 2: mine compare_time",
        ),
        (lambda t: first(t.reset_index(drop=True), "value", ""), ",", "is no number of at least 0"),
        (
            lambda t: first(t.reset_index(drop=True), "high", "inf"),
            ",",
            "line 2: mine compare_time: a range ends at a finite number, not at inf",
        ),
        (lambda t: t.assign(technology="other"), ",", "'mine'; .*Known: other"),
        (lambda t: t[t.parameter != "alpha"][1:], ",", "cells.csv: mine lacks compare_time$"),
    ],
)
def test_a_broken_users_table_is_named_by_file_and_line(tmp_path, mine, change, separator, message):
    with pytest.raises(BfimnaError, match=message):
        data.load_technology("mine", write(tmp_path / "cells.csv", change(mine), separator))


def test_files_that_are_not_tables_are_refused_in_one_line(tmp_path):
    for name, content in (("empty.csv", b""), ("binary.csv", b"\xff\xfe\x00")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BfimnaError, match=name):
            data.load_technology("mine", tmp_path / name)
    with pytest.raises(BfimnaError, match=r"missing\.csv: no such file"):
        data.load_technology("mine", tmp_path / "missing.csv")
    (tmp_path / "endless.csv").symlink_to("/dev/zero")
    with pytest.raises(BfimnaError, match=r"endless\.csv: no such file"):
        data.load_technology("mine", tmp_path / "endless.csv")


def test_blank_lines_do_not_shift_the_line_that_an_error_names(tmp_path, mine):
    path = write(tmp_path / "cells.csv", mine)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], "", lines[1].replace("0.3059", "x"), *lines[2:]]))
    with pytest.raises(BfimnaError, match=r"cells.csv line 3: mine compare_time: value 'x'"):
        data.load_technology("mine", path)


def test_limits_are_read_in_si_and_unknown_ones_named():
    assert data.limit("power density") == close(1e6)
    assert data.limit("area of a die") == close(858e-6)
    with pytest.raises(BfimnaError, match="unknown limit 'noise'"):
        data.limit("noise")


@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "text", "flipped"])
def test_damaged_digits_are_refused_in_one_line(damage, tmp_path, monkeypatch):
    shutil.copytree(data.ROOT, tmp_path / "data")
    path = tmp_path / "data" / "digits" / "digits.npz"
    whole = path.read_bytes()
    half = len(whole) // 2
    flipped = whole[:half] + bytes(255 - b for b in whole[half : half + 100]) + whole[half + 100 :]
    path.unlink()
    if damage != "missing":
        path.write_bytes(
            {"empty": b"", "cut": whole[:half], "text": b"x" * 99, "flipped": flipped}[damage]
        )
    monkeypatch.setattr(data, "ROOT", tmp_path / "data")
    with pytest.raises(BfimnaError, match=r"digits.npz is missing or damaged"):
        data.digits()


@pytest.mark.parametrize(
    "arguments", [([],), (None,), ({},), ("x", []), ("\0.csv:x",), ("a" * 10**4 + ".csv:x",)]
)
def test_odd_names_of_technologies_are_refused_in_one_line(arguments):
    with pytest.raises(BfimnaError) as error:
        data.load_technology(*arguments)
    assert len(str(error.value)) < 1500


def test_an_edited_or_moved_table_is_read_anew(tmp_path, mine, monkeypatch):
    for folder, value in (("a", "0.2"), ("b", "0.3")):
        (tmp_path / folder).mkdir()
        table = mine.copy()
        ends = ["value", "low", "high"]
        table.loc[table.parameter == "compare_time", ends] = [value, value, value]
        write(tmp_path / folder / "cells.csv", table)
        monkeypatch.chdir(tmp_path / folder)
        assert data.load_technology("cells.csv:mine").compare_s == close(float(value) * 1e-9)
    (tmp_path / "b" / "cells.csv").write_bytes((tmp_path / "a" / "cells.csv").read_bytes())
    assert data.load_technology("cells.csv:mine").compare_s == close(0.2e-9)
    (tmp_path / "b" / "cells.csv").unlink()
    with pytest.raises(BfimnaError, match="no such file"):
        data.load_technology("cells.csv:mine")


def test_a_technology_named_by_a_number_is_loaded_by_it(tmp_path, mine):
    path = write(tmp_path / "cells.csv", mine.assign(technology="007"))
    assert data.load_technology(f"{path}:007").compare_s > 0
    with pytest.raises(BfimnaError, match=r"unknown technology in .*'7'.*Known: 007"):
        data.load_technology("7", path)
