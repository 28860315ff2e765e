"""Characterise a kit: every run, several at a time, and the rows of a technology table."""

import os
import sys
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from math import inf
from pathlib import Path
from typing import Any, TypeVar

from bfimna.characterise import cells, lines, measure
from bfimna.characterise.cells import Disturb
from bfimna.characterise.decks import Bench, environment
from bfimna.characterise.fits import DelayLaw, delay_law, exponents
from bfimna.characterise.kit import Kit, read_kit
from bfimna.characterise.lines import Match
from bfimna.characterise.measure import LENGTHS, Parameters
from bfimna.characterise.ngspice import Simulator, default_cache, version
from bfimna.errors import whole_number

Key = TypeVar("Key", bound=Hashable)
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Characterisation:
    """What a kit's cell takes, with everything that its ranges rest on.

    Attributes
    ----------
    nominal : parameters at the nominal supply, temperature, wires and widths.
    conditions : name → parameters with other wires, widths, temperatures, corners.
    law : of delay. supplies : V → seconds of a compare of 16 cells, and W that a cell leaks.
    exponent : of leakage in the supply: fitted, and the least and most between two supplies.
    miss, hit, many : rows of 72 cells that differ in one key, in none and in all three.
    disturbed : a tagged row among others, in a column that is not written; None for 2T2R.
    kept : driven keys → share of its charge that a matched line has when it is sensed.
    """

    kit: Kit
    ngspice: int
    nominal: Parameters
    conditions: Mapping[str, Parameters]
    law: DelayLaw
    supplies: Mapping[float, tuple[float, float]]
    exponent: tuple[float, float, float]
    miss: Match
    hit: Match
    many: Match
    disturbed: Disturb | None
    kept: Mapping[int, float]
    runs: int
    hits: int

    @property
    def safe_keys(self) -> float:
        """Keys that a pass may drive so that a match is sensed; infinite in SRAM."""
        if self.kit.stores:
            return inf
        return max(keys for keys, share in self.kept.items() if share > measure.KEPT)


