"""Searches for bits behind figures: fronts beside published schemes, and simulated streams.

Tables behind the figures `pareto` and `dynamic`.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from bfimna import data
from bfimna.cost.grid import listed
from bfimna.cost.sweep import sweep
from bfimna.errors import (
    BfimnaError,
    instance,
    is_number,
    positive_number,
    shown,
    whole_number,
    wrong_type,
)
from bfimna.mapping.chip import Chip
from bfimna.names import load_network, load_precision
from bfimna.network.graph import Network
from bfimna.network.precision import Precision
from bfimna.search.choose import Budget, choose, choose_each, compare, front
from bfimna.search.sensitivity import Sensitivity, hawq_sensitivity, read_sensitivity
from bfimna.technology.technology import Technology
from reproduction.studies import streams
from reproduction.studies.arguments import checked


def _bits(precision: Precision) -> dict[str, int]:
    return dict(zip(precision.layers, precision.weight_bits, strict=True))


def network_and_sensitivity(
    network: str, sensitivity: str | Path | Sensitivity | None
) -> tuple[Network, Sensitivity]:
    """Return a network of the zoo or a file, with the sensitivities passed or else HAWQ-V3's."""
    net = load_network(network)
    if isinstance(sensitivity, str | Path):
        sensitivity = read_sensitivity(sensitivity)
    if sensitivity is None:
        if network not in data.HAWQ_NAMES:
            raise BfimnaError(
                f"HAWQ-V3 gives no sensitivities of {network!r}, only of "
                f"{', '.join(data.HAWQ_NAMES)}: give a file of them"
            )
        sensitivity = hawq_sensitivity(net)
    instance("sensitivity", sensitivity, Sensitivity, "a Sensitivity or a file").check(net)
    return net, sensitivity


def _stream(network: str, sensitivity: str | Path | Sensitivity | None) -> dict[str, int]:
    """Return HAWQ-V3's residual stream where its sensitivities apply; else no own widths."""
    return data.hawq_tensors(network) if sensitivity is None else {}


def _uniform(
    network: Network, sensitivity: Sensitivity, bits: int, tensors: Mapping[str, int]
) -> Precision:
    return Precision.by_layer(network, sensitivity.fixed, f"int{bits}", bits, tensors)


def against_published(
    network: str,
    chip: Chip,
    technology: Technology,
    points: Mapping[str, int],
    sensitivity: str | Path | Sensitivity | None = None,
) -> pd.DataFrame:
    """Return fronts and HAWQ-V3's schemes in one table, with Ω and EDP relative to 8 bits.

    All of them have HAWQ-V3's residual stream at 16 bits, so that they differ in the layers' bits
    alone. With own sensitivities, 4 and 8 bits in all layers take the place of the schemes, and no
    tensor has a width of its own.

    Parameters
    ----------
    network : of the zoo, or a file.
    points : budgets of each front, by its choices of bits as text, for example ``{"4, 8": 20}``.
    sensitivity : own sensitivities, or a CSV of them (`read_sensitivity`); HAWQ-V3's if left out.

    Returns
    -------
    DataFrame of `compare` with the columns choices ("published" for HAWQ-V3's schemes, "uniform"
    for fixed bits, else the choices of a front) and edp_rel. Schemes also have best_omega, the
    proven minimum of Ω with 4 and 8 bits at the scheme's EDP, and different, the number of layers
    whose bits differ in that optimum.
    """
    if not isinstance(points, Mapping):
        raise wrong_type("points", points, "budgets by choices of bits, such as {'4, 8': 20}")
    net, omega = network_and_sensitivity(network, sensitivity)
    stream = _stream(network, sensitivity)
    if sensitivity is None:
        schemes = [data.load_precision(net, name) for name in data.hawq_schemes(network)]
    else:
        schemes = [_uniform(net, omega, bits, stream) for bits in (4, 8)]
    table = compare(net, omega, schemes, chip, technology)
    budgets = [Budget("edp_js", limit=edp) for edp in table.edp_js]
    best = choose_each(net, omega, budgets, chip, technology, tensors=stream)
    table["best_omega"] = [omega.total(_bits(p)) for p in best]
    table["layers_differing"] = [
        sum(a != b for a, b in zip(p.weight_bits, scheme.weight_bits, strict=True))
        for p, scheme in zip(best, schemes, strict=True)
    ]
    frames = [table.assign(choices="published" if sensitivity is None else "uniform")]
    for text, count in points.items():
        choices = _choices(text)
        optima = front(net, omega, chip, technology, choices, count, stream)
        rows = compare(net, omega, optima, chip, technology)
        frames.append(rows.assign(choices=text))
    int8 = sweep(net, [_uniform(net, omega, 8, stream)], [chip], [technology]).edp_js[0]
    joined = pd.concat(frames, ignore_index=True)
    return joined.assign(edp_rel=joined.edp_js / int8)


