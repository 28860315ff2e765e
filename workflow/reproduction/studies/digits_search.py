"""The digits network: sensitivities, and accuracies on the emulator of the bits chosen by them.

The table behind the figure `digits_search`.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bfimna import data
from bfimna.emulator import digits
from bfimna.emulator.infer import infer
from bfimna.emulator.quantise import best_scale, whole
from bfimna.mapping.chip import Chip
from bfimna.network.precision import Precision
from bfimna.search.choose import compare, front
from bfimna.search.sensitivity import Sensitivity
from bfimna.technology.technology import Technology
from reproduction.studies.hessian import mean_traces
from reproduction.studies.measured import accuracy_columns

WIDTHS = tuple(range(2, 9))
FOR_TRACES, HELD_OUT = slice(0, None, 2), slice(1, None, 2)  # images; accuracy is of the latter


def weights() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the digits network's float weights and biases by layer."""
    stored = data.digits()
    return {
        name: (
            stored[f"float/{name}/weights"].astype(float),
            stored[f"float/{name}/bias"].astype(float),
        )
        for name in digits.network().matmul_names
    }


def inputs() -> np.ndarray:
    """Return the digits' images as inputs of the float network, (360, 1, 8, 8)."""
    stored = data.digits()
    return stored["images"] / 2**digits.IMAGE_BITS * stored["range/input"][-1]


def sensitivity() -> Sensitivity:
    """Return the digits network's sensitivities: traces on every second image, measured errors.

    Errors are those of post-training quantisation at each width from 2 to 8 bits.
    """
    network, real = digits.network(), weights()
    trace = mean_traces(network, real, inputs()[FOR_TRACES], digits.labels()[FOR_TRACES])
    error = {}
    for name, (values, _) in real.items():
        flat = values.reshape(len(values), -1)
        steps = {bits: best_scale(flat, bits)[:, None] for bits in WIDTHS}
        error[name] = {
            bits: float(np.square(whole(flat / step, bits) * step - flat).sum())
            for bits, step in steps.items()
        }
    return Sensitivity(trace, error)


def measured_accuracy(precisions: Sequence[Precision]) -> pd.DataFrame:
    """Return the emulator's accuracies on images that the traces did not use, and their intervals.

    Weights are quantised after training, without retraining at these bits. Columns are those of
    `accuracy_columns`.
    """
    network, labels = digits.network(), digits.labels()[HELD_OUT]
    accuracies = []
    for bits in precisions:
        images = digits.images(bits)[HELD_OUT]
        logits, _ = infer(network, digits.post_training(bits), images, bits)
        accuracies.append(accuracy_columns(digits.accuracy(logits, labels), len(labels)))
    return pd.DataFrame(accuracies)


def predicted_and_measured(
    chip: Chip, technology: Technology, points: int = 10, drawn: int = 10, seed: int = 0
) -> pd.DataFrame:
    """Return Ω and measured accuracy of the search's choices, and of random bits.

    Parameters
    ----------
    points : EDP budgets of the front.
    drawn : random choices of 2 to 6 bits per layer, for comparison.
    """
    network, omega = digits.network(), sensitivity()
    chosen = front(network, omega, chip, technology, WIDTHS, points)
    random = np.random.default_rng(seed)
    rows = random.integers(2, 7, (drawn, len(network.matmuls))).tolist()
    others = [
        Precision.by_layer(
            network, dict(zip(network.matmul_names, row, strict=True)), f"drawn-{k:03d}"
        )
        for k, row in enumerate(rows)
    ]
    precisions = [*chosen, *others]
    table = compare(network, omega, precisions, chip, technology)
    table["bits"] = [" ".join(map(str, p.weight_bits)) for p in precisions]
    table["chosen_by"] = ["front"] * len(chosen) + ["drawn"] * len(others)
    return table.join(measured_accuracy(precisions))


def rank_correlation(table: pd.DataFrame) -> pd.DataFrame:
    """Return Spearman's ρ of predicted and measured order: of the front, the random bits, and all.

    1 where a smaller Ω always comes with a higher accuracy; ties share their rank.
    """
    groups = {"front": table.chosen_by == "front", "drawn": table.chosen_by == "drawn"}
    groups["all"] = groups["front"] | groups["drawn"]
    rows = []
    for name, those in groups.items():
        of = table[those]
        rho = (-of.omega).rank().corr(of.accuracy_percent.rank())
        rows.append({"choices": name, "points": len(of), "spearman": float(rho)})
    return pd.DataFrame(rows)
