"""Where text stands, and what is kept where panels are stacked."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

import bfimna as bf
from bfimna import plot

mpl.use("Agg")


@pytest.fixture(autouse=True)
def closed():
    yield
    mpl.pyplot.close("all")


def centre(text):
    box = text.get_window_extent(text.figure.canvas.get_renderer())
    return np.array([box.x0 + box.x1, box.y0 + box.y1]) / 2


def test_a_label_stands_nearer_to_its_own_point_than_to_others_and_off_the_line():
    fig, ax = plot.figure(1, 2.0)
    points = np.array([(0.40, 0.50), (0.46, 0.52), (0.50, 0.60), (0.80, 0.62)])
    ax.plot(*points.T, color="black")
    ax.scatter(*points.T)
    ax.set(xlim=(0, 1), ylim=(0, 1))
    labels = [plot.label_point(ax, f"a point {n}", tuple(xy)) for n, xy in enumerate(points)]
    plot.tidy(fig)
    line = ax.transData.transform_path(mpl.path.Path(points))
    spots = ax.transData.transform(points)
    for n, label in enumerate(labels):
        distances = np.hypot(*(spots - centre(label)).T)
        assert distances.argmin() == n
        assert not line.intersects_bbox(label.get_window_extent(), filled=False)


def test_the_rows_of_a_legend_are_filled_evenly():
    fig, ax = plot.figure(2, 2.0)
    for n in range(6):
        ax.plot([0, 1], [n, n], label=f"SRAM 14 nm LSTP {n}")
    legend = plot.legend_below(fig, *plot.unique_entries([ax]))
    assert legend._ncols == 3  # five would fit, and leave one entry alone in the second row


def test_infeasible_points_are_hollow_and_the_legend_says_so():
    fig, ax = plot.figure(1, 2.0)
    bars = [[0.1, 0.2, 0.3], [0.3, 0.2, 0.1]]
    plot.points(ax, [1, 2, 3], [1, 2, 3], [True, False, True], color="red", label="LR", yerr=bars)
    filled, hollow = (line for line in ax.lines if len(line.get_xdata()))
    assert filled.get_xdata().tolist() == [1, 3]
    assert hollow.get_xdata().tolist() == [2]
    assert (filled.get_mfc(), hollow.get_mfc()) == ("red", "white")
    ends = [segment[:, 1].tolist() for bar in ax.collections for segment in bar.get_segments()]
    assert ends == [[0.9, 1.3], [2.7, 3.1], [1.8, 2.2]]
    legend = plot.legend_below(fig, *plot.unique_entries([ax]))
    assert [text.get_text() for text in legend.get_texts()] == ["LR", "hollow: infeasible"]


def test_a_figure_of_feasible_points_has_no_entry_for_hollow_ones():
    fig, ax = plot.figure(1, 2.0)
    plot.points(ax, [1, 2], [1, 2], True, color="red", label="LR", linestyle="--")
    plot.points(ax, 3, 4, True, color="red", xerr=[[1], [2]])
    assert ax.lines[0].get_linestyle() == "--"
    legend = plot.legend_below(fig, *plot.unique_entries([ax]))
    assert [text.get_text() for text in legend.get_texts()] == ["LR"]


def test_stacked_panels_keep_a_common_axis():
    with plot.publication("paper1"):
        _, axes = plot.figure(2, 2.0, 1, 3, sharey=True)
        axes[0].set_yticks([0, 1], ["first", "second"])
        axes[0].invert_yaxis()
        for ax in axes:
            assert [t.get_text() for t in ax.get_yticklabels()] == ["first", "second"]
            assert ax.yaxis_inverted()
        _, axes = plot.figure(2, 2.0, 1, 2)
        axes[0].set_ylim(3, 4)
        assert axes[1].get_ylim() == (0, 1)


@pytest.mark.parametrize(("ends", "want"), [
    ((0.01, 90.0), {0.01, 0.1, 1.0, 10.0}),
    ((0.9, 95.0), {1.0, 3.0, 10.0, 30.0}),
    ((0.6, 1.2), {0.7, 1.0}),
])  # fmt: skip
def test_a_short_logarithmic_axis_has_more_ticks(ends, want):
    fig, ax = plot.figure(1, 2.0)
    ax.set(xscale="log", xlim=ends)
    plot.plain_log(ax.xaxis)
    fig.draw_without_rendering()
    seen = {round(t, 6) for t in ax.get_xticks() if ends[0] <= t <= ends[1]}
    assert want <= seen
    assert len(seen) <= 6
    assert all("^" not in t.get_text() for t in ax.get_xticklabels())


#: read as formulas by Matplotlib, or not drawable in one line
ODD_NAMES = (
    "fn$lambda$1\\x{",
    r"a$\bad_macro$b",
    "tab\there",
    "new\nline",
    r"back\slash{}",
    "$",
    r"\$",
)


def drawn_texts(fig):
    """Return the texts of a figure as its renderer gets them; none may be a formula."""
    fig.draw_without_rendering()
    texts = [t for t in fig.findobj(mpl.text.Text) if t.get_text() and t.get_visible()]
    prepared = [t._preprocess_math(t.get_text()) for t in texts]
    assert not [text for text, math in prepared if math and "mathdefault" not in text]
    return [text for text, _ in prepared]


def test_odd_names_of_layers_are_drawn_as_they_are():
    table = pd.DataFrame(np.ones((len(ODD_NAMES), 1)), index=list(ODD_NAMES), columns=["load"])
    texts = drawn_texts(plot.breakdown(table, table, ODD_NAMES[0]))
    fig, ax = plot.figure(1, 2.0)
    plot.set_categories(ax, ODD_NAMES)
    for seen in (texts, drawn_texts(fig)):
        assert {ODD_NAMES[0], ODD_NAMES[1], "tab here", "new line", "$", r"\$"} <= set(seen)


def test_odd_names_in_titles_legends_and_labels_are_drawn_as_they_are(tmp_path):
    name = ODD_NAMES[1]
    fig, ax = plot.figure(2, 2.5)
    ax.plot([0.1, 1000], [1, 2], "o", label=name)
    ax.set(title=name, xlabel=name, ylabel=name, xscale="log")
    ax.set_yticks([1, 2], [name, "other"])
    plot.label_point(ax, name, (1, 1))
    plot.legend_below(fig, *plot.unique_entries([ax]))
    plot.save(fig, tmp_path / "odd")
    assert (tmp_path / "odd.png").is_file()
    texts = drawn_texts(fig)
    assert texts.count(name) == 6
    assert any("mathdefault" in text for text in texts)  # powers of ten stay formulas


def test_a_reports_picture_has_the_unit_of_its_values_and_stands_on_zero():
    small = {"name": "one", "clusters": 1, "caps_per_cluster": 1, "maps_per_cluster": 1}
    for chip, unit in (("LR", "time (µs)"), (small, "time (ms)")):
        axes = bf.simulate("resnet18", 8, chip, "sram-14nm-lstp").plot().axes
        assert axes[0].get_ylabel() == unit
        assert axes[0].get_ylim()[0] == axes[1].get_ylim()[0] == 0