def characterise(
    kit: Kit | str | Path,
    cache: str | Path | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Characterisation:
    """Simulate a kit's cell in ngspice and fit the model's parameters to it.

    Parameters
    ----------
    kit : or its TOML file.
    cache : folder that keeps the results of runs; a user's cache unless given.
    jobs : runs at a time; the processors unless given.
    progress : called with the number of runs done and of all.

    Raises
    ------
    BfimnaError
        Without ngspice or Jinja2; for a run that does not converge, a cell that does not flip or
        loses data, a wrong tag, and a residual above 5 %.
    """
    kit = kit if isinstance(kit, Kit) else read_kit(kit)
    jobs = whole_number("jobs", jobs if jobs is not None else os.cpu_count() or 1, 1, 256)
    environment()  # before the first run, and before ngspice is missed
    release = version()
    simulator = Simulator(Path(cache) if cache is not None else default_cache())
    with ThreadPoolExecutor(jobs) as executor:
        return _characterise(kit, release, simulator, executor, progress or (lambda *_: None))


def bench_of(kit: Kit | str | Path, cache: str | Path | None = None) -> Bench:
    """Return a kit's bench at its nominal condition, for runs of single lines and cells.

    Parameters
    ----------
    kit, cache : as for `characterise`.
    """
    kit = kit if isinstance(kit, Kit) else read_kit(kit)
    simulator = Simulator(Path(cache) if cache is not None else default_cache())
    return lines.timed(_nominal(kit, simulator))


def _nominal(kit: Kit, simulator: Simulator) -> Bench:
    return Bench(kit, simulator, kit.card, kit.supply_v, kit.temperatures_k[1])


def _conditions(nominal: Bench) -> dict[str, Bench]:
    """Return the benches whose parameters make the ranges, by name."""
    kit = nominal.kit
    cold, _, hot = kit.temperatures_k
    changes: dict[str, dict[str, Any]] = {
        "wires halved": {"wires": 0.5},
        "wires doubled": {"wires": 2.0},
        "narrow": {"widths": kit.width_range[0]},
        "wide": {"widths": kit.width_range[1]},
        "cold": {"temperature_k": cold},
        "hot": {"temperature_k": hot},
        **{f"corner {card.name}": {"card": card} for card in kit.corners},
    }
    return {name: nominal.other(**change) for name, change in changes.items()}


def _characterise(
    kit: Kit, release: int, simulator: Simulator, executor: Executor, progress: Progress
) -> Characterisation:
    start = _nominal(kit, simulator)
    benches = {"nominal": start, **_conditions(start)}
    supplies = {v: start.other(supply_v=v) for v in kit.supplies_v}
    first: dict[Any, Callable[[], Any]] = {
        key: partial(lines.timed, bench) for key, bench in (*benches.items(), *supplies.items())
    }
    timed = _all(executor, first, lambda *_: None)
    nominal = timed["nominal"]
    runs: dict[Any, Callable[[], Any]] = {}
    for name in benches:
        lengths = LENGTHS if name == "nominal" else (LENGTHS[0], LENGTHS[-1])
        runs |= {(name, key): run for key, run in measure.tasks(timed[name], lengths).items()}
    for v in supplies:
        runs["delay", v] = partial(lines.match_line, timed[v], LENGTHS[0], 1)
        runs["leakage", v] = partial(cells.leakage, timed[v])
    runs["many", 0] = partial(lines.match_line, nominal, LENGTHS[-1], lines.KEYS)
    if kit.stores:
        runs["disturb", 0] = partial(measure.check_disturb, nominal)
    done = _all(executor, runs, progress)

    fitted = {
        name: measure.parameters(
            timed[name], measure.collect({k[1]: r for k, r in done.items() if k[0] == name})
        )
        for name in benches
    }
    miss = done["nominal", ("match", LENGTHS[-1])]
    # a row of resistors may be safe with fewer keys only, which `safe_keys` says
    hit = measure.check_match(nominal, miss, LENGTHS[-1], lines.KEYS if kit.stores else 1)
    delays = [done["delay", v].sense_s + done["delay", v].precharge_s for v in supplies]
    leaks = [done["leakage", v] for v in supplies]
    kept = {lines.KEYS: hit.end_v / kit.supply_v}
    if not kit.stores:
        kept = measure.kept_by_keys(nominal, miss, LENGTHS[-1], executor)
    return Characterisation(
        kit=kit, ngspice=release, nominal=fitted.pop("nominal"), conditions=fitted,
        law=delay_law(f"{kit.name}: alpha-power law over supplies_v", kit.supplies_v, delays),
        supplies={v: (delay, leak) for v, delay, leak in zip(supplies, delays, leaks, strict=True)},
        exponent=exponents(kit.supplies_v, leaks), miss=miss, hit=hit, many=done["many", 0],
        disturbed=done.get(("disturb", 0)), kept=kept, runs=simulator.runs,
        hits=simulator.hits,
    )  # fmt: skip


def _all(
    executor: Executor, tasks: Mapping[Key, Callable[[], Any]], progress: Progress
) -> dict[Key, Any]:
    """Run tasks; return their results in the order of the tasks, or raise the first error."""
    futures = {executor.submit(task): key for key, task in tasks.items()}
    try:
        for count, future in enumerate(as_completed(futures), 1):
            future.result()
            progress(count, len(futures))
    except BaseException:
        for future in futures:
            future.cancel()
        raise
    return {key: future.result() for future, key in futures.items()}


def show_progress(done: int, all_runs: int) -> None:
    """Write how many runs are done to stderr, on one line of a terminal."""
    if sys.stderr.isatty():
        end = "\n" if done == all_runs else ""
        print(f"\rcharacterise: {done} of {all_runs} runs", end=end, file=sys.stderr, flush=True)
    elif done == all_runs or done % 20 == 0:
        print(f"characterise: {done} of {all_runs} runs", file=sys.stderr, flush=True)