def _choices(text: object) -> list[int]:
    """Return choices of bits from text such as "4, 8"."""
    parts = text.split(",") if isinstance(text, str) else [""]
    if not all(re.fullmatch(r"\s*[0-9]{1,2}\s*", part) for part in parts):
        raise BfimnaError(f"choices of bits: want widths by commas, '4, 8', not {shown(text)}")
    return [int(part) for part in parts]


def moves(network_name: str, scheme: str, chip: Chip, technology: Technology) -> pd.DataFrame:
    """Return the layers whose bits differ in the AP's optimum at a scheme's EDP, and why.

    Columns: layer; bits published and chosen; and the effect of changing that layer alone on Ω, on
    the AP's EDP (relative to the scheme's), and on the latency of the T4 GPU that the scheme was
    made for (relative to the scheme's).
    """
    instance("scheme", scheme, str)
    network, omega = network_and_sensitivity(network_name, None)
    published = data.load_precision(network, f"hawq_v3/{scheme}")
    edp = sweep(network, [published], [chip], [technology]).edp_js[0]
    stream = data.hawq_tensors(network_name)
    budget = Budget("edp_js", limit=edp)
    chosen = choose(network, omega, budget, chip, technology, tensors=stream)
    old, new = _bits(published), _bits(chosen)
    layers = [layer for layer in old if old[layer] != new[layer]]
    alone = [
        Precision.by_layer(network, {**old, layer: new[layer]}, layer, tensors=stream)
        for layer in layers
    ]
    t4 = data.hawq_sensitivity(network_name).set_index("layer")
    t4_ms = {b: t4[f"t4_latency_int{b}_ms"] for b in (4, 8)}
    t4_total = sum(t4_ms[b][layer] for layer, b in old.items() if layer in t4.index)
    rows = [
        {
            "layer": layer,
            "published_bits": old[layer],
            "bits": new[layer],
            "omega_change": omega.omega(layer, new[layer]) - omega.omega(layer, old[layer]),
            "edp_change": sweep(network, [flipped], [chip], [technology]).edp_js[0] / edp - 1,
            "t4_latency_change": (t4_ms[new[layer]][layer] - t4_ms[old[layer]][layer]) / t4_total,
        }
        for layer, flipped in zip(layers, alone, strict=True)
    ]
    columns = ["layer", "published_bits", "bits", "omega_change", "edp_change", "t4_latency_change"]
    return pd.DataFrame(rows, columns=columns)


def options(
    network: str, accuracies: Mapping[str, float], chip: Chip, technology: Technology
) -> pd.DataFrame:
    """Return the Pareto-optimal precisions on the AP: latency, energy and measured accuracy.

    Parameters
    ----------
    accuracies : in percent, by precision (a name or a file).
    """
    if not isinstance(accuracies, Mapping) or not accuracies:
        raise BfimnaError("give the measured accuracy of at least one precision")
    for name, percent in accuracies.items():
        if is_number(percent) and not 0 <= percent <= 100:
            raise BfimnaError(f"accuracy of {shown(name)} must be from 0 to 100 %, not {percent}")
    net = load_network(network)
    precisions = [load_precision(net, name) for name in accuracies]
    rows = sweep(net, precisions, [chip], [technology])
    rows["accuracy_percent"] = list(accuracies.values())
    return streams.pareto_options(rows[list(streams.COLUMNS)])


def published_options(network_name: str, chip: Chip, technology: Technology) -> pd.DataFrame:
    """Return HAWQ-V3's Pareto-optimal schemes on the AP, with their published accuracy."""
    published = data.hawq_accuracy(network_name).set_index("scheme").top1_percent
    names = data.hawq_schemes(network_name)
    accuracies = published.reindex([name.removeprefix("hawq_v3/") for name in names])
    by_name = dict(zip(names, accuracies.tolist(), strict=True))
    return options(network_name, by_name, chip, technology)


@checked
def play(
    options: pd.DataFrame,
    battery_j: float,
    inferences: int,
    seeds: Sequence[int],
    reload: tuple[np.ndarray, np.ndarray],
) -> pd.DataFrame:
    """Simulate streams under the policy, the best static option in hindsight, and the oracle.

    The policy runs a second time on a crossbar that pays `reload` for each change. One row per
    seed, run and inference.
    """
    battery_j = positive_number("battery_j", battery_j)
    inferences = whole_number("inferences", inferences, 1)
    frames = []
    for seed in [whole_number("seed", seed, 0) for seed in listed(seeds)]:
        stream = streams.synthetic_stream(options, inferences, seed)
        static = [
            streams.run_stream(options, stream, battery_j, streams.fixed_policy(k))
            for k in range(len(options))
        ]
        policy = streams.frugal_policy(options)
        runs = {
            "best static": max(static, key=lambda played: played.accuracy_percent.sum()),
            "policy": streams.run_stream(options, stream, battery_j, policy),
            "policy, reloading": streams.run_stream(options, stream, battery_j, policy, reload),
            "oracle": streams.run_stream(
                options, stream, battery_j, streams.oracle_policy(options, stream, battery_j)
            ),
        }
        frames += [r.assign(seed=seed, run=name, **stream) for name, r in runs.items()]
    return pd.concat(frames, ignore_index=True)
