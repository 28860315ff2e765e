"""One whole network on the emulator, called for each of `reproduction.runs.emulations`.

python -m reproduction.emulate NETWORK PRECISION TECHNOLOGY TABLE TIMES THREADS

The table holds what is the same on every machine; processor seconds and memory go to the other.
Wall seconds, which hang on what else runs, are in Snakemake's own benchmark file.
"""

import resource
import sys
import time

import pandas as pd

from bfimna.tables import write_table
from reproduction.studies.emulated import emulate_named


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
