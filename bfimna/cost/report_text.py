"""A report as text: its title, totals with their intervals, and what makes it infeasible."""

from collections.abc import Callable, Mapping
from math import isfinite
from typing import TYPE_CHECKING, Any

from bfimna.cost.export import latex_table
from bfimna.display import html_table, quantity
from bfimna.errors import BfimnaError

if TYPE_CHECKING:
    from bfimna.cost.report import Report

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


def title(report: "Report") -> str:
    """Return network, precision, chip, technology, batch, and mapping if not the paper's."""
    return (
        f"{report.network.name} at {report.precision.name} on {report.chip.name}, "
        f"{report.technology.name} at {report.technology.supply_v:g} V, batch {report.batch}"
        f"{report.schedule.plan.own_mapping}"
    )


def headline(
    report: "Report", totals: Mapping[str, float], bounds: Callable[[], Mapping[str, Any]]
) -> list[tuple[str, str, str]]:
    """Return the totals: name, value with a sensible unit, and its 5 to 95 % interval."""
    names = {key: name for key, (name, _) in SHOWN.items()}
    if report.batch > 1:
        names["edp_js"] = "energy per inference × latency of the batch"
    rows = [
        (names[key], quantity(totals[key], unit), _span(bounds, key, unit))
        for key, (_, unit) in SHOWN.items()
    ]
    if report.throttled_s > 0:
        share = f"{100 * report.throttled_s / report.latency_s:.1f} % of the latency"
        rows.append(("of which throttling", quantity(report.throttled_s, "s"), share))
    rows.append(("utilisation of rows", f"{100 * report.utilisation:.1f} %", ""))
    if isfinite(report.technology.endurance_writes):
        writes = quantity(report.writes_per_cell, "")
        rows.append(("writes per cell", writes, "per inference, levelled over all cells"))
    return rows


def _span(bounds: Callable[[], Mapping[str, Any]], key: str, unit: str) -> str:
    """Return the 5 to 95 % interval of a total as text, empty without ranges."""
    try:
        low, high = (float(bounds()[f"{key}_{end}"]) for end in ("low", "high"))
    except BfimnaError:  # no interval at a supply within the threshold's range
        return ""
    return interval(low, high, unit)


def interval(low: float, high: float, unit: str) -> str:
    """Return an interval as text, empty where there is none."""
    return f"{quantity(low, unit)} to {quantity(high, unit)}" if low < high else ""


def one_line(report: "Report") -> str:
    """Return the totals on one line, with the limits that the result exceeds."""
    exceeded = dict.fromkeys(line.partition(":")[0] for line in report.infeasibilities)
    return (
        f"<Report: {report.title}: {quantity(report.latency_s, 's')}, "
        f"{quantity(report.energy_j, 'J')} per inference, EDP {quantity(report.edp_js, 'J·s')}"
        f"{'; infeasible: ' if exceeded else ''}{', '.join(exceeded)}>"
    )


def caveats(report: "Report") -> list[str]:
    """Return a report's notes, and its reasons of infeasibility, as lines."""
    notes = [f"note: {note}" for note in report.notes]
    return [*notes, *(f"infeasible: {line}" for line in report.infeasibilities)]


def latex(report: "Report") -> str:
    """Return the totals as a LaTeX table."""
    return latex_table(report.title, ("quantity", "value", INTERVAL), report.headline)


def html(report: "Report") -> str:
    """Return the totals as an HTML table, with notes and reasons of infeasibility below."""
    header = ("quantity", "value", INTERVAL)
    return html_table(report.title, header, report.headline, caveats(report))
