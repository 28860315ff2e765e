"""How fast the model is: one warm simulation, an interval, and a sweep.

python benchmarks/simulate.py
"""

import itertools
import statistics
import time

import bfimna as bf


def timed(function, repeats):
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds), min(seconds), max(seconds)


def main() -> None:
    tech, chip = bf.data.load_technology("sram-14nm-lstp"), bf.Chip.limited()
    resnet50, resnet18 = bf.zoo.resnet50(), bf.zoo.resnet18()
    bits = bf.Precision.fixed(resnet50, 8)

    fresh = itertools.cycle(bf.Precision.mixed(resnet50, 2 + k % 7, k) for k in range(300))

    def one():
        return bf.simulate(resnet50, next(fresh), chip, tech).edp_js

    def again():
        return bf.simulate(resnet50, bits, chip, tech)

    report, seeds = again(), itertools.count()

    def interval():
        return report.interval("energy_j", draws=10_000, seed=next(seeds))

    mixed = [bf.Precision.mixed(resnet18, 2 + k % 7, k) for k in range(1000)]
    supplies = [0.5, 0.6, 0.7, 0.8, 0.9]
    techs = [tech.at_supply(v) for v in supplies]

    def many():
        return bf.sweep(resnet18, mixed, [chip, bf.Chip.unlimited()], techs)

    one(), again(), many()  # warm: tables of expected cells, geometry
    goals = {
        "ResNet50, new bits": 2e-3,
        "ResNet50, same bits": 2e-3,
        "ResNet50, 10 000 draws": 0.2,
        "10 000 ResNet18 points": 5.0,
    }
    print("                          median       min       max      goal")
    for (name, goal), (function, repeats) in zip(
        goals.items(), ((one, 300), (again, 300), (interval, 20), (many, 5)), strict=True
    ):
        median, low, high = timed(function, repeats)
        print(f"{name:22s} {median:9.4f} {low:9.4f} {high:9.4f} {goal:9.4f} s")


if __name__ == "__main__":
    main()
