"""The README: its code runs, its headline table is the committed figures', its links hold."""

import re
from pathlib import Path

import pandas as pd
import pytest
from reproduction.studies import headline

from bfimna.errors import BfimnaError

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
UNCERTAINTY = ROOT / "figures" / "uncertainty.csv"
INTERVALS = pd.DataFrame({
    "kind": ["interval", "interval", "index"], "network": "alexnet", "precision": "int8",
    "technology": "t", "quantity": ["latency_s", "energy_j", "energy_j"],
    "nominal": [43e-6, 2.2e-3, None], "low": [40e-6, 2e-3, None], "high": [99e-6, 3e-3, None],
    "feasible": [True, True, None], "infeasibilities": "",
})  # fmt: skip


@pytest.mark.slow
def test_the_code_runs_as_it_stands(monkeypatch):
    monkeypatch.chdir(ROOT)
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 3
    space = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), space)
    assert space["report"].edp_js > 0
    assert space["logits"].shape == (4, 10)


def test_links_lead_to_files():
    links = re.findall(r"\]\(([^)#]+)\)", README.read_text(encoding="utf-8"))
    assert len(links) > 5
    missing = [link for link in links if "://" not in link and not (ROOT / link).exists()]
    assert not missing


def test_the_headline_table_is_that_of_the_committed_figures():
    if not UNCERTAINTY.is_file():
        pytest.skip("figures/uncertainty.csv has not been drawn yet")
    text = README.read_text(encoding="utf-8")
    assert text == headline.with_block(text, pd.read_csv(UNCERTAINTY)), (
        "stale: run `python -m reproduction.studies.headline`"
    )


def test_the_headline_table_shows_each_figure_with_its_interval():
    text = headline.with_block(f"a{headline.BEGIN}old{headline.END}b", INTERVALS)
    assert text.startswith(f"a{headline.BEGIN}\nINT8 on LR, t,")
    assert text.endswith(f"{headline.END}b")
    assert "| alexnet | 43 µs<br>40 µs – 99 µs | 2.2 mJ<br>2 mJ – 3 mJ |" in text
    assert "old" not in text
    assert headline.with_block(text, INTERVALS) == text


def test_the_headline_table_names_what_makes_a_network_infeasible():
    reasons = {"feasible": False, "infeasibilities": "area: LR takes 2 times the largest die"}
    text = headline.block(INTERVALS.assign(**reasons))
    assert "| alexnet (infeasible) |" in text
    assert text.endswith("\n\nInfeasible:\n\n- alexnet: area: LR takes 2 times the largest die")
    assert "nfeasible" not in headline.block(INTERVALS)


def test_a_readme_without_markers_or_two_technologies_is_refused():
    with pytest.raises(BfimnaError, match="wants the markers"):
        headline.with_block("no markers", INTERVALS)
    two = pd.concat([INTERVALS, INTERVALS.assign(technology="u")])
    with pytest.raises(BfimnaError, match="one precision and technology"):
        headline.block(two)
