"""The widgets of notebooks/explore.ipynb; each change updates totals and figure."""

from html import escape
from pathlib import Path
from typing import Any

from bfimna import data
from bfimna.errors import BfimnaError
from bfimna.network import zoo
from bfimna.network.precision import MAX_BITS
from bfimna.tables import INTERACTIVE, place
from bfimna.technology.technology import HIGHEST_V, LOWEST_V
from reproduction.explore.choice import STAGES, Choice, network_of, stages
from reproduction.explore.panel import Panel, headline_html, message


class Explorer:
    """Widgets, the figure that follows them, and a button that saves both.

    Attributes
    ----------
    controls : name of a field of `Choice` (``bits_1`` and so on for the stages) → its widget.
    totals, picture, saved : the widgets of the totals, the figure and the message of the button.
    view : the whole layout.
    """

    def __init__(self, start: Choice | None = None, folder: str | Path = INTERACTIVE / "explore"):
        import ipywidgets as w  # of the extra `lab`

        self.folder, self.panel = Path(folder), Panel()
        self.controls = _controls(w, start or Choice())
        self.totals, self.picture = w.HTML(), w.Image(format="png")
        wide = w.Layout(width="auto")
        self.button = w.Button(description="Save figure and config", layout=wide)
        self.saved = w.HTML()
        self.button.on_click(self.save)
        for control in self.controls.values():
            control.observe(self.update, names="value")
        stage = [self.controls[f"bits_{n}"] for n in range(1, STAGES + 1)]
        shown = [c for c in self.controls.values() if c not in stage]
        whole, rest = w.Layout(flex="0 0 auto"), w.Layout(flex="1 1 auto", min_width="0")
        left = w.VBox([*shown, *stage, self.button, self.saved], layout=whole)
        right = w.VBox([self.totals, self.picture], layout=rest)
        self.view = w.HBox([left, right])
        self.update()

    @property
    def choice(self) -> Choice:
        """The choice that the widgets show."""
        at = {name: control.value for name, control in self.controls.items()}
        bits: tuple[int, ...] = (at["bits"],)
        if at["by_stage"]:
            parts = len(stages(network_of(at["network"])))
            bits = tuple(at[f"bits_{n}"] for n in range(1, parts + 1))
        return Choice(
            at["network"], bits, at["technology"].strip(), at["supply_v"], at["clusters"],
            at["caps_per_cluster"], at["rows"], at["batch"], at["weights"],
        )  # fmt: skip

    def update(self, change: Any = None) -> None:
        """Simulate and show the choice; an error replaces the totals."""
        by_stage = self.controls["by_stage"].value
        self.controls["bits"].layout.display = "none" if by_stage else ""
        for n in range(1, STAGES + 1):
            self.controls[f"bits_{n}"].layout.display = "" if by_stage else "none"
        try:
            report = self.choice.report()
        except BfimnaError as error:
            self.totals.value = message(BfimnaError(escape(str(error))))
            return
        self.panel.show(report)
        self.totals.value = headline_html(report)
        self.picture.value = self.panel.png()

    def save(self, _: Any = None) -> None:
        """Write the figure, and the choice as a config for ``snakemake --configfile``."""
        try:
            choice = self.choice
            report, path = choice.report(), choice.save(self.folder)
        except (BfimnaError, OSError) as error:
            self.saved.value = message(BfimnaError(escape(str(error))))
            return
        self.panel.save(str(place(self.folder / "explore.pdf")), report)
        self.saved.value = (
            f"<p>saved; run it with<br><code>snakemake --configfile {path}</code></p>"
        )

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.view)


def _controls(w: Any, start: Choice) -> dict[str, Any]:
    """Return a widget for each field of a choice."""
    network = w.Combobox(
        value=start.network, options=list(zoo.CNNS), description="network",
        continuous_update=False, placeholder="of the zoo, or a file's path",
    )  # fmt: skip
    technology = w.Combobox(
        value=start.technology, options=data.technology_names(), description="technology",
        continuous_update=False, placeholder="or mine.csv:my-cell",
    )  # fmt: skip
    supply = w.FloatSlider(
        value=start.supply_v or 0.8,
        min=LOWEST_V,
        max=HIGHEST_V,
        step=0.01,
        description="supply (V)",
    )
    wide = {"min": 1, "max": MAX_BITS}
    controls = {
        "network": network,
        "technology": technology,
        "supply_v": supply,
        "clusters": _steps(w, "clusters", [4, 9, 16, 25, 36, 64, 100, 144, 256], start.clusters),
        "caps_per_cluster": _steps(w, "CAPs each", [16, 32, 64, 128], start.caps_per_cluster),
        "rows": _steps(w, "rows each", [1200, 2400, 4800, 9600, 19200], start.rows),
        "batch": _steps(w, "batch", [2**n for n in range(9)], start.batch),
        "weights": w.ToggleButtons(options=["resident", "streamed"], description="weights"),
        "by_stage": w.Checkbox(value=len(start.bits) > 1, description="bits by stage"),
        "bits": w.IntSlider(value=start.bits[0], description="bits", **wide),
    }
    controls["weights"].value = start.weights
    for n in range(1, STAGES + 1):
        value = start.bits[min(n, len(start.bits)) - 1]
        controls[f"bits_{n}"] = w.IntSlider(value=value, description=f"stage {n}", **wide)
    return controls


def _steps(w: Any, name: str, options: list[int], start: int) -> Any:
    choices = sorted({*options, start})
    return w.SelectionSlider(options=choices, value=start, description=name)
