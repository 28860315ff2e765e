"""How fast the emulator runs, pass by pass with popcounts, beside what this machine could do.

python benchmarks/emulator.py [--repeats 9]

What is compared is run in turns in one process, and medians of processor seconds are taken: so the
ratios hold on a shared machine, the rates only on a quiet one.
"""

import argparse
import time
from statistics import median

import numpy as np
from numba import njit

from bfimna.ap import Faults, codegen, kernels, programs
from bfimna.ap.array import Array
from bfimna.ap.bit_planes import processors
from bfimna.ap.lowering import lowered
from bfimna.ap.matrix import gemm
from bfimna.ap.multiplication import CONTROLLED_ADD

ROWS = 1 << 19  # of which a 16-bit product's columns fit the second-level cache by halves
ROUNDS = 4  # of a roofline's operations, between loading a word and storing it


def in_turns(calls, repeats):
    """Median processor seconds, and wall seconds, of each call; one after the other each time.

    Each is called once more right before, so that its data are where they are when it runs alone.
    """
    seconds = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            call()
            wall, cpu = time.perf_counter(), time.process_time()
            call()
            seconds[name].append((time.process_time() - cpu, time.perf_counter() - wall))
    return {name: tuple(map(median, zip(*found, strict=True))) for name, found in seconds.items()}


# ---- rooflines: what the vector units do with operands in registers ---------------------------


def register_source(operands, logic, counts):
    """Text of a loop with so many logic operations and counted words a round, in registers.

    Six words take turns, so that four operations in a row do not wait for each other.
    """
    names = [f"x{i}" for i in range(6)]
    totals = [f"n{i}" for i in range(4)]
    body = []
    for k in range(ROUNDS):
        for i in range(logic):
            x, y, z = (names[(k * logic + i + j) % 6] for j in range(3))
            two = f"{x} {'&^'[(k * logic + i) % 2]} {y}"  # in turns: else the compiler merges them
            body.append(f"{x} = ({x} & {y}) ^ {z}" if operands == 3 else f"{x} = {two}")
        if logic:
            body += [f"{totals[i % 4]} += popcount({names[i % 6]})" for i in range(counts)]
        else:
            body += [f"{names[i % 6]} = popcount({names[i % 6]})" for i in range(counts)]
    return _loop(names, totals, body)


def own_source(lut):
    """Text of a loop of a table's own passes, whose columns stay in registers and change places."""
    names = [f"x{i}" for i in range(len(lut.columns))]
    totals = [f"n{i}" for i in range(len(lut))]
    body = []
    for k in range(ROUNDS):
        cells = names[k % len(names) :] + names[: k % len(names)]
        body += codegen.passes_source(lut, cells, totals)
    return _loop(names, totals, body, "rows = data[5, w]")


def _loop(names, totals, body, *first):
    """Text of a function that loads words, works on them in registers and stores them."""
    body = [
        *first,
        *(f"{x} = data[{i}, w]" for i, x in enumerate(names)),
        *body,
        *(f"data[{i}, w] = {x}" for i, x in enumerate(names)),
    ]
    lines = ["def loop(data, times):", f"    {' = '.join(totals)} = U(0)"]
    lines += ["    for _ in range(times):", "        for w in range(512):"]
    lines += [f"            {line}" for line in body]
    return "\n".join([*lines, f"    return {' + '.join(totals)}"])


def register_loop(source, times=400):
    """Return a run of such a loop, and the rounds that it has gone through, in words."""
    scope = {"U": np.uint64, "popcount": codegen.popcount}
    exec(source, scope)
    loop = njit(scope["loop"])
    data = np.random.default_rng(0).integers(0, 2**64, (6, 512), dtype=np.uint64)
    return (lambda: loop(data, times)), 512 * times * ROUNDS


def needed(lut):
    """Logic operations and counts that any loop over words needs at least to run a table.

    Each pass's tags, and each column that passes write, are values of their own. The tags of every
    word are counted, by a popcount and an addition.
    """
    written = {column for step in lut.passes for column, _ in step.write}
    return len(lut) + len(written), len(lut)


