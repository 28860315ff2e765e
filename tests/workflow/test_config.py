"""The workflow's config: what it expands to, and its one-line errors."""

import copy
from pathlib import Path

import pytest
import yaml

from bfimna import BfimnaError, data
from bfimna.workflow import config

ROOT = Path(__file__).parents[2]
DEFAULT = yaml.safe_load((ROOT / "workflow" / "config.yaml").read_text())


def changed(**keys):
    return {**copy.deepcopy(DEFAULT), **keys}


def test_the_default_config_covers_what_the_figures_compare():
    config.checked(DEFAULT)
    runs = config.runs(DEFAULT)
    # 4 networks × 5 widths, and 2 networks × 11 schemes, each on SRAM and ReRAM
    assert len(runs) == (4 * 5 + 2 * 11) * 2
    assert len({run.folder for run in runs}) == len(runs)


def test_the_tiny_config_is_valid():
    tiny = yaml.safe_load((ROOT / "workflow" / "config.tiny.yaml").read_text())
    config.checked({**DEFAULT, **tiny})
    assert len(config.runs(tiny)) == 2


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"networks": ["resnet19"]}, "unknown network 'resnet19'; did you mean"),
        ({"bits": [0]}, r"config, bits.0: 0 is less than the minimum of 1"),
        ({"bits": [17]}, r"config, bits.0: 17 is greater than the maximum of 16"),
        ({"bits": [3.5]}, r"config, bits.0: 3.5 is not of type 'integer'"),
        ({"technologies": ["sram"]}, "unknown technology 'sram'"),
        ({"technologies": []}, "config, technologies: "),
        ({"schemes": ["resnet18/hawq_v3/tiny"]}, "unknown scheme of resnet18 'hawq_v3/tiny'"),
        ({"schemes": ["vgg16/hawq_v3/all"]}, "unknown network of HAWQ-V3 'vgg16'"),
        ({"schemes": {"resnet18": "all"}}, "config, schemes: .* is not of type 'array'"),
        ({"chips": ["XL"]}, "unknown chip 'XL'"),
        ({"netwroks": ["vgg16"]}, "'netwroks' was unexpected.*; known keys: networks, "),
    ],
)
def test_a_config_that_cannot_run_is_refused_in_one_line(keys, told):
    with pytest.raises(BfimnaError, match=told) as error:
        config.checked(changed(**keys))
    assert "\n" not in str(error.value)


def test_a_missing_key_is_named():
    rest = {key: value for key, value in DEFAULT.items() if key != "bits"}
    with pytest.raises(BfimnaError, match="'bits' is a required property"):
        config.checked(rest)


def test_digests_tell_which_technology_changed(monkeypatch):
    before = [config.technology_digest(name) for name in data.technology_names()]
    table = data.technologies()
    table.loc[table.technology == "sram-14nm-hp", "value"] *= 2
    monkeypatch.setattr(data, "technologies", lambda: table)
    config.technology_digest.cache_clear()
    after = [config.technology_digest(name) for name in data.technology_names()]
    config.technology_digest.cache_clear()
    differs = [a != b for a, b in zip(before, after, strict=True)]
    assert differs == [name == "sram-14nm-hp" for name in data.technology_names()]
