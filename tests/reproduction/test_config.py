"""The workflow's config: what it expands to, and its one-line errors."""

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import yaml
from reproduction import config, dependencies, figure_table, runs

from bfimna import BfimnaError, data
from bfimna.digests import digest as digest_of
from bfimna.errors import LONGEST_MESSAGE

ROOT = Path(__file__).parents[2]
DEFAULT = yaml.safe_load((ROOT / "workflow" / "config.yaml").read_text())
FIGURES = figure_table.read(ROOT / "workflow" / "figures.csv", ROOT / "notebooks")
DIGITS = int("9" * 4000) * 10**1000


def changed(**keys):
    return {**copy.deepcopy(DEFAULT), **keys}


def folders(**keys):
    few = {
        "networks": ["alexnet"],
        "bits": [4],
        "schemes": [],
        "technologies": ["sram-14nm-hp"],
    } | keys
    return [run.folder for run in runs.runs(config.checked(changed(**few)))]


def test_the_default_config_covers_what_the_figures_compare():
    config.checked(DEFAULT)
    asked = runs.runs(DEFAULT)
    # 4 networks × 5 widths, and 2 networks × 11 schemes, each on SRAM and ReRAM
    assert len(asked) == (4 * 5 + 2 * 11) * 2
    assert len({run.folder for run in asked}) == len(asked)


def test_the_tiny_config_is_valid():
    tiny = yaml.safe_load((ROOT / "workflow" / "config.tiny.yaml").read_text())
    config.checked({**DEFAULT, **tiny})
    assert len(runs.runs(tiny)) == 2


def test_folders_name_the_values_that_architects_vary():
    small = {"name": "small", "clusters": 16, "rows": 1200}
    expanded = folders(
        chips=["LR", small], supplies=[0.6, 0.8], batches=[1, 4], counts=["microcode", "published"]
    )
    assert len(expanded) == len(set(expanded)) == 2 * 2 * 2 * 2
    assert "alexnet/int4/sram-14nm-hp-small-0.6V-batch4-published" in expanded
    assert folders() == ["alexnet/int4/sram-14nm-hp-LR"]


def test_a_chip_of_ones_own_reaches_the_notebook_field_by_field():
    (run,) = runs.runs(config.checked(changed(
        networks=["alexnet"], bits=[4], schemes=[], technologies=["sram-14nm-hp"],
        chips=[{"name": "small", "rows": 1200}], supplies=[0.7],
    )))  # fmt: skip
    assert run.parameters["chip"]["rows"] == 1200
    assert run.parameters["supply_v"] == 0.7
    assert run.parameters.keys() < dependencies.parameters(ROOT / "notebooks/simulate.ipynb").keys()


