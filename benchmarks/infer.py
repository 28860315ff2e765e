"""Whole inferences at 224 × 224 on the bit-exact emulator: seconds, memory, and whether exact.

python benchmarks/infer.py [network ...] [--precisions int8 int4 hawq_v3/latency-medium ...]

Seeded synthetic weights; the oracle is the tests' NumPy reference. On a shared machine, see the
processor seconds. Goal: at most 60 s on two cores, and 4 GB.
"""

import argparse
import resource
import sys
import time
from pathlib import Path

import numpy as np

from bfimna import data
from bfimna.emulator.infer import infer
from bfimna.emulator.quantise import random_images, synthetic
from bfimna.network import zoo

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
import reference

GOAL_S, GOAL_GB = 60, 4


def warm_up():
    """Compile, or load what was compiled."""
    from bfimna import Precision
    from bfimna.emulator import digits

    network = digits.network()
    bits = Precision.fixed(network, 4)
    infer(network, synthetic(network, bits), random_images(network, bits), bits)


def measure(name, precision, threads):
    network = zoo.load(name)
    bits = data.load_precision(network, precision)
    own, x = synthetic(network, bits), random_images(network, bits)
    wall, cpu = time.perf_counter(), time.process_time()
    logits, report = infer(network, own, x, bits, threads=threads, progress=True)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    wanted = reference.infer(network, own, x, bits)[network.layers[-1].name]
    exact = np.array_equal(logits.ravel(), wanted.ravel())
    print(
        f"{name:<9} {precision:<24} {wall:6.1f} s wall  {cpu:6.1f} s processor  "
        f"{network.macs / cpu / 1e6:5.0f} M MAC a processor second  {memory:4.2f} GB  "
        f"{report.counts.cycles:10.0f} AP cycles  {'exact' if exact else 'WRONG'}",
        flush=True,
    )
    return exact


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", default=["resnet18", "alexnet"])
    parser.add_argument("--precisions", nargs="*")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    warm_up()
    print(f"goal: {GOAL_S} s on two cores, {GOAL_GB} GB")
    results = []
    for name in options.networks:
        own = data.hawq_schemes(name) if name in data.HAWQ_NAMES else ["int8", "int4"]
        for precision in options.precisions or own:
            results.append(measure(name, precision, options.threads))
    sys.exit(not all(results))


if __name__ == "__main__":
    main()
