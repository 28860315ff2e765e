"""A combination's results: stored or simulated, the same table."""

import pandas as pd
import pytest
from reproduction.studies import points

from bfimna.tables import write_table

ASKED = (["alexnet"], ["int4", "int8"], ["sram-14nm-lstp"])


def test_stored_and_simulated_points_are_one_table(tmp_path):
    simulated = points.points("", *ASKED)
    others = [
        points.run("alexnet", "int4", "sram-14nm-lstp", "LR", supply_v=0.6).summary,
        points.run("alexnet", "int4", "sram-14nm-lstp", "LR", batch=4).summary,
        points.run("alexnet", "int4", "sram-14nm-lstp", "LR", counts="published").summary,
        points.run("alexnet", "int4", "sram-14nm-lstp", "IR").summary,
    ]
    stored = pd.concat([pd.DataFrame(others), simulated])
    path = write_table(stored, tmp_path / "summary.csv")
    for table in (path, write_table(stored.iloc[:-1], tmp_path / "less.csv")):
        found = points.points(str(table), *ASKED)
        assert list(found.columns) == list(simulated.columns)
        pd.testing.assert_frame_equal(found, simulated, rtol=1e-6, check_dtype=False)


def test_what_a_run_varies_reaches_the_simulation():
    run = points.run("alexnet", "int4", "sram-14nm-lstp", {"name": "small", "clusters": 16},
                     supply_v=0.6, batch=2, counts="published")  # fmt: skip
    assert run.chip.clusters == 16
    assert run.technology.supply_v == pytest.approx(0.6)
    assert (run.batch, run.counts) == (2, "published")
