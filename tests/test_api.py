"""Every public entry, each argument in turn replaced by something odd: our error, or an answer."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

import bfimna as bf

NET = bf.zoo.alexnet()
BITS = bf.Precision.fixed(NET, 8)
CHIP, TECH = bf.Chip.limited(), bf.load_technology("sram-14nm-lstp")
LAYER = bf.Layer("c", "conv", ("input",), 4, (3, 3))
INPUT = bf.Layer("input", "input", channels=3, size=(8, 8))

LONG = "a" * 5000
ODD = {
    "none": None, "true": True, "numpy true": np.True_, "-1": -1, "0": 0, "3.5": 3.5,
    "nan": np.nan, "inf": np.inf, "1e30": 10**30, "1e5000": 10**5000, "empty": "", "8": "8",
    "name": "alexnet", "csv": "x.csv", "onnx": "x.onnx", "yaml": "x.yaml", "own": "own",
    "table": "x.csv:y", "nul": "\0", "nul csv": "\0.csv", "nul yaml": "\0.yaml", "long": LONG,
    "long csv": f"{LONG}.csv", "long yaml": f"{LONG}.yaml", "long table": f"{LONG}.csv:x",
    "bytes": b"x", "list": [], "[8]": [8], "triple": (1, 2, 3), "dict": {}, "field": {"a": 1},
    "number field": {1: 2}, "chip": {"name": "x"}, "object": object(), "array": np.array([8]),
    "0-d": np.array(8), "int8": np.int8(8), "a Chip": CHIP, "a Network": NET, "a Precision": BITS,
    "a Technology": TECH, "a path": Path("x"), "an onnx path": Path("x.onnx"), "here": Path("."),
    "range": range(3), "set": set(), "complex": 1j, "a Layer": LAYER,
}  # fmt: skip

CALLS = {
    "simulate": (bf.simulate, [NET, BITS, CHIP, TECH, 1, "microcode"]),
    "sweep": (bf.sweep, [NET, [BITS], [CHIP], [TECH], [1], "microcode"]),
    "peak": (bf.peak, [8, CHIP, TECH]),
    "load_network": (bf.load_network, [NET]),
    "load_precision": (bf.load_precision, [NET, BITS]),
    "load_chip": (bf.load_chip, [CHIP]),
    "load_technology": (bf.load_technology, [TECH]),
    "data.load_precision": (bf.data.load_precision, [NET, "int8"]),
    "zoo.load": (bf.zoo.load, ["alexnet"]),
    "fixed": (bf.Precision.fixed, [NET, 8]),
    "mixed": (bf.Precision.mixed, [NET, 5, 0]),
    "of": (bf.Precision.of, [NET, {}, "n", 8]),
    "Precision": (bf.Precision, ["n", NET.gemm_names, (8,) * 8, (8,) * 8]),
    "Network": (bf.Network, ["n", NET.layers]),
    "network[]": (NET.__getitem__, ["fc"]),
    "precision[]": (BITS.__getitem__, ["fc"]),
    "at_supply": (TECH.at_supply, [0.7]),
    "corner": (TECH.corner, ["optimistic"]),
    "interval": (bf.simulate(NET, BITS, CHIP, TECH).interval, ["edp_js", 10, 0]),
    **{
        f"Chip.{f.name}": (
            lambda value, name=f.name: bf.simulate(NET, BITS, bf.Chip(**{name: value}), TECH),
            [f.default],
        )
        for f in fields(bf.Chip)
    },
    **{
        f"Layer.{f.name}": (
            lambda value, name=f.name: bf.Network("n", (INPUT, replace(LAYER, **{name: value}))),
            [getattr(LAYER, f.name)],
        )
        for f in fields(bf.Layer)
    },
}


def told(function, *arguments):
    """Return our error's text, or none; any other error is the test's failure."""
    try:
        function(*arguments)
    except bf.BfimnaError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("call", CALLS)
def test_misuse_is_told_in_one_line(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    function, arguments = CALLS[call]
    for k in range(len(arguments)):
        for what, value in ODD.items():
            text = told(function, *arguments[:k], value, *arguments[k + 1 :])
            assert "\n" not in text, (k, what)
            assert len(text) < 1500, (k, what)
