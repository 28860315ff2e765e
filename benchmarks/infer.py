"""Whole inferences at 224 × 224 on the bit-exact emulator: seconds, memory, and whether exact.

python benchmarks/infer.py [network ...] [--precisions int8 int4 hawq_v3/latency-medium ...]

Seeded synthetic weights. Integers are compared with `reproduction.studies.oracle`, the counts of
every layer and phase with the model's. On a shared machine, read the processor seconds: divided by
the threads they are the wall seconds of an idle one. Each run is a process of its own, so that its
memory can be measured.
"""

import argparse
import resource
import subprocess
import sys
import time

import numpy as np
from reproduction.studies import oracle
from reproduction.studies.exactness import wrong_counts

from bfimna import Chip, data
from bfimna.emulator.infer import infer
from bfimna.emulator.quantise import random_images, synthetic
from bfimna.network import zoo

GOAL_S = {"resnet18": 7, "alexnet": 4, "resnet50": 18, "vgg16": 60}  # int8, two cores
GOAL_GB = 4


def warm_up():
    """Compile, or load what was compiled."""
    from bfimna import Precision
    from bfimna.emulator import digits

    network = digits.network()
    bits = Precision.fixed(network, 4)
    infer(network, synthetic(network, bits), random_images(network, bits), bits)


def measure(name, precision, threads):
    network, chip = zoo.load(name), Chip.limited()
    bits = data.load_precision(network, precision)
    own, x = synthetic(network, bits), random_images(network, bits)
    wall, cpu = time.perf_counter(), time.process_time()
    logits, report = infer(network, own, x, bits, chip=chip, threads=threads, progress=True)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    wrong = wrong_counts(network, bits, report, chip, len(x))
    wanted = oracle.infer(network, own, x, bits, chip.columns)[network.layers[-1].name]
    exact = np.array_equal(logits.ravel(), wanted.ravel())
    goal = f"(goal {GOAL_S[name]} s on two cores)" if name in GOAL_S and precision == "int8" else ""
    print(
        f"{name:<9} {precision:<24} {wall:6.1f} s wall  {cpu:6.1f} s processor, {threads} threads "
        f"{goal}  {network.macs / cpu / 1e6:5.0f} M MAC a processor second  {memory:4.2f} GB  "
        f"{report.counts.cycles:10.0f} AP cycles  {'exact' if exact else 'WRONG'}, "
        f"counts {f'DIFFER: {wrong[:3]}' if wrong else 'as placed'}",
        flush=True,
    )
    return exact and not wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", default=["resnet18", "alexnet"])
    parser.add_argument("--precisions", nargs="*")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    runs = [
        (name, precision)
        for name in options.networks
        for precision in options.precisions
        or (data.hawq_schemes(name) if name in data.HAWQ_NAMES else ["int8", "int4"])
    ]
    if len(runs) == 1:
        warm_up()
        sys.exit(not measure(*runs[0], options.threads))
    print(f"goal: {GOAL_GB} GB", flush=True)
    failed = 0
    for name, precision in runs:
        again = [sys.executable, __file__, name, "--precisions", precision]
        failed += subprocess.run([*again, "--threads", str(options.threads)]).returncode
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
