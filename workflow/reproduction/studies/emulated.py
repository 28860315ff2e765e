"""Whole networks on the bit-exact emulator: what runs, and one row of the table per run."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bfimna.emulator import check, natural
from bfimna.emulator.infer import infer
from bfimna.emulator.integer import Parameters
from bfimna.mapping.chip import Chip
from bfimna.mapping.plan import plan
from bfimna.names import load_network, load_precision, load_technology
from bfimna.network.graph import Network
from bfimna.network.precision import Precision
from reproduction.studies.measured import array_energies

WEIGHTS = "laplace, batch norm folded"
COLUMNS = (
    "network", "precision", "weights", "images", "exact", "counts_equal", "zeros_percent",
    "distinct_outputs", "technology", "array_energy_j", "expected_array_energy_j",
)  # fmt: skip


def emulate(
    network: Network,
    precision: Precision,
    parameters: Parameters,
    images: np.ndarray,
    weights: str,
    technologies: Sequence[str],
    threads: int = 0,
    progress: bool = False,
) -> pd.DataFrame:
    """Run images on the emulator; a row a technology, with `COLUMNS`.

    Exact: every tensor equals the NumPy oracle's. Counts equal: every event of every layer and
    phase that does not follow the data is the placement's. Energies are the arrays', per image: of
    the activity that these data cause, and as expected of uniformly random bits. That the network
    has not died on the way is told by the zeros among its words and by the distinct outputs.

    Parameters
    ----------
    weights : what to call the parameters in the table.
    """
    chip = Chip.limited()
    outputs, report = infer(
        network, parameters, images, precision, chip=chip, threads=threads, keep=True,
        progress=progress,
    )  # fmt: skip
    counts = check.differences(network, precision, report, chip, len(images))
    wrong = check.wrong_layers(network, parameters, images, precision, outputs, report, chip)
    for what in [*counts, *wrong]:
        print(f"{network.name} {precision.name}: differs: {what}")
    zeros = sum(np.count_nonzero(x == 0) for x in report.tensors.values())
    words = sum(x.size for x in report.tensors.values())
    placed = plan(network, chip, batch=len(images)).at(precision)
    rows = []
    for technology in technologies:
        energies = array_energies(network, placed, report, load_technology(technology))
        per_image = (energy / len(images) for energy in energies)
        rows.append((
            network.name, precision.name, weights, len(images), not wrong, not counts,
            100 * zeros / words, len(np.unique(outputs)), technology, *per_image,
        ))  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS)


def emulate_named(
    network: str,
    precision: str,
    technologies: Sequence[str],
    threads: int = 0,
    progress: bool = False,
) -> pd.DataFrame:
    """Run one network on one image, weights and image as `bfimna.emulator.natural` draws them."""
    net = load_network(network)
    bits = load_precision(net, precision)
    own, x = natural.parameters(net, bits), natural.images(net, bits)
    return emulate(net, bits, own, x, WEIGHTS, technologies, threads, progress)
