"""How fast the search is: ResNet50, 2 to 8 bits a layer, 100 budgets, each proven, one core.

OMP_NUM_THREADS=1 taskset -c 0 python benchmarks/search.py
"""

import sys
import time

import bfimna as bf

BUDGETS, GOAL_S = 100, 15.0


def main(technologies: list[str]) -> None:
    net, chip = bf.zoo.load("resnet50_v1"), bf.Chip.paper()
    omega = bf.search.hawq_sensitivity(net)
    print(f"{'front of EDP, 100 budgets':28s}  wall      CPU     goal  choices")
    for name in technologies:
        tech = bf.data.load_technology(name)
        wall, cpu = time.perf_counter(), time.process_time()
        found = bf.search.front(net, omega, chip, tech, range(2, 9), BUDGETS)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        print(f"{name:28s} {wall:6.1f} {cpu:8.1f} {GOAL_S:8.1f} s {len(found):6d}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:] or ["sram-14nm-lstp", "reram-14nm-lstp"])
