"""Networks of any sizes, right or absurd: finite numbers in bounded time, or our error.

python -m tests.fuzz_layers [--minutes 5] [--seed N]
"""

import argparse
import random
import time
from collections import Counter
from math import isfinite

import bfimna as bf

from . import memory

USUAL = (1, 1, 1, 2, 3, 7, 8, 16, 64, 224)
ABSURD = (1000, 2**16, 2**20, 10**6 + 3, 2**31 - 1, 2**32, 2**40)
WINDOWED = ("conv", "maxpool", "avgpool")
KINDS = (*WINDOWED, "conv", "relu", "add", "flatten", "linear", "concat")
SLOWEST_S = 10.0  # of processor time
LARGEST_KIB = 2**21  # more memory than before a campaign


def network(rng, absurd):
    """Return a network of a few layers, whose sizes are now and then absurd."""

    def size(usual=USUAL):
        return rng.choice(ABSURD if rng.random() < absurd else usual)

    layers = [bf.Layer("input", "input", channels=size(), size=(size(), size()))]
    for n in range(rng.randint(1, 4)):
        kind = rng.choice(KINDS)
        two = kind in ("add", "concat")
        inputs = tuple(rng.choice(layers).name if two else layers[-1].name for _ in range(1 + two))
        fields = {"channels": size()} if kind in ("conv", "linear") else {}
        if kind in WINDOWED:
            fields["kernel"] = (size((1, 2, 3)), size((1, 2, 3)))
            fields["stride"] = (size((1, 1, 2)), size((1, 1, 2)))
            fields["padding"] = tuple(size((1, 2)) - 1 for _ in range(4))
            fields["dilation"] = (size((1, 1, 2)), size((1, 1, 2)))
        layers.append(bf.Layer(f"l{n}", kind, inputs, **fields))
    return bf.Network("n", tuple(layers))


def campaign(count, seed, minutes=0.0):
    """Simulate networks; anything but an answer or a one-line error is raised."""
    rng, tally, began = random.Random(seed), Counter(), time.monotonic()
    tech, before = bf.load_technology("sram-14nm-lstp"), memory.start()
    for k in range(count):
        if minutes and time.monotonic() - began > 60 * minutes:
            break
        start, told = time.process_time(), ""
        try:
            made = network(rng, absurd=rng.choice((0.0, 0.02, 0.1)))
            chip = bf.Chip(name="x", clusters=rng.choice((0, 1, 64, 2**20)),
                           rows=rng.choice((1, 7, 4800, 2**20)))  # fmt: skip
            bits, batch = (rng.randint(1, 16), rng.randint(1, 16)), rng.choice((1, 3, 2**20))
            summary = bf.simulate(made, bits, chip, tech, batch).summary
            odd = {key: v for key, v in summary.items() if isinstance(v, float) and not isfinite(v)}
            assert not odd or not made.matmuls, (seed, k, odd)
            tally["answered"] += 1
        except bf.BfimnaError as error:
            tally["refused"] += 1
            told = str(error)
        except BaseException as error:
            error.add_note(f"network {k} of seed {seed}")
            raise
        assert "\n" not in told, (seed, k)
        assert time.process_time() - start < SLOWEST_S, (seed, k)
        assert memory.peak() - before < LARGEST_KIB, (seed, k)
    return tally


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    given = parser.parse_args()
    print(f"seed {given.seed}: {dict(campaign(10**9, given.seed, given.minutes))}")


if __name__ == "__main__":
    main()