def test_numbers_from_the_command_line_are_numbers():
    asked = config.checked(changed(bits=["4"], supplies=["0.7"], batches=["16"]))
    assert (asked["bits"], asked["supplies"], asked["batches"]) == ([4], [0.7], [16])


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"networks": ["resnet19"]}, "unknown network 'resnet19'; did you mean"),
        ({"networks": []}, r"config, networks: \[\] should be non-empty"),
        ({"networks": "alexnet"}, "config, networks: 'alexnet' is not of type 'array'"),
        ({"networks": ["my net.onnx"]}, "want letters, digits"),
        ({"networks": ["a\0b"]}, "want letters, digits"),
        ({"networks": ["a" * 5000]}, "is too long"),
        ({"bits": [0]}, r"config, bits.0: 0 is less than the minimum of 1"),
        ({"bits": [17]}, r"config, bits.0: 17 is greater than the maximum of 16"),
        ({"bits": [3.5]}, r"config, bits.0: 3.5 is not of type 'integer'"),
        ({"bits": [4.0]}, r"config, bits.0: 4.0 is not of type 'integer'"),
        ({"bits": [True]}, r"config, bits.0: True is not of type 'integer'"),
        ({"bits": ["٤"]}, r"config, bits.0: '٤' is not of type 'integer'"),
        ({"bits": ["9" * 5000]}, r"config, bits.0: .* is not of type 'integer'"),
        ({"bits": [DIGITS]}, "thousands of digits"),
        ({"bits": []}, "config, bits: "),
        ({"batches": [0]}, "config, batches.0: 0 is less than"),
        ({"supplies": []}, "config, supplies: "),
        ({"supplies": [5.0]}, "0.5 to 1"),
        ({"supplies": [float("nan")]}, "supply"),
        ({"counts": ["exact"]}, "config, counts.0: 'exact' is not one of"),
        ({"technologies": ["sram"]}, "unknown technology 'sram'"),
        ({"technologies": ["a;touch b"]}, "want letters, digits"),
        ({"technologies": []}, "config, technologies: "),
        ({"schemes": ["resnet18/hawq_v3/tiny"]}, "unknown scheme of resnet18 'hawq_v3/tiny'"),
        ({"schemes": ["vgg16/hawq_v3/all"]}, "unknown network of HAWQ-V3 'vgg16'"),
        ({"schemes": {"resnet18": "all"}}, "config, schemes: .* is not of type 'array'"),
        ({"chips": ["XL"]}, "unknown chip 'XL'"),
        ({"chips": [{"name": "x", "rowz": 3}]}, "unknown field of a chip 'rowz'"),
        ({"chips": [{"name": "a b"}]}, "name"),
        ({"chips": ["LR", {"name": "LR", "rows": 9}]}, "LR"),
        ({"netwroks": ["vgg16"]}, "'netwroks' was unexpected.*; known keys: networks, "),
        ({"results": ""}, "config, results: want a folder in the project"),
        ({"results": ".."}, "config, results: want a folder in the project"),
        ({"results": "a/../b"}, "config, results: want a folder in the project"),
        ({"results": "{x}"}, "config, results: want a folder in the project"),
        ({"results": "/tmp/x"}, "`outside: true` allows"),
        ({"results": "a b"}, "config, results: want a folder in the project"),
        ({"results": "r\n"}, "config, results: want a folder in the project"),
        ({"results": "notebooks/x"}, "holds sources"),
        ({"figures": "f;touch x;true"}, "config, figures: want a folder"),
        ({"figures": "$(touch x)"}, "config, figures: want a folder"),
        ({"figures": "`x`"}, "config, figures: want a folder"),
        ({"figures": "f" * 5000}, "is too long"),
        ({"outside": True, "results": "a;b"}, "is no path of letters"),
        ({"outside": True, "results": "/"}, "is no path of letters"),
        ({"only": []}, "config, only: "),
        ({"parameters": {"supply": 3}}, "config, parameters.supply: 3 is not of type 'object'"),
    ],
)  # fmt: skip
def test_a_config_that_cannot_run_is_refused_in_one_line(keys, message):
    with pytest.raises(BfimnaError, match=message) as error:
        config.checked(changed(**keys))
    assert "\n" not in str(error.value)
    assert len(str(error.value)) <= LONGEST_MESSAGE


