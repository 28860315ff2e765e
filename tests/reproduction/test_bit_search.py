"""The studies of the search on other inputs than the figures'."""

import numpy as np
import pytest
from reproduction.studies import bit_search

import bfimna as bf

SRAM, LR = bf.data.load_technology("sram-14nm-lstp"), bf.Chip.limited()
COLUMNS = "edp_rel", "omega", "best_omega", "layers_differing", "choices", "omega_basis"


@pytest.fixture
def alexnet(tmp_path):
    """Sensitivities of a network that HAWQ-V3 did not search."""
    names = bf.zoo.alexnet().matmul_names
    rows = [f"{name},{4.0 + k},{0.02 * (k + 1)}," for k, name in enumerate(names[:-1])]
    path = tmp_path / "alexnet.csv"
    text = ["layer,omega_int4,omega_int8,fixed_bits", *rows, f"{names[-1]},,,8"]
    path.write_text("\n".join(text), encoding="utf-8")
    return path


def test_a_network_with_its_own_sensitivities_has_fronts(alexnet):
    table = bit_search.against_published("alexnet", LR, SRAM, {"4, 8": 5, "8, 4, 6": 4}, alexnet)
    assert set(COLUMNS) <= set(table)
    uniform = table[table.choices == "uniform"].set_index("precision")
    assert uniform.index.tolist() == ["int4", "int8"]
    assert uniform.edp_rel["int8"] == 1.0
    assert (uniform.best_omega <= uniform.omega * (1 + 1e-12)).all()
    two = table[table.choices == "4, 8"]
    assert (np.diff(two.edp_js) > 0).all()
    assert (np.diff(two.omega) < 0).all()
    assert (two.omega_basis == "known").all()


def test_hawqs_schemes_are_no_better_than_the_optimum_at_their_edp():
    table = bit_search.against_published("resnet18", LR, SRAM, {})
    assert (table.choices == "published").all()
    assert (table.best_omega <= table.omega * (1 + 1e-12)).all()
    assert table.set_index("precision").edp_rel["hawq_v3/int8"] == 1.0


def test_without_sensitivities_the_error_says_what_to_give():
    with pytest.raises(bf.BfimnaError, match=r"no sensitivities of .vgg16.*give a file"):
        bit_search.against_published("vgg16", LR, SRAM, {"4, 8": 3})


def test_another_networks_sensitivities_are_refused(alexnet):
    with pytest.raises(bf.BfimnaError, match="no sensitivity for 13 of vgg16's layers"):
        bit_search.against_published("vgg16", LR, SRAM, {"4, 8": 3}, alexnet)


def test_options_of_any_network_with_measured_accuracies():
    table = bit_search.options("alexnet", {"int4": 50.0, "int8": 56.0, "w8a4": 40.0}, LR, SRAM)
    assert table.precision.tolist() == ["int4", "int8"]
    with pytest.raises(bf.BfimnaError, match="at least one precision"):
        bit_search.options("alexnet", {}, LR, SRAM)


def test_a_scheme_that_is_optimal_moves_nothing():
    table = bit_search.moves("resnet18", "latency-high", LR, SRAM)
    assert table.empty
    assert "t4_latency_change" in table
