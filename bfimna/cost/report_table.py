"""A report as one row of a table, and what it is computed from."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bfimna.cost import uncertainty
from bfimna.cost.totals import point_labels

if TYPE_CHECKING:
    from bfimna.cost.report import Report


def summary(
    report: "Report", totals: Mapping[str, float], bounds: Mapping[str, Any]
) -> dict[str, object]:
    """Return the row of a report: which point it is, its totals, feasibility and intervals."""
    labels = point_labels(
        report.network, [report.precision], [report.precision.mean_bits], [report.technology],
        report.chip, report.counts, report.batch,
    )  # fmt: skip
    return {name: values.tolist()[0] for name, values in labels.items()} | {
        **totals,
        "throttled_s": report.throttled_s,
        "feasible": report.feasible,
        "utilisation": report.utilisation,
        "weights_bits": report.weights_bits,
        "resident_weights_fit": report.resident_weights_fit,
        "peak_live_bits": report.peak_live_bits,
        "live_activations_fit": report.live_activations_fit,
        "writes_per_cell": report.writes_per_cell,
        **{
            f"{name}_{end}": float(bounds[f"{name}_{end}"])
            for name in uncertainty.BOUNDED
            for end in ("low", "high")
        },
    }


def inputs(report: "Report") -> tuple[object, ...]:
    """Return what a report is computed from, but for its technology's ranges."""
    return (
        report.network, report.precision, report.chip, report.technology, report.batch,
        report.counts, report.schedule.plan.mapping,
    )  # fmt: skip


def ranges(report: "Report") -> tuple[object, ...]:
    """Return ranges and distributions of a report's technology, which it does not compare."""
    technology, links = report.technology, report.technology.interconnect
    return technology.ranges, technology.draws, links.ranges, links.draws


def writes(report: "Report") -> float:
    """Return the cells that an inference writes or loads."""
    works = (work.counts for work in report.schedule.phases.values())
    cells = sum(float(np.sum(counts.cells_written + counts.cells_loaded)) for counts in works)
    return cells / report.batch
