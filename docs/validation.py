"""The page of validation: checks against the emulator, data and published peaks, computed anew."""

import ast
import re
from collections.abc import Iterator

import pandas as pd
from listing import ROOT, table

import bfimna as bf

EMULATED = ("int4", 4)  # precision and images of the digits network that the page runs
CYCLES = ("compares", "writes", "loads", "reads", "shifts")
ROWS = ("compare_rows", "cells_loaded")
CLAIMS = ROOT / "figures" / "claims.csv"
MEASURED = ROOT / "figures" / "fluidity_measured.csv"
FITTED = "sram-published-fit"


def page() -> str:
    """Return the page."""
    parts = [
        "# Validation",
        "Every figure on this page was computed, or read from a table, when the page was made.",
        "## Against the emulator",
        _emulator(),
        "## Against data, not random bits",
        _measured(),
        "## Against published peaks",
        _peaks(),
        "## By hand",
        _by_hand(),
        "## The paper's claims",
        _claims(),
    ]
    return "\n\n".join(parts) + "\n"


def _emulator() -> str:
    name, images = EMULATED
    net, bits = bf.digits.network(), bf.digits.precision(name)
    batch = bf.digits.images(bits)[:images]
    _, activity = bf.infer(net, bf.digits.parameters(name), batch, bits)
    layers = bf.simulate(net, bits, "LR", "sram-14nm-lstp", images).layers
    body = []
    for event in (*CYCLES, *ROWS):
        emulated, modelled = getattr(activity.counts, event), layers[event].sum()
        body.append(
            [
                f"`{event}`",
                int(emulated),
                int(modelled),
                "same" if emulated == modelled else "**no**",
            ]
        )
    return (
        f"The digits network at {name}, {images} images, pass by pass on bit planes, against the "
        "closed forms that simulations use. Cells that a pass writes depend on the data and "
        "are compared below. The tests do the same for every program at every width, for every "
        "kind of layer, and for ResNet18.\n\n" + table(["event", "emulator", "model", ""], body)
    )


def _measured() -> str:
    if not MEASURED.is_file():
        return "`figures/fluidity_measured.csv` has not been made yet."
    read = pd.read_csv(MEASURED)
    body = [
        [row.precision, row.technology, row.array_energy_j, row.model_array_energy_j,
         row.array_energy_j / row.model_array_energy_j]
        for row in read.itertuples()
        if row.precision.startswith("int")
    ]  # fmt: skip
    head = [
        "bits",
        "technology",
        "arrays' energy, test images (J)",
        "model, random bits (J)",
        "ratio",
    ]
    return (
        "The model assumes operands of uniformly random bits. The writes that the digits network's "
        "test images cause, counted by the emulator:\n\n" + table(head, body)
    )


def _peaks() -> str:
    published = bf.data.accelerators()
    published = published[(published.accelerator == "BF-IMNA") & published.throughput_gops.notna()]
    body = []
    for row in published.itertuples():
        for technology in (FITTED, "sram-14nm-lstp"):
            ours = bf.peak(int(row.bits), "LR", technology)
            gops, efficiency = ours.throughput_ops / 1e9, ours.efficiency_ops_per_w / 1e9
            body.append([int(row.bits), technology, row.throughput_gops, gops,
                         gops / row.throughput_gops, row.efficiency_gops_per_w, efficiency,
                         efficiency / row.efficiency_gops_per_w])  # fmt: skip
    head = [
        "bits",
        "technology",
        "published GOPS",
        "ours",
        "ratio",
        "published GOPS/W",
        "ours",
        "ratio",
    ]
    return (
        f"BF-IMNA's published peaks. `{FITTED}` has four parameters that are solved from these six "
        "figures: its agreement confirms the form, not the parameters. `sram-14nm-lstp` is derived "
        "from circuits and not tuned.\n\n" + table(head, body)
    )


def _tests_by_hand() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            test = isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
            if test and "by_hand" in f"{path.stem} {node.name}":
                yield path.relative_to(ROOT).as_posix(), node.name


def _by_hand() -> str:
    body = [
        [re.sub("^test_|_by_hand$", "", node).replace("_", " "), f"`pytest {path}::{node}`"]
        for path, node in _tests_by_hand()
    ]
    return "Results computed on paper, which the tests compare with the model.\n\n" + table(
        ["what", "run it"], body
    )


def _claims() -> str:
    """Return the verdict on each claim, and the check of the fit."""
    if not CLAIMS.is_file():
        return "`figures/claims.csv` has not been made yet."
    rows = pd.read_csv(CLAIMS)
    judged, fit = rows[rows.kind == "claim"], rows[rows.kind == "fit"]
    power = judged[["true_reproduced", "true_kept", "false_rejected"]].itertuples(index=False)
    text = (
        "The paper's seven claims; technologies and supplies are evidence within them. The rules "
        "stand in `reproduction.studies.claims.verdicts`. A claim that is not reproduced is a "
        "result.\n\n"
        + table(
            ["claim", "verdict", "claimed", "ours", "agreement", "direction", "reason"],
            [
                [r.text, r.verdict, r.claimed, r.ours, r.agreement, r.direction, r.reason]
                for r in judged.itertuples()
            ],
        )
        + "\n\nHow often the rules are right, by simulation on our own intervals:\n\n"
        + table(
            ["claim", "a true one is reproduced", "is not rejected", "a false one is rejected"],
            [[claim, *shares] for claim, shares in zip(judged.claim, power, strict=True)],
        )
    )
    if fit.empty:
        return text
    return (
        text
        + "\n\nThe technology fitted to the paper's peaks is no evidence. It gives back:\n\n"
        + table(
            ["claim", "claimed", "fitted", "fit"],
            [[r.claim, r.claimed, r.ours, r.verdict] for r in fit.itertuples()],
        )
    )
