"""What the assumptions on data movement are worth: the table behind the figure `traffic`."""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from bfimna.chip.chip import Chip
from bfimna.names import load_network, load_precision, load_technology
from bfimna.result.simulate import simulate


def traffic(networks: Sequence[str], precision: str, technology: str) -> pd.DataFrame:
    """Vary the assumptions on data movement; a row a network and variant of the chip."""
    tech, lr = load_technology(technology), Chip.limited()
    variants = {
        "multicast, resident": lr,
        "overlapped": replace(lr, overlap=True),
        "no multicast": replace(lr, multicast=False),
        "streamed weights": replace(lr, weights="streamed"),
    }
    rows = []
    for name in networks:
        net = load_network(name)
        bits = load_precision(net, precision)
        for variant, chip in variants.items():
            report = simulate(net, bits, chip, tech)
            moving = report.phases.latency_s["traffic"]
            summary = {**report.summary, "variant": variant, "traffic_s": moving}
            rows.append(summary)
    return pd.DataFrame(rows)
