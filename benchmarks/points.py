"""Random points of the model, and every value of each: the same script runs in two checkouts.

python benchmarks/points.py CHECKOUT [--points 2000] [--seed 1] [--show POINT]

A point is a network × bits × chip × batch × count set in a technology. Each prints one line of
JSON: what it is, and a digest of each column of its report (or ``refused``). Points are made from
the seed through public names only, so that any two commits that have these can be compared.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from math import isnan
from pathlib import Path
from random import Random

import bfimna as bf

ONE_WORD = ("relu", "scale", "bias", "clip", "lookup", "leakyrelu", "hardsigmoid", "hardswish")
KINDS = (
    "conv",
    "conv",
    "conv",
    "pool",
    "pool",
    "add",
    "mul",
    "concat",
    "view",
    "lrn",
    "word",
    "word",
)
LAYERS = (2, 14)  # of a random network, beside its input
IN_ZOO = 0.12  # share of points on networks of the zoo
SWEPT = 0.1  # share of points whose network is also swept, many precisions in one call
TECHNOLOGIES = ("sram-14nm-lstp", "reram-14nm-lstp", "sram-22nm-lstp")
SUPPLIES_V = (None, None, 0.6, 0.7, 0.9)


# ---- networks ---------------------------------------------------------------------------------


class Drawn:
    """A network that grows by random layers; one that the package refuses is left out."""

    def __init__(self, name: str, random: Random) -> None:
        self.name, self.random = name, random
        size = random.choice([(1, 1), (1, 17), (5, 5), (8, 8), (9, 7), (14, 14), (28, 20)])
        self.layers = [
            bf.Layer("input", "input", channels=random.choice([1, 3, 4, 6, 16]), size=size)
        ]
        self.network = bf.Network(name, tuple(self.layers))

    def append(self, kind: str, inputs: tuple[str, ...], **fields: object) -> None:
        name = f"{kind}{len(self.layers)}"
        try:
            layer = bf.Layer(name, kind, inputs, **fields)
            self.network = bf.Network(self.name, (*self.layers, layer))
        except bf.BfimnaError:
            return
        self.layers.append(layer)

    def one(self) -> str:
        """Name a tensor, mostly one of the last."""
        names = [layer.name for layer in self.layers]
        return names[-1] if self.random.random() < 0.6 else self.random.choice(names)

    def like(self, name: str) -> str:
        """Name a tensor of the same height and width, of the same shape if there is another."""
        shapes = self.network.shapes
        same = [n for n in shapes if shapes[n] == shapes[name]]
        sizes = [n for n in shapes if shapes[n][1:] == shapes[name][1:]]
        return self.random.choice(same if len(same) > 1 and self.random.random() < 0.7 else sizes)

    def window(self) -> dict[str, object]:
        pick = self.random.choice
        square = pick([1, 1, 2, 3, 3, 5, 7])
        kernel = (
            (square, square) if pick([True, True, False]) else (pick([1, 2, 3]), pick([1, 3, 4]))
        )
        padding = pick([(0,) * 4, (square // 2,) * 4, (1, 0, 0, 1), (0, 2, 1, 0)])
        dilation = pick([(1, 1)] * 5 + [(2, 2), (1, 3)])
        return {"kernel": kernel, "stride": pick([(1, 1), (1, 1), (2, 2), (1, 2), (3, 3)]),
                "padding": padding, "dilation": dilation}  # fmt: skip

    def step(self) -> None:
        pick, source = self.random.choice, self.one()
        kind, channels = pick(KINDS), self.network.shapes[source][0]
        if kind == "conv":
            groups = pick([1, 1, 1, 2, 3, channels])
            per_group = pick([1, 2, 3, 8, 16, 33])
            fields = {"groups": groups, "channels": groups * per_group, **self.window()}
            self.append("conv", (source,), **fields)
        elif kind == "pool":
            self.append(
                pick(["maxpool", "avgpool"]), (source,), ceil=pick([False, True]), **self.window()
            )
        elif kind == "mul":
            gate = self.like(source)
            self.append("mul", (gate, source))
        elif kind == "add":
            self.append("add", (source, self.like(source)))
        elif kind == "concat":
            self.append("concat", (source, *(self.like(source) for _ in range(pick([1, 1, 2])))))
        elif kind == "view":
            height, width = pick([(1, 1), (2, 3), (7, 7), (1, 12)])
            self.append("view", (source,), channels=pick([2, 6, 16]), size=(height, width))
        elif kind == "lrn":
            self.append("lrn", (source,), kernel=(pick([1, 3, 5]), 1))
        else:
            self.append(pick(ONE_WORD), (source,))

    def finish(self) -> bf.Network:
        """End in a linear layer, in most networks, and in at least one layer with weights."""
        last, pick = self.layers[-1].name, self.random.choice
        if pick([True, True, False]) or not any(x.kind in ("conv", "linear") for x in self.layers):
            self.append("flatten", (last,))
            self.append("linear", (self.layers[-1].name,), channels=pick([1, 5, 10, 100]))
            if pick([True, False]):
                self.append(pick(ONE_WORD), (self.layers[-1].name,))
        return self.network


@cache
def known(name: str) -> bf.Network:
    return bf.digits.network() if name == "digits" else bf.zoo.load(name)


def network(random: Random, name: str) -> bf.Network:
    if random.random() < IN_ZOO:
        return known(random.choice(["digits", "digits", *sorted(bf.zoo.NETWORKS)]))
    drawn = Drawn(name, random)
    for _ in range(random.randint(*LAYERS)):
        drawn.step()
    return drawn.finish()


# ---- bits, chips, points ----------------------------------------------------------------------


def precision(random: Random, net: bf.Network) -> bf.Precision:
    names = [x.name for x in net.layers if x.kind in ("conv", "linear")]
    if random.random() < 0.2:
        return bf.Precision.fixed(net, random.randint(1, 16))
    low, high = random.choice([(1, 16), (2, 8), (1, 4), (4, 4)])
    weights, activations = (tuple(random.randint(low, high) for _ in names) for _ in range(2))
    return bf.Precision("drawn", tuple(names), weights, activations)


def chip(random: Random) -> dict[str, object]:
    """Return the fields of a chip: LR, IR, or an odd one."""
    pick = random.choice
    if random.random() < 0.15:
        return pick([{"name": "LR"}, {"name": "IR", "clusters": 0}])
    return {
        "name": "odd", "clusters": pick([0, 1, 2, 5, 7, 16, 64]),
        "caps_per_cluster": pick([1, 3, 8, 64]), "maps_per_cluster": pick([0, 1, 2]),
        "rows": pick([7, 33, 127, 600, 1201, 4800]), "columns": pick([40, 67, 69, 72, 72, 97]),
        "ap_kind": pick(["1d", "2d", "2d-segmented"]), "bus_bits": pick([1, 100, 1024]),
        "mesh_bits": pick([3, 256, 1024]), "clock_hz": pick([1e9, 3.3e8]),
        "multicast": pick([True, False]), "weights": pick(["resident", "streamed", "auto"]),
        "overlap": pick([True, False]), "load_mode": pick(["latched", "by row"]),
        "mats": pick([1, 5, 16]),
    }  # fmt: skip


@cache
def technology(name: str, supply_v: float | None) -> bf.Technology:
    nominal = bf.load_technology(name)
    return nominal if supply_v is None else nominal.at_supply(supply_v)


def point(number: int, seed: int) -> dict[str, object]:
    """Return what a point is and the columns of its results, or that it is refused."""
    random = Random(f"{seed}/{number}")
    net = network(random, f"random{number}")
    bits, fields = precision(random, net), chip(random)
    tech = technology(random.choice(TECHNOLOGIES), random.choice(SUPPLIES_V))
    batch, counts = random.choice([1, 1, 2, 3, 17, 256]), random.choice(["microcode", "published"])
    kinds = " ".join(x.kind for x in net.layers)
    widths = [f"w{w}a{a}" for w, a in zip(bits.weight_bits, bits.activation_bits, strict=True)]
    what = f"{net.name}: {kinds}; {' '.join(widths)}; {fields}; {tech.name} at {tech.supply_v} V; "
    what += f"batch {batch}; {counts}"
    try:
        array = bf.Chip(**fields)
        report = bf.simulate(net, bits, array, tech, batch, counts)
        columns = dict(report_columns(report))
        if random.random() < SWEPT:
            many = [bits, *(precision(random, net) for _ in range(3))]
            table = bf.sweep(net, many, [array], [tech], batch, counts)
            columns |= table_columns("sweep", table)
    except bf.BfimnaError:
        return {"point": number, "what": what, "refused": True}
    return {"point": number, "what": what, "columns": columns}


def report_columns(report: bf.Report) -> Iterator[tuple[str, list[str]]]:
    yield from table_columns("layers", report.layers).items()
    yield from table_columns("phases", report.phases.reset_index()).items()
    for name, value in report.summary.items():
        yield f"summary.{name}", [text(value)]
    yield "live_bits", list(map(text, report.live_bits.tolist()))
    yield "headline", [f"{value} {span}" for _, value, span in report.headline]
    for name in ("notes", "warnings"):  # whose words may improve, but not their numbers
        yield name, [" ".join(re.findall(r"\d[\d.]*", line)) for line in getattr(report, name)]


def table_columns(name: str, table) -> dict[str, list[str]]:
    return {f"{name}.{column}": [text(v) for v in table[column].tolist()] for column in table}


def text(value: object) -> str:
    """Write a value with every digit; whole numbers alike, whatever their type; absent as ``-``."""
    if value is None or repr(value) == "<NA>" or (isinstance(value, float) and isnan(value)):
        return "-"
    if isinstance(value, str | bool):
        return str(value)
    number = float(value)
    return repr(number) if number == value else str(value)


def digest(values: list[str]) -> str:
    return sha256("\n".join(values).encode()).hexdigest()[:12]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--points", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, metavar="POINT", help="one point, with every value")
    options = parser.parse_args()
    if not Path(bf.__file__).resolve().is_relative_to(options.checkout.resolve()):
        sys.exit(f"this Python imports bfimna from {bf.__file__}, not from {options.checkout}")
    numbers = range(options.points) if options.show is None else [options.show]
    for number in numbers:
        answer = point(number, options.seed)
        if options.show is None and "columns" in answer:
            answer["columns"] = {name: digest(v) for name, v in answer["columns"].items()}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
