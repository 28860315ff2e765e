"""Every public entry, each argument in turn replaced by something odd: our error, or an answer."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from reproduction.studies import bit_search as studies
from reproduction.studies import streams

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
    "object array": np.array([None]), "no elements": np.zeros((2, 0)), "int64s": np.array([8, 4]),
    "missing": pd.NA, "frame": pd.DataFrame({"a": [1]}), "huge digits": "int" + "9" * 5000,
    "range": range(3), "set": set(), "complex": 1j, "a Layer": LAYER,
}  # fmt: skip

R18 = bf.zoo.resnet18()
OMEGA = bf.search.hawq_sensitivity(R18)
HALF = bf.search.Budget("bops", fraction=0.5)
DIGITS = bf.digits.network()
FOUR = bf.Precision.fixed(DIGITS, 4)
IMAGES = bf.digits.images(FOUR)[:1]
MODEL = str(Path(__file__).parents[1] / "examples" / "model.onnx")

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
    "of": (bf.Precision.by_layer, [NET, {}, "n", 8]),
    "Precision": (bf.Precision, ["n", NET.matmul_names, (8,) * 8, (8,) * 8]),
    "Network": (bf.Network, ["n", NET.layers]),
    "network[]": (NET.__getitem__, ["fc"]),
    "precision[]": (BITS.__getitem__, ["fc"]),
    "at_supply": (TECH.at_supply, [0.7]),
    "corner": (TECH.corner, ["optimistic"]),
    "interval": (bf.simulate(NET, BITS, CHIP, TECH).interval, ["edp_js", 10, 0]),
    "read_onnx": (bf.read_onnx, [MODEL, None]),
    "read_onnx_precision": (bf.read_onnx_precision, [MODEL, 8, None]),
    "read_precision": (bf.read_precision, [NET, "x.yaml", 8]),
    "read_scalesim": (bf.read_scalesim, ["x.csv"]),
    "read_sweep": (bf.read_sweep, ["x", None]),
    "read_sensitivity": (bf.search.read_sensitivity, ["x.csv", None]),
    "sized_for": (bf.Chip.unlimited().sized_for, [NET, 1]),
    "bops": (BITS.bops, [NET]),
    "size_bits": (BITS.size_bits, [NET]),
    "Budget": (bf.search.Budget, ["bops", None, 0.5]),
    "Sensitivity": (bf.search.Sensitivity, [{"a": 1.0}, {"a": {4: 1.0}}, {}]),
    "Sensitivity.omega": (OMEGA.omega, ["layer1.0.conv1", 4]),
    "Sensitivity.total": (OMEGA.total, [{"layer1.0.conv1": 4}]),
    "Sensitivity.basis": (OMEGA.basis, [{"layer1.0.conv1": 4}]),
    "Sensitivity.check": (OMEGA.check, [R18]),
    "hawq_sensitivity": (bf.search.hawq_sensitivity, [R18]),
    "choose": (bf.search.choose, [R18, OMEGA, HALF, CHIP, TECH, (4, 8)]),
    "compare": (bf.search.compare, [R18, OMEGA, [bf.Precision.fixed(R18, 8)], CHIP, TECH]),
    "search_chips": (
        bf.search.search_chips,
        [NET, TECH, None, {"clusters": (16, 64)}, None, None, 1, False],
    ),
    "options": (studies.options, ["resnet18", {"int8": 70.0}, CHIP, TECH]),
    "published_options": (studies.published_options, ["resnet18", CHIP, TECH]),
    "crossbar_reload": (streams.crossbar_reload, [R18, [bf.Precision.fixed(R18, 8)], TECH]),
    "moves": (studies.moves, ["resnet18", "latency-low", CHIP, TECH]),
    "against_published": (studies.against_published, ["resnet18", CHIP, TECH, {}, OMEGA]),
    "reproduced_schemes": (bf.search.reproduced_schemes, ["resnet18"]),
    "synthetic": (bf.emulator.synthetic, [DIGITS, FOUR, 0]),
    "infer": (
        lambda network, images, bits, keep: bf.infer(
            network, bf.emulator.synthetic(DIGITS, FOUR), images, bits, keep=keep
        ),
        [DIGITS, IMAGES, FOUR, False],
    ),
    "digits.images": (bf.digits.images, [FOUR]),
    "digits.parameters": (bf.digits.parameters, ["int4"]),
    "digits.post_training": (bf.digits.post_training, [FOUR]),
    "digits.pixels": (bf.digits.pixels, [np.zeros((1, 8, 8), int)]),
    "Faults": (bf.ap.Faults, [0.1, 0.1, 0.1, 0]),
    "multiply": (bf.ap.multiply, [[3], [5], 8, 8, False, 1]),
    "requantise": (bf.ap.requantise, [[1000], 3, 4, 8, 24, True]),
    "reduce": (bf.ap.reduce, [[[1], [2]], 8, False, "2d"]),
    "gemm": (bf.ap.gemm, [[[1]], [[1]], 8, 8, (True, False), "2d-segmented", 4800, None, 1]),
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


def message_of(function, *arguments):
    """Return our error's text, empty without an error; any other error fails the test."""
    try:
        function(*arguments)
    except bf.BfimnaError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("call", CALLS)
def test_misuse_is_refused_in_one_line(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    function, arguments = CALLS[call]
    for k in range(len(arguments)):
        for what, value in ODD.items():
            text = message_of(function, *arguments[:k], value, *arguments[k + 1 :])
            assert "\n" not in text, (k, what)
            assert len(text) < 1500, (k, what)
