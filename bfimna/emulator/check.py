"""What the emulator did, against the NumPy oracle and the placement's counts."""

from collections.abc import Mapping

import numpy as np

from bfimna.ap.events import EVENTS
from bfimna.emulator import reference
from bfimna.emulator.infer import InferReport
from bfimna.emulator.integer import Parameters
from bfimna.mapping.chip import Chip
from bfimna.mapping.mapping import Mapping as ProductMapping
from bfimna.mapping.plan import plan
from bfimna.network.graph import Network
from bfimna.network.precision import Precision

#: these follow the data; the placement has their expectation
FOLLOW_DATA = ("cells_written", "rows_matched", "words_written")
#: phases that may shift, by a constant of the network that the placement does not know
SHIFTING = ("requantise", "elementwise")


def wrong_layers(
    network: Network,
    parameters: Parameters,
    images: np.ndarray | Mapping[str, np.ndarray],
    precision: Precision,
    outputs: np.ndarray,
    report: InferReport,
    chip: Chip,
) -> list[str]:
    """Name the layers whose integers differ from the oracle's: of all tensors kept, and the output.

    A run with ``keep=True`` holds every tensor but those overwritten in place.
    """
    wanted = reference.infer(network, parameters, images, precision, chip.columns)
    last = network.layers[-1].name
    seen = {**report.tensors, last: outputs.reshape(wanted[last].shape)}
    return [name for name, tensor in seen.items() if not np.array_equal(tensor, wanted[name])]


def differences(
    network: Network,
    precision: Precision,
    report: InferReport,
    chip: Chip,
    images: int,
    mapping: ProductMapping | None = None,
) -> list[tuple]:
    """Compare the counts of every layer and phase with the placement's.

    All events are compared but those that follow the data (`FOLLOW_DATA`); the keys of phases
    that shift are not either (`SHIFTING`).

    Returns
    -------
    (layer, phase, event, counted, wanted) of all that differ, then the (layer, phase) that only
    one of the two has.
    """
    placed = plan(network, chip, mapping, images).at(precision)
    seen, found = set(), []
    for phase, work in placed.phases.items():
        for k in np.flatnonzero(work.rows):
            name = network.layers[work.layers[k]].name
            seen.add((name, phase))
            if (name, phase) not in report.activity:
                continue
            counted = report.activity[name, phase].counts
            for event in EVENTS:
                if event in FOLLOW_DATA or (event == "key_cells" and phase in SHIFTING):
                    continue
                wanted = np.broadcast_to(getattr(work.counts, event), work.rows.shape)[k]
                if getattr(counted, event) != wanted:
                    found.append((name, phase, event, getattr(counted, event), int(wanted)))
    return found + sorted(seen ^ set(report.activity))
