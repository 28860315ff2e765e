"""Text and tables filled from a run, in a notebook and in TeX."""

import re
import shutil
import subprocess

import pandas as pd
import pytest

from bfimna import BfimnaError, plot
from bfimna.plot import narrative, publish


def test_text_is_filled_and_its_values_are_macros(tmp_path):
    rows = {"VGG16": {"time": "40 µs"}, "Mine_1": {"time": "5 %"}}
    text = plot.narrate(
        tmp_path / "a_fig",
        "**Answer.** {best} wins.\n\n{lines}",
        "{of}: {time}",
        rows,
        best="VGG16",
    )
    assert text._repr_markdown_() == "**Answer.** VGG16 wins.\n\n- VGG16: 40 µs\n- Mine_1: 5 %"
    macros = (tmp_path / "a_fig.numbers.tex").read_text().splitlines()
    assert r"\newcommand{\aFigBest}{VGG16}" in macros
    assert r"\newcommand{\aFigVGGOneSixTime}{40 \textmu{}s}" in macros
    assert r"\newcommand{\aFigMineOneTime}{5 \%}" in macros
    assert all(re.fullmatch(r"\\newcommand\{\\[a-zA-Z]+\}\{.*\}", line) for line in macros)


def test_a_table_has_units_sensible_digits_and_is_escaped_in_tex(tmp_path):
    table = pd.DataFrame({
        "network": ["a_b & c", "d"], "edp_js": [1.23456e-7, 2e-7], "energy_j": [0.00512345, 0.006],
        "throughput_ops": [24613687068271.417969, 1e13], "fits": [True, False],
    })  # fmt: skip
    shown = plot.show_table(tmp_path / "t", table, list(table.columns))
    assert list(shown.columns) == ["EDP (nJ·s)", "energy (mJ)", "throughput (TOPS)", "fits"]
    assert list(shown.iloc[0]) == ["123", "5.12", "24.6", "True"]
    tex = (tmp_path / "t.tex").read_text()
    assert r"a\_b \& c & 123 & 5.12 & 24.6 & True \\" in tex
    assert tex.startswith("\\begin{tabular}{lrrrl}\n\\toprule")
    assert tex.rstrip().endswith("\\bottomrule\n\\end{tabular}")


def test_a_tex_table_equals_that_of_pandas():
    table = pd.DataFrame(
        {"of": ["a_b & c", "µΩ", ""], "size (%)": ["5", "1e-09", ""], "n": list("abc")}
    )
    escaped = table.map(narrative.tex).rename(columns=narrative.tex)
    expected = escaped.to_latex(index=False, escape=False, column_format="lrl")
    assert narrative.tex_table(table) == expected


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_tables_and_macros_compile(tmp_path):
    table = pd.DataFrame({
        "network": ["a_b & c", "models/mine.onnx"], "technology": ["t.csv:my_cell", "sram-14nm-hp"],
        "edp_js": [1e-7, 2e-7], "area_m2": [1e-6, 2e-6], "macs": [2.4e9, 1e12],
        "share %": list("µΩ"), "of·×≤≥<>²": ["ρ ∝ 1 − 2", "…–~^{}#$"],
    })  # fmt: skip
    for name in ("endurance", "a_fig"):
        plot.narrate(tmp_path / name, "{time} {rate}", time="40 µs × 2", rate="1e-05")
    plot.show_table(tmp_path / "a_fig", table, list(table.columns))
    packages = r"\usepackage[T1]{fontenc}\usepackage{textcomp,booktabs}"
    (tmp_path / "paper.tex").write_text(
        rf"\documentclass{{article}}{packages}\input{{endurance.numbers}}\input{{a_fig.numbers}}"
        r"\begin{document}\input{a_fig}\aFigTime\figEnduranceRate\end{document}"
    )
    done = subprocess.run(
        ["pdflatex", "-halt-on-error", "paper"], cwd=tmp_path, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "paper.pdf").is_file()


@pytest.mark.parametrize("letter", list("\\&%$#_{}~^µ×²Ω"))
def test_every_special_character_of_tex_is_escaped(letter):
    assert narrative.tex(letter) != letter


@pytest.mark.parametrize(("asked", "want"), [
    ({"style": "glossy"}, "unknown style 'glossy'"),
    ({"formats": ["gif"]}, "unknown format 'gif'"),
    ({"formats": []}, "no format"),
    ({"own": "/nowhere.mplstyle"}, "style file"),
])  # fmt: skip
def test_errors_of_a_publication_name_the_setting(asked, want):
    with pytest.raises(BfimnaError, match=want), plot.publication(**asked):
        pass
    assert publish.current() == publish.Publication()


def test_a_style_that_needs_latex_is_refused_where_there_is_none(tmp_path, monkeypatch):
    own = tmp_path / "own.mplstyle"
    own.write_text("text.usetex: True\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    with (
        pytest.raises(BfimnaError, match=r"text\.usetex needs latex and dvipng"),
        plot.publication(own=own),
    ):
        pass
    own.write_text("text.usetex: False\n")
    with plot.publication(own=own):
        pass


def test_the_users_own_style_is_applied_last(tmp_path):
    own = tmp_path / "own.mplstyle"
    own.write_text("font.size: 5\n")
    with plot.publication("slide", own=own):
        fig, _ = plot.figure(2, 2.0)
        assert publish.mpl.rcParams["font.size"] == 5
        assert publish.mpl.rcParams["lines.linewidth"] == 2  # the slide's
        assert fig.get_size_inches()[0] == 12
    fig, _ = plot.figure(2, 2.0)
    assert fig.get_size_inches()[0] == 7.16
    publish.mpl.pyplot.close("all")


def test_panels_side_by_side_are_stacked_in_one_column():
    with plot.publication("paper1"):
        fig, axes = plot.figure(2, 2.0, 1, 3)
        tops = [ax.get_position().y0 for ax in axes]
        assert tops == sorted(tops, reverse=True)
        assert len(set(tops)) == 3
        assert fig.get_size_inches()[0] == 3.5
    publish.mpl.pyplot.close("all")
