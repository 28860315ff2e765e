"""Untrusted text files: tables, precisions, chips, configs; an answer or a one-line error.

python -m tests.fuzz_files [--minutes 5] [--seed N]
"""

import argparse
import random
import tempfile
import time
from collections import Counter
from pathlib import Path

import yaml
from reproduction import config

import bfimna as bf
from bfimna import data
from bfimna.network.precision_file import read_precision
from bfimna.network.scalesim import read_scalesim
from bfimna.search.sensitivity import read_sensitivity

NET = bf.zoo.alexnet()
ROOT = Path(__file__).parents[1]
SCALESIM = """Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, \
Num Filter, Strides,
conv1, 227, 227, 11, 11, 3, 96, 4,
conv2, 31, 31, 5, 5, 96, 256, 1,
"""
BITS = "layer,weight_bits,activation_bits\n*,8,8\nfeatures.3,4,8\n"
#: as others write them: a remark, an index, another case and order; repeated headers, a section
PANDAS_BITS = "# of a run\n,Layer,Activation_Bits,weight bits,\n0,*,8,8.0,\n1,features.3,4,8,\n"
OTHER_SCALESIM = """Layer,IFMAP Height,IFMAP Width,Filter Height,Filter Width,Channels,Num Filter,\
Stride Height,Stride Width,Remarks
# block 1
conv1\t,227,227,11,11,3,96,4,4,first
conv1,31,31,5,5,96,256,1,2,
"""
DERIVED = (data.ROOT / "technologies/derived.csv").read_text()
LAYERS = "\n".join(f"{name},1.5,0.25," for name in NET.matmul_names)
ODD = (
    "", "-1", "nan", "inf", "1e400", "0x10", "4.0", "9" * 5000, "true", "null", "[", "{", "*a",
    "&a", "!!python/object/apply:os.system [x]", "$(touch x)", "`x`", "a;b", "..", "/", "\0", ",",
    ";", '"', "'", "\n", "\r", "\t", "é", "\ufeff", "a" * 5000, "*", "?", "#", ": ", "- ", "~",
)  # fmt: skip


def _technology(path):
    bf.simulate(NET, 8, "LR", bf.load_technology(f"{path}:sram-14nm-lstp"))


def _numbered(path):
    tech = bf.load_technology("4", path)
    bf.simulate(NET, 8, "LR", tech).interval("energy_j")


def _precision(path):
    read_precision(NET, path)


def _network(path):
    bf.simulate(read_scalesim(path), 8, "LR", data.load_technology("sram-14nm-lstp"))


def _chip(path):
    bf.simulate(NET, 8, bf.load_chip(path), data.load_technology("sram-14nm-lstp"))


def _config(path):
    config.check_file(path)
    config.checked(yaml.safe_load(path.read_text()))


#: suffix, text, reader
FILES = {
    "technology": (".csv", DERIVED, _technology),
    "bits": (".csv", BITS, _precision),
    "bits of pandas": (".csv", PANDAS_BITS, _precision),
    "other scale-sim": (".csv", OTHER_SCALESIM, _network),
    "technology named by a number": (
        ".csv", DERIVED.replace("sram-14nm-lstp,", "4,"), _numbered
    ),
    "yaml bits": (".yaml", '"*": 4\nfeatures.3: [4, 8]\nclassifier.6: 8\n', _precision),
    "scale-sim": (".csv", SCALESIM, _network),
    "scale-sim gemm": (".csv", "Layer, M, N, K,\na, 4, 5, 6,\nb, 7, 8, 9,\n", _network),
    "sensitivities": (".csv", f"layer,omega_int4,omega_int8,fixed_bits\n{LAYERS}\n",
                      read_sensitivity),
    "chip": (".yaml", "name: own\nclusters: 16\nclock_hz: 1e9\n", _chip),
    "config": (".yaml", (ROOT / "workflow/config.tiny.yaml").read_text(), _config),
}  # fmt: skip


def damaged(text, rng):
    """Return the text with a few cells, lines or bytes changed."""
    for _ in range(rng.choice((1, 1, 2, 5))):
        lines = text.split("\n")
        at = rng.randrange(len(lines))
        cells = lines[at].split(",") if "," in lines[at] else lines[at].split(": ")
        place = rng.randrange(len(text) + 1)
        match rng.randrange(7):
            case 0 | 1:
                glue = "," if "," in lines[at] else ": "
                cells[rng.randrange(len(cells))] = rng.choice(ODD)
                lines[at] = glue.join(cells)
                text = "\n".join(lines)
            case 2:
                del lines[at]
                text = "\n".join(lines)
            case 3:
                lines.insert(at, rng.choice(lines))
                text = "\n".join(lines)
            case 4:
                text = text[:place] + rng.choice(ODD) + text[place:]
            case 5:
                text = text[:place] + text[place + rng.choice((1, 5, 50)) :]
            case _:
                text = text[:place] if rng.random() < 0.2 else text.replace(",", ";", 3)
    return text


def campaign(count, seed, folder, minutes=0.0):
    """Read damaged files; anything but an answer or a short one-line error is raised."""
    rng, tally, began = random.Random(seed), Counter(), time.monotonic()
    for k in range(count):
        if minutes and time.monotonic() - began > 60 * minutes:
            break
        kind = rng.choice(list(FILES))
        suffix, text, read = FILES[kind]
        path = Path(folder) / f"hostile-{k % 2}{suffix}"
        raw = damaged(text, rng).encode()
        if rng.random() < 0.1:
            at = rng.randrange(len(raw) + 1)
            raw = raw[:at] + rng.randbytes(3) + raw[at:]
        path.write_bytes(raw)
        data._technology.cache_clear()
        start, told = time.process_time(), ""
        try:
            read(path)
            tally[kind, "read"] += 1
        except bf.BfimnaError as error:
            tally[kind, "refused"] += 1
            told = str(error)
        except BaseException as error:
            error.add_note(f"seed {seed}, file {k}, a {kind}: {raw[:2000]!r}")
            raise
        assert "\n" not in told, (seed, k, kind)
        assert len(told) < 1500, (seed, k, kind)
        assert time.process_time() - start < 10, (seed, k, kind)
    return tally


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--files", type=int, default=10**9)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    given = parser.parse_args()
    print(f"seed {given.seed}")
    with tempfile.TemporaryDirectory() as place:
        tally = campaign(given.files, given.seed, place, given.minutes)
    for (kind, how), count in sorted(tally.items()):
        print(f"{kind}: {count} {how}")


if __name__ == "__main__":
    main()
