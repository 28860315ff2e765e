"""Decks: a kit's cells and lines as text for ngspice, from the templates beside this file."""

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bfimna.characterise.card import Card
from bfimna.characterise.kit import Kit
from bfimna.characterise.ngspice import ConvergenceError, Measures, Simulator
from bfimna.errors import missing_extra

if TYPE_CHECKING:
    import jinja2

TEMPLATES = Path(__file__).with_name("templates")
LUMP = 8  # cells that one piece of a line stands for
#: tolerances, and what is tried in turn where a run does not converge; gmin leaks less than a cell
_USUAL = {"reltol": 5e-4, "abstol": 1e-10, "vntol": 1e-6, "chgtol": 1e-18, "gmin": 1e-16,
          "method": "gear maxord=2"}  # fmt: skip
TOLERANCES: tuple[dict[str, object], ...] = (
    _USUAL,
    _USUAL | {"abstol": 1e-9},
    _USUAL | {"abstol": 1e-8, "reltol": 1e-3},
    _USUAL | {"abstol": 1e-9, "reltol": 2e-3, "vntol": 1e-5, "chgtol": 1e-17, "gmin": 1e-14},
    _USUAL | {"abstol": 1e-9, "reltol": 2e-3, "vntol": 1e-5, "method": "trap"},
)
_ZERO_CELSIUS = 273.15


@dataclass(frozen=True)
class Bench:
    """A kit under one condition, and the simulator that runs it.

    Attributes
    ----------
    supply_v, temperature_k : of the runs.
    wires, widths : factors on the resistance and capacitance of wires, and on transistors' widths.
    fo4_s : delay of an inverter that drives four, the unit of all pulses; 0 until `timed`.
    """

    kit: Kit
    simulator: Simulator
    card: Card
    supply_v: float
    temperature_k: float
    wires: float = 1.0
    widths: float = 1.0
    fo4_s: float = 0.0

    @property
    def tagged(self) -> str:
        """The condition in words, for errors."""
        return f"{self.supply_v:g} V, {self.temperature_k:g} K, {self.card.name}"

    @property
    def wire_ohm_per_um(self) -> float:
        """Resistance of a line."""
        return self.kit.wire_ohm_per_um * self.wires

    @property
    def wire_f_per_um(self) -> float:
        """Capacitance of a line, in F/µm."""
        return self.kit.wire_ff_per_um * 1e-15 * self.wires

    def other(self, **changes: Any) -> "Bench":
        """Return the bench under another condition, not yet timed."""
        return replace(self, **changes, fo4_s=0.0)

    def run(self, template: str, **values: Any) -> Measures:
        """Run a template with values, with looser tolerances where it does not converge."""
        kit = self.kit
        size = {name: width * self.widths for name, width in kit.sizes.items()}
        values = {
            "vdd": self.supply_v, "celsius": round(self.temperature_k - _ZERO_CELSIUS, 6),
            "nmos": kit.nmos, "pmos": kit.pmos, "size": size, "local": kit.node_nm * 1e-18,
            "stores": kit.stores, "cross_point": kit.cross_point, "resistors": kit.resistors,
            **values,
        }  # fmt: skip
        what = f"{template.replace('_', ' ')} of {kit.name} ({self.tagged})"
        for i, options in enumerate(TOLERANCES):
            # currents of a cell that holds are far below the tolerance that transients need
            tight = {"abstol": 1e-15} if template == "leakage" and i == 0 else {}
            deck = render(template, options={**options, **tight}, **values)
            try:
                return self.simulator.run(what, deck, self.card.text)
            except ConvergenceError as error:
                last = error
        raise last


@lru_cache
def environment() -> "jinja2.Environment":
    """Return the templates, or raise without Jinja2."""
    try:
        import jinja2
    except ImportError:
        raise missing_extra("Jinja2", "characterise") from None
    loader = jinja2.FileSystemLoader(TEMPLATES)
    return jinja2.Environment(loader=loader, undefined=jinja2.StrictUndefined, autoescape=False)


def render(template: str, **values: Any) -> str:
    """Return the text of a deck."""
    return environment().get_template(f"{template}.j2").render(**values)


def match_segments(cells: int, driven: int, differing: int) -> list[dict[str, Any]]:
    """Return a match line's pieces: cells that are not driven in lumps, then one for each key.

    Half of the cells that are not driven hold 1. Driven cells have key 1, and hold 0 where they
    differ; those lie farthest from the sensed end.
    """
    segments: list[dict[str, Any]] = []
    rest = cells - driven
    while rest > 0:
        lump = min(LUMP, rest)
        rest -= lump
        groups = [{"copies": lump / 2, "bit": bit, "key": "0"} for bit in (True, False)]
        segments.append({"cells": lump, "groups": groups})
    for key in range(driven):
        cell = {"copies": 1, "bit": key < driven - differing, "key": "key"}
        segments.append({"cells": 1, "groups": [cell]})
    return segments


def word_cells(cells: int) -> list[dict[str, Any]]:
    """Return a word line's pieces: cells that are not written in lumps, then one that is."""
    pieces: list[dict[str, Any]] = []
    rest = cells - 1
    while rest > 0:
        lump = min(LUMP, rest)
        rest -= lump
        pieces += [{"copies": lump / 2, "bit": bit, "written": False} for bit in (True, False)]
    return [*pieces, {"copies": 1, "bit": False, "written": True}]
