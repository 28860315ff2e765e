"""A kit: each field is checked, with a line that names it; no path leaves its folder."""

import shutil

import pytest

from bfimna.characterise import read_kit
from bfimna.errors import BfimnaError

from .conftest import KITS


@pytest.fixture
def edited(tmp_path):
    """Read the shipped kit with one text replaced by another."""
    for file in KITS.glob("own*"):
        shutil.copy(file, tmp_path)

    def read(old, new, kit="own.toml"):
        path = tmp_path / kit
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
        return read_kit(path)

    return read


@pytest.mark.parametrize("name", [path.name for path in KITS.glob("own*.toml")])
def test_the_shipped_kits_are_read(name):
    assert read_kit(KITS / name).card.devices == {"nch", "pch"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("supply_v = 0.9", "", "lacks supply_v"),
        ("supply_v = 0.9", "supply_v = '0.9'", "supply_v must be a number from 0.2 to 5"),
        ("supply_v = 0.9", "supply_v = nan", "supply_v must be a number"),
        ("rows = 300", "rowz = 300", "unknown field of kit own.toml 'rowz'; did you mean 'rows'"),
        ("rows = 300", "rows = 3.5", "rows must be a whole number from 16 to 4096"),
        ("rows = 300", "name = 'x'", "unknown field of kit own.toml 'name'"),
        ('cell = "12T"', 'cell = "8T"', "unknown cell (own.toml) '8T'"),
        ('cell = "12T"', 'cell = "2T2R"', "a 2T2R cell needs a table"),
        ("cell_um = [1.5, 0.6]", "cell_um = [1.5]", "cell_um must list 2 numbers"),
        ("temperatures_k = [300, 350, 375]", "temperatures_k = [300, 375, 350]", "must rise"),
        ("supplies_v = [0.6,", "supplies_v = [[0.6],", "must be a number"),
        ("width_range = [0.8, 1.25]", "width_range = [1.1, 1.25]", "width_range must hold 1"),
        ("compare = 1,", "comparator = 1,", "unknown sizes"),
        ("rows = 300", 'bit_lines = "high"', "unknown bit_lines"),
        ("rows = 300", "rows = 300\n[device]\nlow_ohm = 1", "unknown device (own.toml) 'low_ohm'"),
        ("rows = 300", "rows = 300\n[device]\nwrite_v = 1", "lacks pulse_ns, write_fj, endurance"),
        ('"own.lib"', '"/etc/passwd"', "must lie beside the kit"),
        ('"own.lib"', '"../own.lib"', "must lie beside the kit"),
        ('"own.lib"', '"other.lib"', "no such file"),
        ('"own.lib"', "7", "card must be the name of a file"),
        (" nch L", " nfet L", "names device 'nfet', which own.lib lacks; it has nch, pch"),
        ("M1 d g s b nch", "A1 d g s b nch", "nmos must be like"),
        ("m={k}", "m={k}\\n.control", "must be like"),
        ("m={k}", "m=`id`", "must be like"),
        ("supply_v = 0.9", "supply_v = ", "not TOML"),
    ],
)
def test_a_bad_field_is_named(edited, old, new, message):
    with pytest.raises(BfimnaError) as raised:
        edited(old, new)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("low_ohm = 6e3", "low_ohm = 2e6", "high_ohm must be above low_ohm"),
        ("endurance = [1e9, 1e6, 1e12]", "endurance = [1e9, 1e10, 1e12]", "in order"),
        ("endurance = [1e9, 1e6, 1e12]", "", "device lacks endurance"),
        ("endurance = [1e9, 1e6, 1e12]", "endurance = 1e9", "must be [value, low, high]"),
    ],
)
def test_what_a_kit_states_of_its_devices_is_checked(edited, old, new, message):
    with pytest.raises(BfimnaError) as raised:
        edited(old, new, "own-2t2r.toml")
    assert message in str(raised.value)


def test_a_kits_name_is_plain_text(tmp_path):
    shutil.copy(KITS / "own.lib", tmp_path)
    path = tmp_path / "a b;c.toml"
    shutil.copy(KITS / "own.toml", path)
    with pytest.raises(BfimnaError, match="letters, digits"):
        read_kit(path)
