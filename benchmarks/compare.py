"""Whether this checkout is slower than another: every task in turns, medians, ratios.

python benchmarks/compare.py OTHER [--repeats 9] [--only TASK ...]

OTHER is a checkout with its environment (`make .venv/installed`). A process of each checkout waits
for tasks; each task runs once to warm up, then in the order there, here, here, there, … Processor
seconds, so that ratios hold on a shared machine. The tasks are the benchmarks of this folder,
shortened, through public names; both sides run this checkout's text of them.
"""

import argparse
import itertools
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve()
MOST = 1.05  # ratio
START = {
    "import": "import bfimna",
    "first simulation": "import bfimna as bf; "
    "bf.simulate('resnet18', 8, 'LR', 'sram-14nm-lstp').edp_js",
}  # each a process of its own


# ---- tasks: run in either checkout ------------------------------------------------------------


def model_tasks() -> Iterator[tuple[str, Callable[[], object]]]:
    import bfimna as bf

    tech, chip = bf.load_technology("sram-14nm-lstp"), bf.Chip.limited()
    net, small, bits = bf.zoo.resnet50(), bf.zoo.resnet18(), bf.Precision.fixed
    seeds, report = itertools.count(), bf.simulate(net, 8, chip, tech)
    mixed = [bf.Precision.mixed(small, 2 + k % 7, k) for k in range(1000)]

    def fresh():
        for _ in range(100):
            seed = next(seeds)
            bf.simulate(net, bf.Precision.mixed(net, 2 + seed % 7, seed), chip, tech).edp_js  # noqa: B018

    def again():
        for _ in range(100):
            bf.simulate(net, 8, chip, tech).edp_js  # noqa: B018

    yield "simulate, new bits", fresh
    yield "simulate, same bits", again
    yield "by-layer table", lambda: bf.simulate(net, bits(net, 7), chip, tech).layers
    yield "10 000 draws", lambda: report.interval("energy_j", draws=10_000, seed=next(seeds))
    yield "sweep, 2 000 points", lambda: bf.sweep(small, mixed, [chip, bf.Chip.unlimited()], [tech])


def search_tasks() -> Iterator[tuple[str, Callable[[], object]]]:
    import bfimna as bf

    net, chip = bf.zoo.load("resnet50_v1"), bf.Chip.limited()
    omega, tech = bf.search.hawq_sensitivity(net), bf.load_technology("sram-14nm-lstp")
    yield "front, 8 budgets", lambda: bf.search.front(net, omega, chip, tech, range(2, 9), 8)


def reader_tasks() -> Iterator[tuple[str, Callable[[], object]]]:
    from read_onnx import LIGHT, chain

    import bfimna as bf

    folder = Path(tempfile.mkdtemp(prefix="bfimna-compare-"))
    path = folder / "chain.onnx"
    path.write_bytes(chain(1000).SerializeToString())
    yield "read ResNet50", lambda: bf.read_onnx(LIGHT / "light_resnet50.onnx")
    yield "read DenseNet121", lambda: bf.read_onnx(LIGHT / "light_densenet121.onnx")
    yield "read a chain of 3 000 nodes", lambda: bf.read_onnx(path)


def emulator_tasks() -> Iterator[tuple[str, Callable[[], object]]]:
    import numpy as np

    import bfimna as bf

    random = np.random.default_rng(3)
    w, a = random.integers(-128, 128, (64, 576)), random.integers(0, 256, (576, 784))
    yield "emulated product", lambda: bf.ap.gemm(w, a, threads=1)
    net = bf.zoo.alexnet()
    bits = bf.Precision.fixed(net, 4)
    own = bf.emulator.synthetic(net, bits)
    images = random.integers(0, 16, (1, *net.shapes["input"]))
    infer = getattr(bf, "infer", None) or bf.emulator.infer
    yield "emulated AlexNet, int4", lambda: infer(net, own, images, bits, threads=1)


def serve() -> None:
    """Run the tasks that standard input names; answer with processor seconds."""
    groups = (model_tasks, search_tasks, reader_tasks, emulator_tasks)
    tasks = dict(itertools.chain.from_iterable(group() for group in groups))
    print(*tasks, sep="\t", flush=True)
    for line in sys.stdin:
        start = time.process_time()
        tasks[line.strip()]()
        print(time.process_time() - start, flush=True)


# ---- the two checkouts ------------------------------------------------------------------------


class Side:
    """A checkout, and a process of it that runs tasks."""

    def __init__(self, checkout: Path) -> None:
        self.checkout, self.python = checkout, str(checkout / ".venv" / "bin" / "python")
        where = self.output("import bfimna; print(bfimna.__file__)")
        if not Path(where).resolve().is_relative_to(checkout):
            sys.exit(f"{self.python} imports {where}, not the package of {checkout}")
        self.process = subprocess.Popen(
            [self.python, str(HERE), "--serve"], cwd=checkout, text=True, bufsize=1,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=self.environment,
        )  # fmt: skip
        self.tasks = self.process.stdout.readline().strip().split("\t")

    @property
    def environment(self) -> dict[str, str]:
        return {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}

    def output(self, code: str) -> str:
        command = [self.python, "-c", code]
        done = subprocess.run(command, cwd=self.checkout, env=self.environment, text=True,
                              capture_output=True, check=True)  # fmt: skip
        return done.stdout.strip()

    def seconds(self, task: str) -> float:
        if task in START:
            return self.started(START[task])
        print(task, file=self.process.stdin, flush=True)
        return float(self.process.stdout.readline())

    def started(self, code: str) -> float:
        """Processor seconds of a new process."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.output(code)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return sum(getattr(after, t) - getattr(before, t) for t in ("ru_utime", "ru_stime"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("other", type=Path, nargs="?", help="a checkout with its environment")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--only", nargs="+", metavar="TASK", help="tasks with one of these words")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        return serve()
    if options.other is None:
        parser.error("want another checkout")
    there, here = Side(options.other.resolve()), Side(HERE.parent.parent)
    tasks = [
        t for t in (*START, *here.tasks) if not options.only or any(o in t for o in options.only)
    ]
    print(f"{'processor seconds, medians':30}{'there':>10}{'here':>10}{'ratio':>8}   of minima")
    slower = 0
    for task in tasks:
        taken: dict[Side, list[float]] = {there: [], here: []}
        for side in taken:
            side.seconds(task)
        for k in range(options.repeats):
            for side in (there, here) if k % 2 else (here, there):
                taken[side].append(side.seconds(task))
        a, b = median(taken[there]), median(taken[here])
        least = min(taken[here]) / min(taken[there])
        slower += b / a > MOST and least > MOST
        print(f"{task:30}{a:10.4f}{b:10.4f}{b / a:8.3f}{least:10.3f}", flush=True)
    print(f"{slower} of {len(tasks)} above {MOST} (by medians and by minima)")
    sys.exit(bool(slower))


if __name__ == "__main__":
    main()