@pytest.mark.parametrize(
    ("nodes", "shape", "keys", "advice"),
    [
        (
            [("Relu", "x")],
            (1, 3, None, None),
            {"networks": ["{0}"]},
            "make_dynamic_shape_fixed`: at",
        ),
        ([("Conv", "x", "w")], (1, 3, 8, 8), {"schemes": ["{0}:own"]}, "as network:bits.yaml"),
        (
            [("Conv", "x", "w")],
            (1, 3, 8, 8),
            {"schemes": ["{0}:{1}"]},
            "where the pattern . is the rest",
        ),
    ],
)
def test_advice_is_for_the_workflow(nodes, shape, keys, advice, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    weights = onnx.numpy_helper.from_array(np.ones((3, 3, 1, 1), np.float32), "w")
    x, y = (onnx.helper.make_tensor_value_info(n, 1, s) for n, s in (("x", shape), ("y", None)))
    made = [onnx.helper.make_node(op, inputs, ["y"], name="n") for op, *inputs in nodes]
    graph = onnx.helper.make_graph(made, "g", [x], [y], [weights])
    onnx.save(onnx.helper.make_model(graph), "m.onnx")
    Path("bits.csv").write_text("layer,weight_bits,activation_bits\n")
    asked = {k: [v.format("m.onnx", "bits.csv") for v in values] for k, values in keys.items()}
    with pytest.raises(BfimnaError, match=advice) as error:
        config.checked(changed(**asked))
    assert "input_shape" not in str(error.value)
    assert "default" not in str(error.value)


def test_a_file_in_place_of_a_folder_is_an_error(tmp_path):
    (tmp_path / "out").touch()
    for keys in ({"results": "out"}, {"figures": "out/f"}, {"results": "out", "outside": True}):
        with pytest.raises(BfimnaError, match="out is a file; want a folder"):
            config.checked(changed(**keys), tmp_path)


def test_a_link_that_leads_out_of_the_project_is_refused(tmp_path):
    project, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    project.mkdir()
    elsewhere.mkdir()
    (project / "out").symlink_to(elsewhere)
    with pytest.raises(BfimnaError, match="leads out of the project"):
        config.checked(changed(results="out/r"), project)
    config.checked(changed(results=str(elsewhere), outside=True), project)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bits: [1]\nbits: [2]\n", "line 2: key 'bits' stands twice"),
        ("a: {b: 1, b: 2}\n", "key 'b' stands twice"),
        ("a: &a [1]\nbits: *a\n", r"line 2: aliases \(\*name\) are not allowed"),
        ("bits: [1", "expected ',' or ']'"),
        ("bits: [" + "9" * 5000 + "]", "Exceeds the limit"),
        ("bits: '\0'", "not allowed"),
        ("[" * 5000, "config file"),
        (b"# caf\xe9\n", "byte 5 is not UTF-8: save the file as UTF-8"),
        ("- 1\n", "want keys and values"),
        ("__use_yte__: true\n", "templates"),
    ],
)
def test_an_unreadable_file_is_a_one_line_error(text, message, tmp_path):
    (tmp_path / "c.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(BfimnaError, match=message) as error:
        config.check_file(tmp_path / "c.yaml")
    assert "\n" not in str(error.value)
    assert len(str(error.value)) <= LONGEST_MESSAGE


def test_a_missing_key_is_named():
    rest = {key: value for key, value in DEFAULT.items() if key != "bits"}
    with pytest.raises(BfimnaError, match="'bits' is a required property"):
        config.checked(rest)


def test_a_technologys_digest_changes_with_that_technology_only(monkeypatch):
    def digests():
        runs.technology_digest.cache_clear()
        return {name: runs.technology_digest(name) for name in data.technology_names()}

    before, load = digests(), runs.load_technology
    faster = load("sram-14nm-hp").at_supply(0.9)
    monkeypatch.setattr(runs, "load_technology", lambda n: faster if n == faster.name else load(n))
    after = digests()
    runs.technology_digest.cache_clear()
    assert {name for name in before if before[name] != after[name]} == {"sram-14nm-hp"}


def test_the_digest_of_a_technology_covers_its_ranges():
    tech = data.load_technology("sram-14nm-hp")
    before = digest_of(tech)
    assert digest_of(data.load_technology("sram-14nm-hp")) == before
    wider = replace(tech, ranges={**tech.ranges, "compare_s": (1e-12, 1.0)})
    assert digest_of(wider) != before


def test_every_figures_parameters_are_its_notebooks():
    for figure in FIGURES.values():
        values = figure.parameters(DEFAULT)
        assert values["output"] == f"figures/{figure.name}"
        assert values.keys() <= dependencies.parameters(figure.notebook).keys()
        assert figure.caption.endswith(".")


def test_a_figure_takes_parameters_from_the_config():
    asked = changed(parameters={"supply": {"network": "vgg16"}}, only=["supply"])
    (figure,) = figure_table.selected(config.checked(asked), FIGURES)
    assert figure.parameters(asked)["network"] == "vgg16"
    plain = {**asked, "parameters": {}}
    assert figure.digest(asked) != figure.digest(plain)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"only": ["suply"]}, "unknown figure .*'suply'; did you mean 'supply'"),
        ({"parameters": {"suply": {}}}, "unknown figure"),
        ({"parameters": {"supply": {"net": "a"}}}, "unknown parameter .*parameters.supply.net"),
        ({"parameters": {"supply": {"output": "a"}}}, "unknown parameter"),
        ({"parameters": {"supply": {"network": 3}}}, "want a value such as 'resnet50', not 3"),
        ({"parameters": {"batch": {"networks": []}}}, "must not be empty"),
        ({"parameters": {"batch": {"networks": ["vgg16", "vgg16"]}}}, "has 'vgg16' twice"),
        ({"parameters": {"batch": {"networks": [3]}}}, r"networks\[0\] must be a name"),
        ({"parameters": {"faults": {"rates": [0.0]}}}, r"rates\[0\] must be a number above 0"),
        ({"parameters": {"faults": {"rates": [float("nan")]}}}, "must be a number above 0"),
        ({"parameters": {"programs": {"words": 0}}}, "words must be a whole number from 1 to"),
        ({"parameters": {"programs": {"words": 10**9}}}, "words must be a whole number from 1 to"),
        ({"parameters": {"endurance": {"frames_per_s": float("nan")}}}, "a finite number above 0"),
        ({"parameters": {"endurance": {"frames_per_s": True}}}, "want a value such as"),
    ],
)
def test_figures_and_parameters_in_the_config_are_checked(keys, message):
    with pytest.raises(BfimnaError, match=message):
        figure_table.selected(config.checked(changed(**keys)), FIGURES)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a b,G,,,C.", "line 2: figure 'a b': want letters"),
        ("pie,G,,,C.", "has no .*pie.ipynb"),
        ("supply,G,sizes,,C.", "unknown parameter .*'sizes'"),
        ("supply,G,networks,,C.", "has no parameter 'networks'"),
        ("supply,G,,C.", "want 5 columns"),
        ("supply,G,,,C.\nsupply,G,,,C.", "line 3: figure 'supply' stands twice"),
    ],
)
def test_the_table_of_figures_is_checked(row, message, tmp_path):
    table = tmp_path / "figures.csv"
    table.write_text(f"figure,group,parameters,data,caption\n{row}\n")
    with pytest.raises(BfimnaError, match=message):
        figure_table.read(table, ROOT / "notebooks")