def memory_copy():
    """Return a copy from and to memory, and the bytes that it moves."""
    source = np.ones(1 << 23, np.uint64)
    target = np.empty_like(source)
    return (lambda: np.copyto(target, source)), 2 * source.nbytes


# ---- multiplication ---------------------------------------------------------------------------


def multiplier(rows, m, n, threads=1, **options):
    """Return a run of the passes of an m × n multiplication; what the columns hold is no matter."""
    random = np.random.default_rng(1)
    array = Array(rows, columns=2 * (m + n), threads=threads, **options)
    array.load(random.integers(0, 1 << m, rows), range(m))
    array.load(random.integers(0, 1 << n, rows), range(m, m + n))
    program = product_program(m, n)
    return lambda: array.run(program)


def product_program(m, n):
    return programs.multiply(range(m), range(m, m + n), range(m + n, 2 * (m + n)))


def pass_by_pass(rows, m, n):
    """Return a run of the same passes, each in a loop of its own, as for a user's table."""
    array = Array(rows, columns=2 * (m + n), threads=1)
    own = lowered(product_program(m, n))
    passes = own.passes
    alone = own.arrays._replace(
        table=np.full(passes, -1), line=np.zeros((passes, 4), int), first=np.arange(passes)
    )
    lines = own.columns * array.planes.shape[1]
    cells = array.planes.reshape(-1), np.full(array.words, ~np.uint64(0)), 0, array.words
    scratch, tagged = np.empty(kernels.BLOCK, np.uint64), np.zeros(passes, np.int64)
    return lambda: kernels.execute(*cells, lines, alone, scratch, tagged)


def report_multiply(repeats):
    lut, times = CONTROLLED_ADD, 64
    logic, counts = needed(lut)
    loops = {
        "logic": register_loop(register_source(2, 24, 0)),
        "ternary": register_loop(register_source(3, 24, 0)),
        "popcounts": register_loop(register_source(2, 0, 24)),
        "both": register_loop(register_source(2, logic, counts)),
        "passes": register_loop(own_source(lut)),
    }
    copy, copied = memory_copy()
    a, b = np.random.default_rng(2).integers(0, 256, (2, ROWS)).astype(np.int16)
    product = np.empty_like(a)
    calls = {
        "one core": multiplier(ROWS, 8, 8),
        "pass by pass": pass_by_pass(ROWS, 8, 8),
        "both cores": multiplier(ROWS, 8, 8, processors()),
        "numpy": lambda: np.multiply(a, b, out=product),
        "copy": copy,
        **{name: loop for name, (loop, _) in loops.items()},
    }
    seconds = in_turns(calls, repeats)
    rate = {name: ROWS / seconds[name][0] / 1e6 for name in calls}
    print(f"int8 × int8, {times * len(lut)} passes, each with its count of tags, {ROWS} rows:")
    print("million a processor second (in one process, in turns)")
    print(f"  one core               {rate['one core']:8.0f}")
    won = rate["one core"] / rate["pass by pass"]
    print(f"  each pass a loop       {rate['pass by pass']:8.0f}   steps in registers: × {won:.1f}")
    wall = seconds["one core"][1] / seconds["both cores"][1]
    spent = seconds["both cores"][0] / seconds["one core"][0]
    print(f"  {processors()} threads              {rate['both cores']:8.0f}   wall × {wall:.2f} "
          f"(goal 1.80 on two idle cores); processor seconds × {spent:.2f}")  # fmt: skip
    print(f"  NumPy, word by word    {rate['numpy']:8.0f}   int16")
    report_rooflines(rate["one core"] * 1e6, loops, seconds, (logic, counts), copied)


