"""Compare a run of the emulator with the NumPy oracle's integers and the model's counts."""

from collections.abc import Mapping

import numpy as np

from bfimna.ap.events import EVENTS
from bfimna.emulator.infer import InferReport
from bfimna.emulator.integer import Parameters
from bfimna.mapping.chip import Chip
from bfimna.mapping.mapping import Mapping as ProductMapping
from bfimna.mapping.plan import plan
from bfimna.network.graph import Network
from bfimna.network.precision import Precision
from reproduction.studies import oracle

#: events that depend on the data; the model has their expected values
DATA_DEPENDENT = ("cells_written", "rows_matched", "words_written")
#: phases whose keys depend on a shift, a constant of the network that the model does not have
SHIFTING = ("requantise", "elementwise")


def wrong_tensors(
    network: Network,
    parameters: Parameters,
    images: np.ndarray | Mapping[str, np.ndarray],
    precision: Precision,
    outputs: np.ndarray,
    report: InferReport,
    chip: Chip,
) -> list[str]:
    """Name the layers whose integers differ from the oracle's: the output and all tensors kept.

    A run with ``keep=True`` keeps every tensor but those that are updated in place.
    """
    expected = oracle.infer(network, parameters, images, precision, chip.columns)
    last = network.layers[-1].name
    computed = {**report.tensors, last: outputs.reshape(expected[last].shape)}
    return [name for name, x in computed.items() if not np.array_equal(x, expected[name])]


def wrong_counts(
    network: Network,
    precision: Precision,
    report: InferReport,
    chip: Chip,
    images: int,
    mapping: ProductMapping | None = None,
) -> list[tuple]:
    """Compare the counts of every layer and phase with the model's.

    All events are compared but those that depend on the data (`DATA_DEPENDENT`) and the keys of
    phases that shift (`SHIFTING`).

    Returns
    -------
    (layer, phase, event, counted, expected) of every difference, then each (layer, phase) that only
    one of the two has.
    """
    schedule = plan(network, chip, mapping, images).at(precision)
    modelled: set[tuple[str, str]] = set()
    wrong: list[tuple] = []
    for phase, work in schedule.phases.items():
        for k in np.flatnonzero(work.rows):
            name = network.layers[work.layers[k]].name
            modelled.add((name, phase))
            if (name, phase) not in report.activity:
                continue
            counts = report.activity[name, phase].counts
            for event in EVENTS:
                if event in DATA_DEPENDENT or (event == "key_cells" and phase in SHIFTING):
                    continue
                counted = getattr(counts, event)
                expected = np.broadcast_to(getattr(work.counts, event), work.rows.shape)[k]
                if counted != expected:
                    wrong.append((name, phase, event, counted, int(expected)))
    return wrong + sorted(modelled ^ set(report.activity))
