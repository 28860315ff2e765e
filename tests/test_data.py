"""data/: what a table must hold, and the one-line errors for what it must not."""

import shutil

import pandas as pd
import pytest

from bfimna import BfimnaError, data


@pytest.fixture
def edited(tmp_path, monkeypatch):
    """Edit a copy of data/ and read that instead."""
    shutil.copytree(data.ROOT, tmp_path / "data")
    monkeypatch.setattr(data, "ROOT", tmp_path / "data")

    def forget():
        data._read.cache_clear()
        data.load_technology.cache_clear()

    def edit(name, change):
        path = tmp_path / "data" / name
        table = pd.read_csv(path, dtype=object)
        change(table).to_csv(path, index=False)
        forget()

    yield edit
    forget()


def first(table, column, value):
    table.loc[0, column] = value
    return table


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda t: first(t, "unit", None), "line 2: sram-14nm-lstp compare_time has no unit"),
        (lambda t: first(t, "unit", "parsec"), "has unit 'parsec'; allowed: s, ns, ps"),
        (lambda t: first(t, "unit", "fJ"), "has unit 'fJ'; allowed: s, ns, ps"),
        (lambda t: first(t, "status", "X"), "has status 'X'; allowed: A, P, H, C, D"),
        (lambda t: first(t, "source", None), "has no source"),
        (lambda t: first(t, "value", "fast"), "value 'fast' is no number"),
        (lambda t: first(t, "value", "-1"), "is no number of at least 0"),
        (lambda t: first(t, "low", "9"), "lies outside 9"),
        (lambda t: first(t, "parameter", "compare_tme"), "did you mean 'compare_time'"),
        (lambda t: t.drop(index=0), "sram-14nm-lstp lacks compare_time"),
        (lambda t: pd.concat([t.iloc[:1], t]), "has two compare_time"),
    ],
)
def test_a_broken_technology_row_is_named_by_line(edited, change, told):
    edited("technologies.csv", change)
    with pytest.raises(BfimnaError, match=told):
        data.load_technology("sram-14nm-lstp")


def test_a_new_technology_is_rows_in_the_table_and_nothing_else(edited):
    def add(table):
        mine = table[table.technology == "sram-14nm-lstp"].assign(technology="mine")
        mine.loc[mine.parameter == "compare_time", ["value", "low", "high"]] = ["200", "200", "200"]
        mine.loc[mine.parameter == "compare_time", "unit"] = "ps"
        return pd.concat([table, mine])

    edited("technologies.csv", add)
    assert data.load_technology("mine").compare_s == pytest.approx(200e-12)


def test_a_missing_table_is_named(edited):
    (data.ROOT / "technologies.csv").unlink()
    data._read.cache_clear()
    with pytest.raises(BfimnaError, match=r"data file technologies.csv is missing"):
        data.technologies()


def test_unknown_names_suggest_the_nearest():
    with pytest.raises(BfimnaError, match="did you mean 'reram-14nm-lstp'"):
        data.load_technology("rram-14nm-lstp")


def test_every_published_figure_has_a_source_and_a_status():
    for name in ("published/accelerators.csv", "published/components.csv", "technologies.csv"):
        table = data._read(name)
        assert table.source.notna().all(), name
        assert table.status.isin(data.STATUSES).all(), name


def test_interconnect_energies_are_converted_once():
    tech = data.load_technology("sram-14nm-lstp")
    assert tech.mesh_j_per_bit_hop == pytest.approx(20.74e-12 / 256)
    assert tech.bus_j_per_bit == pytest.approx(0.054e-12)
