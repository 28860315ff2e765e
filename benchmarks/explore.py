"""How long explore.ipynb takes to show a change: python benchmarks/explore.py [network ...].

Every widget but the network is moved as a user would move it, in one process without a browser.
Processor time, so that a busy machine says the same.
"""

import statistics
import sys
import time

from reproduction.explore.choice import Choice
from reproduction.explore.widgets import Explorer

GOAL_MS = 200
CHANGES: dict[str, list[object]] = {
    "bits": [1, 2, 3, 4, 5, 6, 7, 9, 12, 16, 8],
    "technology": ["reram-14nm-lstp", "sram-22nm-lstp", "sram-14nm-lstp"],
    "supply_v": [0.6, 0.7, 0.9, 0.8],
    "clusters": [4, 16, 256, 64],
    "caps_per_cluster": [16, 128, 64],
    "rows": [1200, 19200, 4800],
    "batch": [2, 64, 256, 1],
    "weights": ["streamed", "resident"],
    "by_stage": [True, False],
}


def main() -> None:
    for network in sys.argv[1:] or ["resnet18", "resnet50", "vgg16"]:
        explorer, taken = Explorer(Choice(network=network)), {}
        for control, values in CHANGES.items():
            for value in values:
                start = time.process_time()
                explorer.controls[control].value = value
                taken[control, value] = 1e3 * (time.process_time() - start)
        worst = max(taken, key=lambda change: taken[change])
        print(
            f"{network:12} median {statistics.median(taken.values()):4.0f} ms, most "
            f"{taken[worst]:4.0f} ms ({worst[0]} to {worst[1]})    goal {GOAL_MS} ms"
        )


if __name__ == "__main__":
    main()
