"""How sure the headline figures are, and what they hang on: the table behind `uncertainty`."""

from collections.abc import Sequence

import pandas as pd

from bfimna.cost import uncertainty
from bfimna.cost.simulate import simulate
from bfimna.names import AnyChip, load_chip, load_network, load_precision, load_technology

QUANTITIES = uncertainty.BOUNDED


def uncertain(
    networks: Sequence[str],
    precision: str,
    technology: str,
    samples: int = 512,
    chip: AnyChip = "LR",
) -> pd.DataFrame:
    """Return intervals of the headline figures, and Sobol indices of what they come from.

    Parameters
    ----------
    samples : base samples of the indices, a power of two; see `bfimna.cost.uncertainty.sobol`.

    Returns
    -------
    DataFrame with kind ("interval" or "index"), network, precision, technology, chip, quantity; for
    an interval nominal, low, median and high (5, 50, 95 %), in the unit that the quantity's name
    ends in; for an index cause, first (of the variance, by itself) and total (with interactions).
    """
    tech, own, rows = load_technology(technology), load_chip(chip), []
    for name in networks:
        net = load_network(name)
        report = simulate(net, load_precision(net, precision), own, tech)
        of = {"network": net.name, "precision": report.precision.name, "technology": tech.name,
              "chip": own.name}  # fmt: skip
        for quantity in QUANTITIES:
            low, median, high = report.interval(quantity)
            nominal = getattr(report, quantity)
            rows.append({"kind": "interval", **of, "quantity": quantity, "nominal": nominal,
                         "low": low, "median": median, "high": high})  # fmt: skip
            for index in uncertainty.sobol(report, quantity, samples).itertuples():
                rows.append({"kind": "index", **of, "quantity": quantity, "cause": index.cause,
                             "first": index.first, "total": index.total})  # fmt: skip
    return pd.DataFrame(rows)
