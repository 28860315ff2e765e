"""Report of a simulation: totals, their caveats, and tables by layer and phase."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from bfimna.ap.counts import CountSet
from bfimna.cost import formulas, uncertainty
from bfimna.cost.caveats import limit_warnings, memory_note, published_note
from bfimna.cost.formulas import ALL_PHASES
from bfimna.cost.layer_table import layer_table
from bfimna.cost.totals import figures_of_merit, point_labels
from bfimna.display import html_table, quantity
from bfimna.errors import BfimnaError, warn_renamed
from bfimna.mapping.chip import Chip
from bfimna.mapping.memory import live_bits
from bfimna.mapping.schedule import Schedule
from bfimna.network.graph import Network
from bfimna.network.precision import Precision
from bfimna.technology.technology import Technology

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

INTERVAL = "5 to 95 % of the draws"  # heading of the column in tables
#: total → its name in a report, and its unit
SHOWN = {
    "latency_s": ("latency (of the batch)", "s"),
    "seconds_per_inference": ("time per inference", "s"),
    "energy_j": ("energy per inference", "J"),
    "edp_js": ("energy-delay product", "J·s"),
    "throughput_ops": ("throughput", "OPS"),
    "efficiency_ops_per_w": ("efficiency", "OPS/W"),
    "area_m2": ("area", "m²"),
}


@dataclass(frozen=True, repr=False)
class Report:
    """Cost of one network's inference; model document, section 3.

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

    @property
    def resident_weights_fit(self) -> bool:
        """Whether the MAPs could hold all weights, as "resident" assumes."""
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
        """Whether the MAPs could hold the batch's live tensors, as the model assumes."""
        return self.batch * self.peak_live_bits <= self.chip.map_bits

    @property
    def warnings(self) -> tuple[str, ...]:
        """A line for each infeasible area, power density or current."""
        return limit_warnings(
            self.schedule, self.technology, self.times, self.energies, self.network.name
        )

    @cached_property
    def _bounds(self) -> dict[str, Any]:
        return uncertainty.bounds(
            self.schedule, self.technology, self.operations, self.batch, bounded=tuple(SHOWN)
        )

    def _span(self, key: str, unit: str) -> str:
        """Return the 5 to 95 % interval of a total as text, empty without ranges."""
        try:
            low, high = (float(self._bounds[f"{key}_{end}"]) for end in ("low", "high"))
        except BfimnaError:  # no interval at a supply within the threshold's range
            return ""
        return f"{quantity(low, unit)} to {quantity(high, unit)}" if low < high else ""

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """Caveats of the figures: of the network's file, the memory, the set of counts."""
        of_the_model = (
            memory_note(
                self.chip,
                self.weights_bits,
                self.batch * self.peak_live_bits,
                int(self.schedule.traffic.dram_bits.sum()),
            ),
            published_note(self.counts, self.times),
        )
        return (*self.network.notes, *self.precision.notes, *filter(None, of_the_model))

    @cached_property
    def _summary(self) -> dict[str, object]:
        row = point_labels(
            self.network, [self.precision], [self.precision.mean_bits], [self.technology],
            self.chip, self.counts, self.batch,
        )  # fmt: skip
        return {name: values.tolist()[0] for name, values in row.items()} | {
            **self._totals,
            "utilisation": self.utilisation,
            "weights_bits": self.weights_bits,
            "resident_weights_fit": self.resident_weights_fit,
            "peak_live_bits": self.peak_live_bits,
            "live_activations_fit": self.live_activations_fit,
            **{
                f"{name}_{end}": float(self._bounds[f"{name}_{end}"])
                for name in uncertainty.BOUNDED
                for end in ("low", "high")
            },
        }

    @property
    def summary(self) -> dict[str, object]:
        """One row for a table of results; units in the names."""
        return dict(self._summary)

    @property
    def phases(self) -> "pd.DataFrame":
        """Seconds and joules of the batch by phase (the index), for the phases that take part."""
        import pandas as pd

        sums = {"latency_s": self.times.sum(axis=0), "energy_j": self.energies.sum(axis=0)}
        table = pd.DataFrame(sums, index=pd.Index(ALL_PHASES, name="phase"))
        return table[table.any(axis="columns")]

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

        title = (
            f"{title_of(self.network.name)}, {self.precision.name}, {self.chip.name}, "
            f"{title_of(self.technology.name)}"
        )
        times, energies = map(self._by_weighted_layer, (self.times, self.energies))
        return breakdown(times, energies, title)

    def _by_weighted_layer(self, costs: np.ndarray) -> "pd.DataFrame":
        """Sum costs (layers, phases) into rows of weighted layers."""
        import pandas as pd

        names = self.network.matmul_names
        makers = [self.network.makers[layer.name] for layer in self.network.layers]
        rows = np.zeros((len(names), len(ALL_PHASES)))
        np.add.at(rows, makers, costs)
        return pd.DataFrame(rows, index=list(names), columns=list(ALL_PHASES))

    @property
    def title(self) -> str:
        """Network, precision, chip, technology, batch, and mapping if not the paper's."""
        return (
            f"{self.network.name} at {self.precision.name} on {self.chip.name}, "
            f"{self.technology.name} at {self.technology.supply_v:g} V, batch {self.batch}"
            f"{self.schedule.plan.own_mapping}"
        )

    @property
    def headline(self) -> list[tuple[str, str, str]]:
        """The totals: name, value with a sensible unit, and its 5 to 95 % interval."""
        shown = [
            (name, quantity(self._totals[key], unit), self._span(key, unit))
            for key, (name, unit) in SHOWN.items()
        ]
        return [*shown, ("utilisation of rows", f"{100 * self.utilisation:.1f} %", "")]

    def __repr__(self) -> str:
        return (
            f"<Report: {self.title}: {quantity(self.latency_s, 's')}, "
            f"{quantity(self.energy_j, 'J')} per inference, EDP {quantity(self.edp_js, 'J·s')}>"
        )

    def _repr_html_(self) -> str:
        caveats = (*self.notes, *(f"warning: {line}" for line in self.warnings))
        return html_table(self.title, ("quantity", "value", INTERVAL), self.headline, caveats)

    @cached_property
    def _layers(self) -> "pd.DataFrame":
        return layer_table(self.network, self.precision, self.schedule, self.times, self.energies)
