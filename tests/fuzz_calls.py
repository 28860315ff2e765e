"""Calls of the public functions with odd arguments: an answer or a one-line error.

python -m tests.fuzz_calls [--minutes 5] [--seed N]
"""

import argparse
import contextlib
import io
import random
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

import bfimna as bf
from bfimna import cli, data
from bfimna.errors import LONGEST_MESSAGE

NET = bf.zoo.alexnet()
TECH = bf.load_technology("sram-14nm-lstp")
INT8 = bf.Precision.fixed(NET, 8)
PLAN = bf.plan(NET, "LR")
TABLE = data.ROOT / "technologies/derived.csv"
ODD = (
    None, True, False, 0, -1, 1, 16, 17, 2.5, 8.0, 10**9, 10**30, float("nan"), float("inf"),
    -float("inf"), 1e-320, "", "8", "LR", "alexnet", "resnet18", "w4a8", "own", "nope", "a\0b",
    "é\udcff", "a" * 3000, b"8", [], (), {}, set(), [8], (8, 4), [[8], [4, 4]], {"features.0": 4},
    {"features.0": (8, 4)}, {"nope": 4}, {4: 4}, {"features.0": None}, {None: 8},
    np.int64(4), np.uint8(8), np.float32(2.5), np.array(3), np.array([4, 4]), np.array([]),
    np.array([[1, 2]]), np.array(["a"]), np.nan, object(), int, len, Path("."), Path("no.onnx"),
    range(3), iter([1]), slice(2), 1 + 2j, NET, TECH, INT8, bf.Chip.limited(), ("a",) * 3,
    ["alexnet", "alexnet"], [INT8, INT8], [INT8, None], {"clusters": [4, 0]}, {"rows": []},
)  # fmt: skip
#: function, and an answer's arguments: by name, or in order
CALLS = {
    "Precision": (
        bf.Precision,
        {"name": "p", "layers": NET.matmul_names, "weight_bits": INT8.weight_bits,
         "activation_bits": INT8.activation_bits, "tensor_bits": (("features.0", 12),),
         "notes": ()},
    ),
    "Precision.by_layer": (
        bf.Precision.by_layer,
        {"network": NET, "bits": {"features.0": 8}, "name": "p", "default": 4,
         "tensors": {"features.0.relu": 9}},
    ),
    "Precision.fixed": (bf.Precision.fixed, {"network": NET, "weights": 4, "activations": 8}),
    "load_precision": (
        bf.load_precision, {"network": NET, "precision": "w4a8", "default": 4}
    ),
    "plan": (bf.plan, {"network": NET, "chip": "LR", "mapping": None, "batch": 1}),
    "Plan.at": (PLAN.at, {"bits": INT8, "counts": "microcode"}),
    "Layer": (
        bf.Layer,
        {"name": "l", "kind": "conv", "inputs": ("x",), "channels": 4, "kernel": (3, 3),
         "stride": (1, 1), "padding": (1, 1, 1, 1), "dilation": (1, 1), "groups": 1, "ceil": False,
         "size": (1, 1), "lifetime": "inference"},
    ),
    "search_chips": (
        bf.search.search_chips,
        {"networks": ["alexnet"], "technology": TECH, "precisions": [8],
         "grid": {"clusters": [16, 64], "rows": [4800]}, "budgets": {"power_w": 1e3},
         "base": "LR", "batch": 1, "must_fit": False},
    ),
    "load_technology": (bf.load_technology, {"technology": "sram-14nm-lstp", "path": TABLE}),
    "Technology": (
        lambda **fields: replace(TECH, **fields),
        {"name": "t", "nominal_supply_v": 0.8, "threshold_v": 0.3, "alpha": 1.3,
         "compare_s": 1e-9, "write_j_per_cell": 1e-15, "endurance_writes": 1e9,
         "ranges": {"compare_s": (1e-10, 1e-8)}, "draws": {}, "supply_v": 0.8},
    ),
    "at_supply": (TECH.at_supply, {"supply_v": 0.7}),
    "simulate": (
        bf.simulate,
        {"network": NET, "precision": 8, "chip": "LR", "technology": TECH, "batch": 1,
         "counts": "microcode", "mapping": None},
    ),
    "Chip": (
        bf.Chip,
        {"name": "c", "clusters": 16, "rows": 1200, "weights": "resident", "clock_hz": 1e9},
    ),
    "Faults": (
        bf.ap.Faults, {"stuck_at_0": 1e-3, "stuck_at_1": 0.0, "match_error": 0.0, "seed": 1}
    ),
    "Emulator": (
        bf.emulator.Emulator,
        {"threads": 1, "faults": bf.ap.Faults(), "wear": False, "products": 2**16},
    ),
    "peak": (bf.peak, {"bits": 8, "chip": "LR", "technology": TECH}),
}  # fmt: skip
OPTIONS = {
    "--input-shape": "3,224,224", "--bits": "8", "--bits-default": "4", "--supply": "0.7",
    "--technology": "sram-14nm-lstp", "--chip": "LR", "--batch": "2", "--counts": "published",
}  # fmt: skip
TEXTS = (
    "", "-1", "0", "17", "nan", "inf", "1e400", "9" * 5000, "x=3,4", "=", ",", "3,,4", "a,b", "٣",
    "own", "w4a8", "w0a99", "LR", "nope", "no.csv:x", ":", ".", "/", "é\udcff", "a b", "--", "*",
    "hawq_v3/all", "0x10", "1_0", "true", "{}", "None",
)  # fmt: skip
SLOWEST_S = 20.0  # of processor time


