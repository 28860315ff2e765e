"""What the emulator has counted, against the placement's counts: by layer and phase."""

import numpy as np

from bfimna.ap.events import EVENTS
from bfimna.chip.placement import place
from bfimna.network.precision import as_arrays

# the first three follow the data; the placement does not yet count the lines of clears in loads
NOT_COMPARED = ("cells_written", "rows_matched", "words_written")


def differences(network, precision, report, chip, images):
    """(layer, phase, event, counted, wanted) of all that differ; phases that only one of them has.

    The keys of a shift are not compared: the placement does not know it.
    """
    w, a = as_arrays(network, [precision])
    placed = place(network, w[0], a[0], chip, images)
    seen, found = set(), []
    for phase, work in placed.phases.items():
        for k in np.flatnonzero(work.rows):
            name = network.layers[work.layers[k]].name
            seen.add((name, phase))
            if (name, phase) not in report.activity:
                continue
            counted = report.activity[name, phase].counts
            for event in EVENTS:
                shifted = phase in ("requantise", "elementwise")
                if event in NOT_COMPARED or (event == "key_cells" and shifted):
                    continue
                wanted = np.broadcast_to(getattr(work.counts, event), work.rows.shape)[k]
                if getattr(counted, event) != wanted:
                    found.append((name, phase, event, getattr(counted, event), int(wanted)))
    return found + sorted(seen ^ set(report.activity))
