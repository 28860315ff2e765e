"""How winding the path of one simulation is: files visited, and switches from file to file.

python benchmarks/visits.py [--by-file]

In a new process, so that no cache is filled: ResNet18 and the technology are loaded first, then the
calls of ``bf.simulate(network, 8, "LR", technology).energy_j`` are followed. A file is visited when
one of its functions is called; a switch is a call into another file than the call before.
"""

import argparse
import sys
from collections import Counter
from itertools import groupby
from pathlib import Path

import bfimna as bf

MOST_FILES, MOST_SWITCHES = 24, 600  # goals
PACKAGE = str(Path(bf.__file__).parent) + "/"


def calls() -> list[str]:
    """Return the file of each call within the package, in order."""
    network, technology = bf.load_network("resnet18"), bf.load_technology("sram-14nm-lstp")
    files: list[str] = []

    def follow(frame, event, _) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(PACKAGE):
            files.append(frame.f_code.co_filename.removeprefix(PACKAGE))

    sys.setprofile(follow)
    report = bf.simulate(network, 8, "LR", technology)
    assert report.energy_j > 0
    sys.setprofile(None)
    return files


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--by-file", action="store_true", help="list files and switches into each")
    by_file = parser.parse_args().by_file
    files = calls()
    stays = [file for file, _ in groupby(files)]
    print(f"files     {len(set(files)):5d}    goal {MOST_FILES}")
    print(f"switches  {len(stays) - 1:5d}    goal {MOST_SWITCHES}")
    if by_file:
        made, into = Counter(files), Counter(stays)
        for file, switches in into.most_common():
            print(f"  {file:32} {switches:4d} switches into it, {made[file]:5d} calls")


if __name__ == "__main__":
    main()
