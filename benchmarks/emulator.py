"""How fast the emulator runs, pass by pass with popcounts, beside what this machine could do.

python benchmarks/emulator.py [--repeats 7]

Medians; every ratio is taken within one run. On a shared machine, see the processor seconds.
"""

import argparse
import time
from statistics import median

import numpy as np
from numba import njit

from bfimna.ap import programs
from bfimna.ap.array import Array, processors
from bfimna.ap.lut import Pass
from bfimna.ap.matrix import gemm

ROWS = 1 << 21


def timed(call, repeats):
    """Median wall seconds and processor seconds of a call, after one to warm up."""
    call()
    wall, cpu = [], []
    for _ in range(repeats):
        start = time.perf_counter(), time.process_time()
        call()
        wall.append(time.perf_counter() - start[0])
        cpu.append(time.process_time() - start[1])
    return median(wall), median(cpu)


@njit(cache=True)
def _and_xor(a, b, c, rounds):
    for _ in range(rounds):
        for w in range(len(a)):
            a[w] = (a[w] ^ b[w]) & c[w]


def alu_roofline(repeats):
    """64-bit AND and XOR a second on operands in the first-level cache, one core."""
    a, b, c = np.random.default_rng(0).integers(0, 2**64, (3, 512), dtype=np.uint64)
    return 2 * 512 * 20_000 / timed(lambda: _and_xor(a, b, c, 20_000), repeats)[1]


def memory_roofline(repeats):
    """Bytes a second that one core copies from and to memory, both counted."""
    source = np.ones(1 << 25, np.uint64)
    target = np.empty_like(source)
    return 2 * source.nbytes / timed(lambda: np.copyto(target, source), repeats)[1]


def operations(program: tuple[Pass, ...]) -> int:
    """64-bit operations of a program a word: match a key (XOR, AND), count the tags, write."""
    return sum(2 * len(step.key) + 1 + len(step.write) for step in program)


def multiplier(rows, m, n, threads):
    """Return a run of the passes of an m × n multiplication on a loaded array, and the program."""
    random = np.random.default_rng(1)
    array = Array(rows, columns=2 * (m + n), threads=threads)
    array.load(random.integers(0, 1 << m, rows), range(m))
    array.load(random.integers(0, 1 << n, rows), range(m, m + n))
    program = programs.multiply(range(m), range(m, m + n), range(m + n, 2 * (m + n)))

    def run():
        array.planes[m + n :] = 0
        array.run(program)

    return run, program


def report_multiply(repeats):
    run, program = multiplier(ROWS, 8, 8, 1)
    wall, cpu = timed(run, repeats)
    print(f"int8 × int8, {len(program)} passes with popcounts, {ROWS} rows, million a second")
    print(f"  one core               {ROWS / wall / 1e6:8.0f}   per processor second "
          f"{ROWS / cpu / 1e6:.0f}   (goal 100)")  # fmt: skip
    both, cpu_both = timed(multiplier(ROWS, 8, 8, processors())[0], repeats)
    print(f"  {processors()} cores                {ROWS / both / 1e6:8.0f}   × {wall / both:.2f} "
          f"(goal 1.80 on two); processor seconds × {cpu_both / cpu:.2f}")  # fmt: skip
    a, b = np.random.default_rng(2).integers(0, 256, (2, ROWS)).astype(np.int16)
    product = np.empty_like(a)
    words = timed(lambda: np.multiply(a, b, out=product), repeats)[1]
    print(f"  NumPy, word by word    {ROWS / words / 1e6:8.0f}   one core, int16")
    alu, memory = alu_roofline(repeats), memory_roofline(repeats)
    limit = alu * 64 / operations(program)
    moved = 2 * 32 * 8 / 64  # bytes a product: 32 columns in and out, 64 rows a word
    print(f"  ALU roofline           {limit / 1e6:8.0f}   {alu / 1e9:.1f} G word operations/s, "
          f"{operations(program)} a word: {ROWS / cpu / limit:.0%} reached")  # fmt: skip
    print(f"  memory roofline        {memory / moved / 1e6:8.0f}   {memory / 1e9:.1f} GB/s, "
          f"{moved:.0f} B a product: {ROWS / cpu * moved / memory:.0%} of it used")  # fmt: skip


def report_curves(repeats):
    print("cost over rows (8 × 8 bits, one core): ns of processor time a product")
    for rows in (1 << k for k in range(14, 23, 2)):
        cpu = timed(multiplier(rows, 8, 8, 1)[0], repeats)[1]
        print(f"  {rows:8d} rows {cpu / rows * 1e9:8.2f}")
    print("cost over widths (2^19 rows, one core): ps of processor time a product and bit × bit")
    for m, n in ((1, 1), (2, 2), (4, 4), (4, 8), (8, 8), (8, 16), (16, 16)):
        cpu = timed(multiplier(1 << 19, m, n, 1)[0], repeats)[1]
        print(f"  {m:2d} × {n:2d} = {m * n:3d} {cpu / (1 << 19) / (m * n) * 1e12:8.1f}")


def report_gemm(repeats):
    print("matrix products, bit-exact with reduction and carries: million MAC a second")
    random = np.random.default_rng(3)
    for i, j, u in ((64, 576, 784), (512, 4608, 49), (1000, 512, 1)):
        w, a = random.integers(-128, 128, (i, j)), random.integers(0, 256, (j, u))
        wall, cpu = timed(lambda w=w, a=a: gemm(w, a), max(1, repeats // 3))
        print(f"  {i} × {j} × {u}: {i * j * u / wall / 1e6:.0f} on {processors()} cores, "
              f"{i * j * u / cpu / 1e6:.0f} per processor second")  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    repeats = parser.parse_args().repeats
    report_multiply(repeats)
    report_curves(repeats)
    report_gemm(repeats)


if __name__ == "__main__":
    main()
