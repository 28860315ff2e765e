"""Streams of inferences under changing budgets, with bits chosen for each inference.

A battery of limited capacity gains a harvest before every inference, and every inference has a
deadline. It is missed if its latency exceeds the deadline or its energy the battery's charge; a
missed inference gives no answer and takes no energy, except for weights already reloaded. Options
are precisions of published or measured accuracy, never interpolated.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from bfimna import data
from bfimna.cost.grid import listed
from bfimna.errors import BfimnaError, instance, whole_number
from bfimna.names import load_precision
from bfimna.network.bits import Bits
from bfimna.network.graph import Network
from bfimna.network.precision import Precision
from bfimna.search.pareto import pareto_front
from bfimna.technology.technology import Technology

#: (index in the stream, charge in J, deadline in s) → index of an option, or None to skip
Policy = Callable[[int, float, float], int | None]

COLUMNS = ("precision", "latency_s", "energy_j", "accuracy_percent")
ORACLE_STEPS = 5000  # resolution of the battery's charge in the oracle's plan
#: of a synthetic stream: days, swing of the harvest about its mean, range of the share under clouds
DAYS, SWING, CLOUDS = 2, 0.8, (0.4, 1.0)
#: inferences per cloud, and per deadline
CLOUD_LASTS, DEADLINE_LASTS = 10, 20
#: shares of deadlines met by the fastest option only, by the faster half, by all; and their slack
DEADLINES, DEADLINE_SLACK = (0.2, 0.3, 0.5), 1.05


def pareto_options(options: pd.DataFrame) -> pd.DataFrame:
    """Return the Pareto front of energy, latency and accuracy; lowest energy first.

    >>> rows = [("a", 1.0, 1.0, 70.0), ("b", 2.0, 2.0, 69.0), ("c", 3.0, 3.0, 71.0)]
    >>> list(pareto_options(pd.DataFrame(rows, columns=COLUMNS)).precision)
    ['a', 'c']
    """
    if missing := [c for c in COLUMNS if c not in options]:
        raise BfimnaError(f"options lack the columns {', '.join(missing)}")
    if options.accuracy_percent.isna().any():
        unknown = options.precision[options.accuracy_percent.isna()].tolist()
        raise BfimnaError(f"no published or measured accuracy for {', '.join(unknown)}")
    merit = options[["energy_j", "latency_s"]].assign(loss=-options.accuracy_percent).to_numpy()
    front = options[pareto_front(merit)].drop_duplicates(list(COLUMNS[1:]))
    return front.sort_values("energy_j").reset_index(drop=True)


def synthetic_stream(options: pd.DataFrame, inferences: int = 240, seed: int = 0) -> pd.DataFrame:
    """Return a synthetic stream of two days: harvests by daylight and cloud, and deadlines.

    The mean harvest is near the mean energy of the options. A deadline is met by every option, by
    the faster half, or by the fastest only; it lasts `DEADLINE_LASTS` inferences.

    Returns
    -------
    DataFrame with harvest_j and deadline_s, one row per inference.
    """
    whole_number("inferences", inferences, 1)
    random = np.random.default_rng(seed)
    sun = 1.0 + SWING * np.sin(2 * np.pi * DAYS * np.arange(inferences) / inferences)
    clouds = random.uniform(*CLOUDS, inferences // CLOUD_LASTS + 1)
    cloud = np.repeat(clouds, CLOUD_LASTS)[:inferences]
    fast, middle, slow = np.quantile(options.latency_s, (0.0, 0.5, 1.0))
    count = inferences // DEADLINE_LASTS + 1
    kinds = DEADLINE_SLACK * random.choice([fast, middle, slow], count, p=DEADLINES)
    return pd.DataFrame(
        {
            "harvest_j": sun * cloud * options.energy_j.mean(),
            "deadline_s": np.repeat(kinds, DEADLINE_LASTS)[:inferences],
        }
    )


def fixed_policy(option: int) -> Policy:
    """Return the policy that always chooses the same option."""
    return lambda at, charge, deadline: option


def frugal_policy(options: pd.DataFrame, horizon: int = 20) -> Policy:
    """Choose the most accurate option in time that takes at most 1 / `horizon` of the charge.

    If there is none, the cheapest in time. The policy sees the charge and the current deadline, but
    not the future.
    """
    latency, energy = options.latency_s.to_numpy(), options.energy_j.to_numpy()
    accuracy = options.accuracy_percent.to_numpy()

    def decide(at: int, charge: float, deadline: float) -> int | None:
        possible = np.flatnonzero((latency <= deadline) & (energy <= charge))
        if not len(possible):
            return None
        affordable = possible[energy[possible] <= charge / horizon]
        if not len(affordable):
            return int(possible[energy[possible].argmin()])
        return int(affordable[accuracy[affordable].argmax()])

    return decide


def run_stream(
    options: pd.DataFrame,
    stream: pd.DataFrame,
    battery_j: float,
    policy: Policy,
    reload: tuple[np.ndarray, np.ndarray] | None = None,
) -> pd.DataFrame:
    """Play a stream: one row per inference, with its option, energy, charge left and accuracy.

    Parameters
    ----------
    battery_j : capacity; the battery is full at first.
    reload : seconds and joules to go from one option to another, each of shape (options, options);
        on an AP changing the bits takes nothing.
    """
    nothing = np.zeros((len(options),) * 2)
    reload_s, reload_j = reload or (nothing, nothing)
    latencies, energies = options.latency_s.to_numpy(), options.energy_j.to_numpy()
    accuracies, names = options.accuracy_percent.to_numpy(), options.precision.tolist()
    charge, loaded, rows = battery_j, None, []
    for at, (harvest, deadline) in enumerate(zip(stream.harvest_j, stream.deadline_s, strict=True)):
        charge = min(charge + harvest, battery_j)
        option = policy(at, charge, deadline)
        spent, answered = 0.0, False
        if option is not None:
            before = option if loaded is None else loaded
            reloading = float(reload_j[before, option])
            energy = float(energies[option]) + reloading
            enough = energy <= charge * (1 + 1e-9)
            answered = bool(enough and latencies[option] + reload_s[before, option] <= deadline)
            if enough:  # a late one leaves its weights loaded for the next
                spent, loaded = energy if answered else reloading, option
        charge -= spent
        rows.append(
            {
                "inference": at,
                "precision": names[option] if option is not None and answered else "",
                "energy_j": spent,
                "charge_j": charge,
                "missed": not answered,
                "accuracy_percent": accuracies[option] if answered else 0.0,
            }
        )
    return pd.DataFrame(rows)


def oracle_policy(options: pd.DataFrame, stream: pd.DataFrame, battery_j: float) -> Policy:
    """Decide with knowledge of the whole stream, for the greatest total accuracy.

    Dynamic programming from the end, over charges on a grid of `ORACLE_STEPS`. Energies are rounded
    up to it and harvests down, so its plan is feasible, and short of the optimum by the rounding.
    """
    step = battery_j / ORACLE_STEPS
    spend = np.ceil(options.energy_j.to_numpy() / step).astype(int)
    gain = np.floor(stream.harvest_j.to_numpy() / step).astype(int)
    accuracy, latency = options.accuracy_percent.to_numpy(), options.latency_s.to_numpy()
    charges = np.arange(ORACLE_STEPS + 1)
    future = np.zeros(ORACLE_STEPS + 1)
    plan = np.full((len(stream), ORACLE_STEPS + 1), -1)
    for at in range(len(stream) - 1, -1, -1):
        best = future.copy()  # nothing spent: an inference missed
        for k in np.flatnonzero(latency <= stream.deadline_s.to_numpy()[at]):
            with_k = np.full_like(best, -np.inf)
            with_k[spend[k] :] = accuracy[k] + future[charges[spend[k] :] - spend[k]]
            plan[at, with_k > best] = k
            best = np.maximum(best, with_k)
        future = best[np.minimum(charges + gain[at], ORACLE_STEPS)]  # before the harvest

    def decide(at: int, charge: float, deadline: float) -> int | None:
        option = plan[at, min(int(charge / step), ORACLE_STEPS)]
        return None if option < 0 else int(option)

    return decide


def crossbar_reload(
    network: Network, precisions: Sequence[Precision], cell: Technology
) -> tuple[np.ndarray, np.ndarray]:
    """Return the seconds and joules for a crossbar of fixed precision to change its bits.

    An assumption: every weight of a layer whose bits change is fetched from DRAM at its new bits
    and rewritten, one bit per cell of the technology `cell`; all crossbars at once, the rows of
    each in turn (their number is in data/published/components.csv). Converters and input bits are
    assumed to change at no cost.
    """
    instance("cell", cell, Technology)
    network = instance("network", network, Network)
    loaded = [load_precision(network, precision) for precision in listed(precisions)]
    bits = Bits.from_precisions(network, loaded).left
    weights = np.array([gemm.weights for gemm in network.matmuls])
    changed = bits[:, None] != bits[None]
    written = (changed * bits[None] * weights).sum(axis=2)
    rows, links = float(data.component("crossbar", "rows").value), cell.interconnect
    row_s = cell.write_s + cell.write_s_per_cell * rows  # a square crossbar
    return (
        written / 8 / links.dram_bytes_per_s + changed.any(axis=2) * rows * row_s,
        written * (links.dram_j_per_bit + cell.write_j_per_cell),
    )


def summary(played: pd.DataFrame) -> pd.DataFrame:
    """Return one row per run, means of the streams: energy, misses, switches, accuracy.

    Parameters
    ----------
    played : rows of `run_stream`, with columns seed and run. `accuracy_percent` counts a missed
        inference as 0, `answered_accuracy_percent` leaves it out.
    """
    rows = []
    for (name, seed), run in played.groupby(["run", "seed"], sort=False):
        answered = run[~run.missed]
        used = answered.precision
        rows.append(
            {
                "run": name,
                "seed": seed,
                "energy_j": run.energy_j.sum(),
                "missed": run.missed.sum(),
                "switches": (used != used.shift()).iloc[1:].sum(),
                "answered_accuracy_percent": answered.accuracy_percent.mean(),
                "accuracy_percent": run.accuracy_percent.mean(),
            }
        )
    table = pd.DataFrame(rows).drop(columns="seed")
    return table.groupby("run", sort=False).mean().reset_index()
