"""Whole networks on the bit-exact emulator: one row of the table per run.

The workflow calls it for each of `reproduction.runs.emulations`:

python -m reproduction.studies.emulated NETWORK PRECISION TECHNOLOGY TABLE TIMES THREADS

TABLE is the same on every machine; TIMES holds processor seconds and memory. Wall-clock seconds,
which depend on the machine's other load, are in Snakemake's own benchmark file.
"""

import resource
import sys
import time
from collections.abc import Sequence

import numpy as np
import pandas as pd

from bfimna.cost import formulas
from bfimna.emulator.infer import InferReport, infer
from bfimna.emulator.integer import Parameters
from bfimna.mapping.chip import Chip
from bfimna.mapping.plan import plan
from bfimna.mapping.schedule import Schedule
from bfimna.mapping.work import Mode
from bfimna.names import load_network, load_precision, load_technology
from bfimna.network.graph import Network
from bfimna.network.precision import Precision
from bfimna.tables import write_table
from bfimna.technology.technology import Technology
from reproduction.runs import MIXED
from reproduction.studies import exactness, realistic

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
    """Run images on the emulator; one row per technology, with `COLUMNS`.

    Exact: every tensor equals the NumPy oracle's. Counts equal: every data-independent event of
    every layer and phase is the model's. Energies are the arrays', per image: from the activity of
    these data, and as expected of uniformly random bits. The share of zeros and the number of
    distinct outputs show that signals survive to the last layer.

    Parameters
    ----------
    weights : name of the parameters in the table.
    """
    chip = Chip.limited()
    outputs, report = infer(
        network, parameters, images, precision, chip=chip, threads=threads, keep=True,
        progress=progress,
    )  # fmt: skip
    counts = exactness.wrong_counts(network, precision, report, chip, len(images))
    wrong = exactness.wrong_tensors(network, parameters, images, precision, outputs, report, chip)
    for difference in [*counts, *wrong]:
        print(f"{network.name} {precision.name}: differs: {difference}")
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
    """Run one network on one image, with the weights and the image of `realistic`."""
    net = load_network(network)
    bits = precision_of(net, precision)
    own, x = realistic.parameters(net, bits), realistic.images(net, bits)
    return emulate(net, bits, own, x, WEIGHTS, technologies, threads, progress)


def precision_of(network: Network, name: str) -> Precision:
    """Return a precision by its name, `runs.MIXED` included.

    >>> from bfimna.network import zoo
    >>> precision_of(zoo.alexnet(), MIXED).weight_bits
    (4, 8, 4, 8, 4, 8, 4, 8)
    """
    if name != MIXED:
        return load_precision(network, name)
    turns = {layer: (4, 8)[n % 2] for n, layer in enumerate(network.matmul_names)}
    return Precision.by_layer(network, turns, MIXED)


def array_energies(
    network: Network, placed: Schedule, report: InferReport, tech: Technology
) -> tuple[float, float]:
    """Return the arrays' energy in J: of a report's activity, and as the model expects it.

    Each for its own batch of images.
    """
    chip = placed.chip
    measured = sum(
        formulas.energy(done.counts, tech, chip, _mode(placed, network, *key))
        for key, done in report.activity.items()
    )
    return float(measured), expected_array_energy(placed, tech)


def expected_array_energy(placed: Schedule, tech: Technology) -> float:
    """Return the arrays' energy in J of a batch, as the model expects it."""
    return sum(
        float(np.sum(formulas.energy(work.counts, tech, placed.chip, work.mode)))
        for work in placed.phases.values()
    )


def _mode(placed: Schedule, network: Network, layer: str, phase: str) -> Mode:
    """Return the mode of a layer's phase."""
    work = placed.phases[phase]
    position = [other.name for other in network.layers].index(layer)
    return work.mode_at(int(np.flatnonzero(work.layers == position)[0]))


def run(
    network: str, precision: str, technology: str, table: str, times: str, threads: int
) -> None:
    """Run one network at one precision, and write its row and its times."""
    processor_s = time.process_time()
    row = emulate_named(network, precision, [technology], threads, progress=True)
    used = pd.DataFrame(
        {
            "network": [network],
            "precision": [precision],
            "threads": [threads],
            "processor_s": [time.process_time() - processor_s],
            "peak_gb": [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9],
        }
    )
    write_table(used, times)
    write_table(row, table)


if __name__ == "__main__":
    if len(sys.argv) != 7:
        sys.exit(__doc__)
    network, precision, technology, table, times, threads = sys.argv[1:]
    run(network, precision, technology, table, times, int(threads))