def report_rooflines(reached, loops, seconds, per_step, copied):
    """Print what the vector units allow: a step needs so many operations for every word.

    No bound but the last counts more than any loop needs, and each the operation of which there are
    the most a second. The last are the passes as they are, without loads and stores.
    """
    logic, counts = per_step
    words = {name: rounds / seconds[name][0] for name, (_, rounds) in loops.items()}
    bounds = {
        "logic": (words["logic"] * 24, logic, f"logic of two operands, {logic} a step"),
        "ternary": (words["ternary"] * 24, logic, f"logic of three operands, {logic} a step"),
        "popcounts": (words["popcounts"] * 24, counts, f"popcounts, {counts} a step"),
        "both": (words["both"], 1, f"steps of {logic} logic, {counts} popcounts, additions"),
        "passes": (words["passes"], 1, "steps, the passes themselves"),
    }
    print("rooflines of one core, operands in registers: words a second; bound for int8 × int8")
    for name, (rate, each, what) in bounds.items():
        bound = rate / each / 64 * 64  # 64 steps a product, 64 rows a word
        print(f"  {name:<10} {rate / 1e9:8.2f} G {what:<42} {bound / 1e6:8.0f} M/s: "
              f"{reached / bound:.0%} reached")  # fmt: skip
    memory, moved = copied / seconds["copy"][0], 2 * 32 * 8 / 64
    print(f"  memory     {memory / 1e9:8.2f} GB/s; all columns in and out, {moved:.0f} B "
          f"a product: {reached * moved / memory:.0%} of it used")  # fmt: skip


def report_care(repeats):
    """What cells that fail or are watched cost, and rows that end within a word."""
    calls = {
        "healthy": multiplier(ROWS, 8, 8),
        "ragged end": multiplier(ROWS - 7, 8, 8),
        "stuck cells": multiplier(ROWS, 8, 8, faults=Faults(stuck_at_1=1e-3)),
        "match errors": multiplier(ROWS, 8, 8, faults=Faults(match_error=1e-4)),
        "wear": multiplier(ROWS, 8, 8, wear=True),
    }
    seconds = in_turns(calls, max(3, repeats // 3))
    print("cost of care (8 × 8 bits, one core): times the seconds of healthy cells")
    for name in calls:
        print(f"  {name:<14} × {seconds[name][0] / seconds['healthy'][0]:.1f}")


def report_curves(repeats):
    print("cost over rows (8 × 8 bits, one core): ns of processor time a product")
    sizes = [1 << k for k in range(12, 23, 2)]
    for rows, (cpu, _) in in_turns({n: multiplier(n, 8, 8) for n in sizes}, repeats).items():
        print(f"  {rows:8d} rows {cpu / rows * 1e9:8.2f}")
    print("cost over widths (2^19 rows, one core): ps of processor time a product and bit × bit")
    widths = ((1, 1), (2, 2), (4, 4), (4, 8), (8, 8), (8, 16), (16, 16))
    seconds = in_turns({w: multiplier(ROWS, *w) for w in widths}, repeats)
    for (m, n), (cpu, _) in seconds.items():
        print(f"  {m:2d} × {n:2d} = {m * n:3d} {cpu / ROWS / (m * n) * 1e12:8.1f}")


def report_gemm(repeats):
    print("matrix products, bit-exact with reduction and carries: million MAC a processor second")
    random = np.random.default_rng(3)
    for i, j, u in ((64, 576, 784), (512, 4608, 49), (1000, 512, 1)):
        w, a = random.integers(-128, 128, (i, j)), random.integers(0, 256, (j, u))
        calls = {k: lambda w=w, a=a, k=k: gemm(w, a, threads=k) for k in {1, processors()}}
        seconds = in_turns(calls, max(1, repeats // 3))
        one, all_ = seconds[1], seconds[processors()]
        print(f"  {i} × {j} × {u}: {i * j * u / one[0] / 1e6:.0f} on one core; "
              f"{processors()} threads: wall × {one[1] / all_[1]:.2f}, "
              f"processor seconds × {all_[0] / one[0]:.2f}")  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=9)
    repeats = parser.parse_args().repeats
    report_multiply(repeats)
    report_care(repeats)
    report_curves(repeats)
    report_gemm(repeats)


if __name__ == "__main__":
    main()
