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
    "kind": [*["interval"] * 4, "index"], "network": "alexnet", "precision": "int8",
    "technology": "t", "chip": ["LR", "LR", "paper", "paper", "LR"],
    "quantity": ["latency_s", "energy_j", "latency_s", "energy_j", "energy_j"],
    "nominal": [43e-6, 2.2e-3, 13e-6, 1.2e-3, None],
    "low": [40e-6, 2e-3, 10e-6, 1e-3, None],
    "high": [99e-6, 3e-3, 19e-6, 2e-3, None],
    "feasible": [*[True] * 4, None], "infeasibilities": "",
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
    text = headline.with_block(f"a{headline.BEGIN}stale{headline.END}b", INTERVALS)
    assert text.startswith(f"a{headline.BEGIN}\nINT8 on LR, t,")
    assert text.endswith(f"{headline.END}b")
    built = "43 µs<br>40 µs – 99 µs", "2.2 mJ<br>2 mJ – 3 mJ"
    assumed = "13 µs<br>10 µs – 19 µs", "1.2 mJ<br>1 mJ – 2 mJ"
    assert f"| alexnet | {built[0]} | {assumed[0]} | {built[1]} | {assumed[1]} |" in text
    assert "| latency | latency, as the paper assumes | energy | energy, as the paper" in text
    alone = headline.block(INTERVALS[INTERVALS.chip == "LR"])
    assert f"| alexnet | {built[0]} | {built[1]} |" in alone
    assert "paper" not in alone
    assert "stale" not in text
    assert headline.with_block(text, INTERVALS) == text


def test_the_headline_table_names_what_makes_a_network_infeasible():
    reason = {"infeasibilities": "area: LR takes 2 times the largest die"}
    paper = INTERVALS.chip == "paper"
    text = headline.block(INTERVALS.assign(**reason, feasible=~paper))
    assert "| 43 µs<br>40 µs – 99 µs | 13 µs<br>10 µs – 19 µs<br>infeasible |" in text
    line = f"- alexnet, as the paper assumes: {reason['infeasibilities']}"
    assert text.endswith(f"\n\nInfeasible:\n\n{line}")
    assert "nfeasible" not in headline.block(INTERVALS)


def test_a_readme_without_markers_or_two_technologies_is_refused():
    with pytest.raises(BfimnaError, match="wants the markers"):
        headline.with_block("no markers", INTERVALS)
    two = pd.concat([INTERVALS, INTERVALS.assign(technology="u")])
    with pytest.raises(BfimnaError, match="one precision and technology"):
        headline.block(two)