def call(rng):
    """Call a function with an answer's arguments, one or two of them odd; return its name."""
    name = rng.choice(list(CALLS))
    function, right = CALLS[name]
    arguments = dict(right)
    for odd in rng.sample(list(right), rng.choice((1, 1, 2)) if len(right) > 1 else 1):
        arguments[odd] = _odd(rng, right[odd])
    try:
        function(**arguments)
    except BaseException as error:
        error.add_note(f"{name}(**{arguments!r})"[:2000])
        raise
    return name


def _odd(rng, right):
    """Return an odd value, or a right one of which a part is odd."""
    if isinstance(right, dict) and rng.random() < 0.5:
        key = rng.choice([*right, "nope"])
        return {**right, key: rng.choice(ODD)}
    if isinstance(right, tuple | list) and right and rng.random() < 0.5:
        values = list(right)
        values[rng.randrange(len(values))] = rng.choice(ODD)
        return rng.choice((values, tuple(values), np.array(values, dtype=object), values[1:]))
    return rng.choice(ODD)


def command(rng):
    """Run the command line with odd options; its errors are one line and exit code 2."""
    network = rng.choice(("alexnet", "examples/model.onnx", *TEXTS))
    words = ["simulate", network]
    for option in rng.sample(list(OPTIONS), rng.choice((0, 1, 1, 2, 3))):
        words += [option, rng.choice(TEXTS) if rng.random() < 0.7 else OPTIONS[option]]
    if rng.random() < 0.2:
        words.append("--json")
    out, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
        try:
            code = cli.main(words)
        except SystemExit as ended:
            code = ended.code
        except BaseException as error:
            error.add_note(repr(words)[:2000])
            raise
    assert code in (0, 2), (words, code)
    lines = errors.getvalue().splitlines()
    assert code == 0 or len(lines) == 1 or "usage:" in lines[0], (words, lines)
    if code:
        raise bf.BfimnaError(lines[-1])
    return "command"


def campaign(count, seed, minutes=0.0):
    """Make odd calls; anything but an answer or a one-line error is raised."""
    rng, tally, began = random.Random(seed), Counter(), time.monotonic()
    for k in range(count):
        if minutes and time.monotonic() - began > 60 * minutes:
            break
        start, message = time.process_time(), ""
        try:
            (command if rng.random() < 0.2 else call)(rng)
            tally["answered"] += 1
        except bf.BfimnaError as error:
            tally["refused"] += 1
            message = str(error)
        except BaseException as error:
            error.add_note(f"call {k} of seed {seed}")
            raise
        assert "\n" not in message, (seed, k)
        assert len(message) <= LONGEST_MESSAGE + 100, (seed, k)
        assert time.process_time() - start < SLOWEST_S, (seed, k)
    return tally


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--calls", type=int, default=10**9)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    tally = campaign(options.calls, options.seed, options.minutes)
    print(f"seed {options.seed}: {dict(tally)}")


if __name__ == "__main__":
    main()
