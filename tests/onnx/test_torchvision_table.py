"""The committed table of torchvision's models: what it says follows from its numbers."""

import csv
from pathlib import Path

import pytest

import bfimna as bf

from . import torchvision_models

TABLE = Path(__file__).parents[2] / "docs" / "torchvision.csv"
ROWS = list(torchvision_models.read_table(TABLE).values())
#: of attention, the product of two tensors, and how exporters write it
ATTENTION = ("a product of two tensors that depend on the data", "Einsum", "_multi_head_attention")


def test_everything_without_attention_is_read_and_equal():
    for exporter in torchvision_models.EXPORTERS:
        equal = [r for r in ROWS if r["exporter"] == exporter and r["outcome"] == "equal"]
        assert len(equal) >= 30, exporter  # or the table says little
    for row in ROWS:
        if row["outcome"] == "equal":
            stored = int(row["weights"]) - int(row["held_again"])
            counted = int(row["weights_counted"]), int(row["macs_counted"])
            assert (stored, int(row["macs"])) == counted, row
        else:
            assert any(sign in row["says"] for sign in ATTENTION), row


@pytest.mark.parametrize("name", ["alexnet", "resnet18"])
def test_the_zoo_has_the_same_numbers(name):
    rows = [row for row in ROWS if row["model"] == name]
    network = bf.zoo.load(name)
    assert len(rows) == 2
    for row in rows:
        assert (int(row["weights"]), int(row["macs"])) == (network.weights, network.macs)


def test_rows_of_other_models_are_kept(tmp_path):
    path = tmp_path / "table.csv"
    torchvision_models.write_table(path, torchvision_models.read_table(TABLE))
    assert path.read_bytes() == TABLE.read_bytes()
    with TABLE.open(newline="") as file:
        assert next(csv.reader(file)) == list(torchvision_models.COLUMNS)
