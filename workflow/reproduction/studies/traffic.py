"""What the assumptions on data movement are worth: the table behind the figure `traffic`."""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from bfimna.cost.simulate import simulate
from bfimna.mapping.chip import Chip
from bfimna.names import AnyChip, load_chip, load_network, load_precision, load_technology


def traffic(
    networks: Sequence[str], precision: str, technology: str, chip: AnyChip = "LR"
) -> pd.DataFrame:
    """Vary a chip's assumptions on data movement; a row a network and variant, the chip's first.

    A variant that the chip is already is left out.
    """
    tech, given = load_technology(technology), load_chip(chip)
    variants = {
        _base(given): given,
        "overlapped": replace(given, overlap=True),
        "no multicast": replace(given, multicast=False),
        "streamed weights": replace(given, weights="streamed"),
    }
    first, *others = variants.items()
    variants = dict([first, *((name, own) for name, own in others if own != given)])
    rows = []
    for name in networks:
        net = load_network(name)
        bits = load_precision(net, precision)
        for variant, own in variants.items():
            report = simulate(net, bits, own, tech)
            moving = report.phases.latency_s["traffic"]
            summary = {**report.summary, "variant": variant, "traffic_s": moving}
            rows.append(summary)
    return pd.DataFrame(rows)


def _base(chip: Chip) -> str:
    """Say what a chip assumes.

    >>> _base(Chip.limited())
    'multicast, resident'
    """
    known = "multicast" if chip.multicast else "no multicast"
    return f"{known}, {chip.weights}" + ", overlapped" * chip.overlap
