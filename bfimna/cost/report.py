"""Report of a simulation: totals, their caveats, and tables by layer and phase."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from bfimna.ap.counts import CountSet
from bfimna.cost import caveats, export, formulas, limits, report_table, report_text, uncertainty
from bfimna.cost.layer_table import by_weighted_layer, layer_table, phase_table
from bfimna.cost.totals import figures_of_merit
from bfimna.errors import positive_number, warn_renamed
from bfimna.mapping.chip import Chip
from bfimna.mapping.lifetimes import live_bits
from bfimna.mapping.schedule import Schedule
from bfimna.network.graph import Network
from bfimna.network.precision import Precision
from bfimna.technology.technology import Technology

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True, repr=False, eq=False)
class Report:
    """Cost of one network's inference; model document, section 3.

    Two are equal if their inputs are: network, precision, chip, technology and its ranges, batch,
    counts and mapping.

    Attributes
    ----------
    chip : as the network was placed on it: IR with the clusters that it takes.
    latency_s : seconds from the first load until the batch is done; of an inference at batch 1.
    seconds_per_inference : the latency divided by the batch's images, the inverse of the rate.
    energy_j : joules of one inference, the batch's divided by its images.
    times : seconds of the batch, shape (layers, phases), in the order of `ALL_PHASES`.
    energies : joules of the batch, shape (layers, phases).
    """

    network: Network
    precision: Precision
    chip: Chip
    technology: Technology
    batch: int
    counts: CountSet
    schedule: Schedule
    times: np.ndarray
    energies: np.ndarray

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Report):
            return NotImplemented
        return report_table.inputs(self) == report_table.inputs(other) and (
            report_table.ranges(self) == report_table.ranges(other)
        )

    def __hash__(self) -> int:
        return hash(report_table.inputs(self))

    @property
    def placement(self) -> Schedule:
        """Old name of `schedule`."""
        warn_renamed("Report.placement", "Report.schedule")
        return self.schedule

    @cached_property
    def _totals(self) -> dict[str, float]:
        seconds, joules = (costs.sum(axis=(-2, -1)) for costs in (self.times, self.energies))
        area = formulas.area(self.chip, self.technology)
        figures = figures_of_merit(seconds, joules, self.operations, self.batch, area)
        return {name: float(value) for name, value in figures.items()}

    @property
    def latency_s(self) -> float:
        """Seconds from the first load until the whole batch is done."""
        return self._totals["latency_s"]

    @property
    def batch_latency_s(self) -> float:
        """Seconds until the whole batch is done: the same as `latency_s`."""
        return self.latency_s

    @property
    def seconds_per_inference(self) -> float:
        """Seconds of the batch divided by its images."""
        return self._totals["seconds_per_inference"]

    @property
    def energy_j(self) -> float:
        """Joules of an inference."""
        return self._totals["energy_j"]

    @property
    def edp_js(self) -> float:
        """Joules of an inference × seconds until its batch is done, in J·s."""
        return self._totals["edp_js"]

    @property
    def operations(self) -> int:
        """Operations of an inference: two per MAC."""
        return 2 * self.network.macs

    @property
    def throughput_ops(self) -> float:
        """Operations per second."""
        return self._totals["throughput_ops"]

    @property
    def efficiency_ops_per_w(self) -> float:
        """Operations per second and watt, which is operations per joule."""
        return self._totals["efficiency_ops_per_w"]

    @property
    def area_m2(self) -> float:
        """Square metres of the chip."""
        return self._totals["area_m2"]

    @property
    def area_efficiency_ops_per_w_m2(self) -> float:
        """Operations per second, watt and square metre."""
        return self._totals["area_efficiency_ops_per_w_m2"]

    @property
    def utilisation(self) -> float:
        """Share of the CAP rows that hold a product, over all folds."""
        return self.schedule.mean_utilisation

    @cached_property
    def weights_bits(self) -> int:
        """Bits of all weights, without biases."""
        return self.precision.size_bits(self.network)

    def interval(
        self, quantity: str, draws: int = uncertainty.SAMPLES, seed: int = 0
    ) -> tuple[float, float, float]:
        """Return (5 %, median, 95 %) of a quantity over samples of the technology's ranges."""
        samples = uncertainty.samples_of(self, quantity, draws, seed)
        low, median, high = np.percentile(samples, uncertainty.PERCENTILES)
        return float(low), float(median), float(high)

    @cached_property
    def writes_per_cell(self) -> float:
        """Writes and loads of an inference over all cells of the chip: perfectly levelled."""
        return report_table.writes(self) / self.chip.cells

    def lifetime_s(self, inferences_per_s: float, writes_per_cell: float | None = None) -> float:
        """Return seconds until cells wear out at a constant rate; infinite where they do not.

        Parameters
        ----------
        writes_per_cell : of an inference; perfectly levelled unless given. The worst cell's is
            `InferReport.hottest_cell` of an emulator that counts wear.

        Examples
        --------
        >>> import bfimna as bf
        >>> report = bf.simulate("resnet18", 8, "LR", "reram-14nm-lstp")
        >>> f"{report.lifetime_s(30) / 86400:.1f} days"
        '2.4 days'
        """
        rate = positive_number("inferences_per_s", inferences_per_s)
        worn = self.writes_per_cell
        if writes_per_cell is not None:
            worn = positive_number("writes_per_cell", writes_per_cell)
        return self.technology.endurance_writes / (worn * rate)

    @property
    def resident_weights_fit(self) -> bool:
        """Whether the MAPs could hold all weights, if nothing else."""
        return self.weights_bits <= self.chip.map_bits

    @cached_property
    def live_bits(self) -> np.ndarray:
        """Bits of an image's live tensors while each layer runs, shape (layers,)."""
        live = live_bits(self.network, self.schedule.words.read_bits)
        live.setflags(write=False)
        return live

    @property
    def peak_live_bits(self) -> int:
        """Most bits that an image's live tensors take, over the layers."""
        return int(self.live_bits.max())

    @property
    def live_activations_fit(self) -> bool:
        """Whether the MAPs could hold the batch's live tensors, so that none spills."""
        return self.batch * self.peak_live_bits <= self.chip.map_bits

    @cached_property
    def infeasibilities(self) -> tuple[str, ...]:
        """A line for each limit of memory, area, power density and current that is exceeded."""
        return caveats.infeasibilities(self.schedule, self.technology)

    @property
    def feasible(self) -> bool:
        """Whether a chip can hold, deliver and cool what the result demands."""
        return not self.infeasibilities

    @property
    def warnings(self) -> tuple[str, ...]:
        """Old name of `infeasibilities`."""
        warn_renamed("Report.warnings", "Report.infeasibilities")
        return self.infeasibilities

    @cached_property
    def throttled(self) -> np.ndarray:
        """Seconds that the chip's limits add, shape (layers, phases): part of `times`."""
        if not limits.is_limited(self.chip):
            return np.zeros_like(self.times)
        layers = len(self.network.layers)
        return self.times - formulas.costs(self.schedule, self.technology, layers)[0]

    @property
    def throttled_s(self) -> float:
        """Seconds of the batch that the chip's limits of power density and current cost."""
        return float(self.throttled.sum())

    @cached_property
    def _bounds(self) -> dict[str, Any]:
        shown, tech = tuple(report_text.SHOWN), self.technology
        return uncertainty.bounds(self.schedule, tech, self.operations, self.batch, bounded=shown)

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """Caveats of the figures: of the network's file, the memory, the set of counts."""
        own = caveats.notes(self.schedule, self.technology, self.counts, self.times)
        return (*self.network.notes, *self.precision.notes, *own)

    @cached_property
    def _summary(self) -> dict[str, object]:
        return report_table.summary(self, self._totals, self._bounds)

    @property
    def summary(self) -> dict[str, object]:
        """One row for a table of results; units in the names."""
        return dict(self._summary)

    @property
    def phases(self) -> "pd.DataFrame":
        """Seconds and joules of the batch by phase (the index), for the phases that take part."""
        return phase_table(self.times, self.energies)

    @property
    def layers(self) -> "pd.DataFrame":
        """Tidy: one row per layer and phase that takes part; the batch's counts, time, energy."""
        return self._layers.copy()

    def plot(self) -> "Figure":
        """Draw the batch's time and energy by weighted layer and phase; return the figure.

        A layer without weights counts towards the weighted layer before it.
        """
        from bfimna.plot.phases import breakdown  # Matplotlib, only where a figure is drawn
        from bfimna.plot.style import title_of

        network, technology = title_of(self.network.name), title_of(self.technology.name)
        title = f"{network}, {self.precision.name}, {self.chip.name}, {technology}"
        times, energies = (by_weighted_layer(self.network, x) for x in (self.times, self.energies))
        return breakdown(times, energies, title)

    def to_csv(self, path: "str | Path | None" = None, layers: bool = False) -> str:
        """Return the summary, or the table by layer, as CSV; write it if a path is given."""
        return export.written(export.report_csv(self, layers), path)

    def to_json(self, path: "str | Path | None" = None, layers: bool = False) -> str:
        """Return summary and caveats, and with `layers` these too, as JSON; see `to_csv`."""
        return export.written(export.report_json(self, layers), path)

    def to_latex(self, path: "str | Path | None" = None) -> str:
        """Return the totals with units as a LaTeX table for booktabs; see `to_csv`."""
        return export.written(report_text.latex(self), path)

    @property
    def title(self) -> str:
        """Network, precision, chip, technology and batch on one line."""
        return report_text.title(self)

    @property
    def headline(self) -> list[tuple[str, str, str]]:
        """The totals: name, value with a sensible unit, and its 5 to 95 % interval."""
        return report_text.headline(self, self._totals, lambda: self._bounds)

    def __repr__(self) -> str:
        return report_text.one_line(self)

    def _repr_html_(self) -> str:
        return report_text.html(self)

    @cached_property
    def _layers(self) -> "pd.DataFrame":
        return layer_table(
            self.network, self.precision, self.schedule, self.times, self.energies, self.throttled
        )