def test_a_technology_of_ones_own_is_a_row_of_ones_own_table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = data.technologies()
    own = table[table.technology == "sram-14nm-hp"].assign(technology="my-cell")
    own.to_csv("mine.csv", index=False)
    (folder,) = folders(technologies=["mine.csv:my-cell"])
    assert folder == "alexnet/int4/my-cell-LR"
    tech = data.load_technology("mine.csv:my-cell")
    assert tech.name == "mine.csv:my-cell"
    assert tech.compare_s == data.load_technology("sram-14nm-hp").compare_s
    with pytest.raises(BfimnaError, match=r"'other'.*my-cell"):
        folders(technologies=["mine.csv:other"])


def test_a_figure_follows_a_technology_of_ones_own_that_its_parameters_name(tmp_path):
    table = data.technologies()
    own = table[table.technology == "sram-14nm-hp"].assign(technology="my-cell")
    mine = f"{tmp_path}/mine.csv"
    asked = changed(parameters={"batch": {"technology": f"{mine}:my-cell"}}, only=["batch"])

    def digest():
        data._technology.cache_clear()
        runs.technology_digest.cache_clear()
        (figure,) = figure_table.selected(config.checked(asked), FIGURES)
        return figure.digest(asked)

    own.to_csv(mine, index=False)
    before = digest()
    assert digest() == before
    own.loc[own.parameter == "write_time", "value"] *= 1.01
    own.to_csv(mine, index=False)
    assert digest() != before
    asked["parameters"]["batch"]["technology"] = f"{mine}:another"
    with pytest.raises(BfimnaError, match="another"):
        figure_table.selected(asked, FIGURES)
