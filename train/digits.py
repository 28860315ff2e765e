"""Train the digits network quantisation-aware and write its integers: data/digits/digits.npz.

    pip install -e .[train] && python train/digits.py

Deterministic: one thread, fixed seeds. Every fifth image of scikit-learn's digits is held out and
never trained on. A float network is trained first; each precision then starts from it, with
weights, activations and their truncation by readers simulated exactly as `bfimna.emulator.integer`
defines them.
"""

from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch.nn import functional as f

from bfimna.emulator import digits
from bfimna.emulator.integer import integer_format, ranges
from bfimna.emulator.quantise import activation_step, quantise
from bfimna.network.graph import GEMM
from bfimna.network.precision import Precision

NETWORK = digits.network()
TARGET = Path(__file__).parent.parent / "data" / "digits" / "digits.npz"
WIDTHS = range(1, 9)
FLOAT_EPOCHS, EPOCHS, BATCH = 60, 40, 64


def precisions() -> list[Precision]:
    """Return fixed widths, and mixes: activations wider than weights, and the ends wider."""
    fixed = [Precision.fixed(NETWORK, bits) for bits in (2, 3, 4, 6, 8)]
    mixes = {
        "mixed-high": ((4, 4), (3, 4), (3, 4), (3, 4), (4, 6)),
        "mixed-medium": ((3, 4), (3, 4), (3, 4), (3, 4), (3, 4)),
        "mixed-low": ((3, 4), (2, 4), (2, 4), (2, 4), (3, 4)),
    }
    pairs = {n: dict(zip(NETWORK.gemm_names, b, strict=True)) for n, b in mixes.items()}
    return fixed + [Precision.of(NETWORK, bits, name) for name, bits in pairs.items()]


def images() -> tuple[torch.Tensor, torch.Tensor]:
    """Return pixels in the 8 bits that the network stores, and labels."""
    data = load_digits()
    return torch.tensor(digits.pixels(data.images)), torch.tensor(data.target)


def straight(exact: torch.Tensor, smooth: torch.Tensor) -> torch.Tensor:
    """Return `exact` with the gradient of `smooth`."""
    return smooth + (exact - smooth).detach()


def weighted(layer, x, weight, bias):  # type: ignore[no-untyped-def]
    """Convolve or multiply: layers of one image tensor."""
    if layer.kind == "linear":
        return f.linear(x.flatten(1), weight.flatten(1), bias)[..., None, None]
    return f.conv2d(x, weight, bias, padding=layer.padding[0])


def unweighted(layer, inputs):  # type: ignore[no-untyped-def]
    """Apply a layer without weights on real tensors."""
    x = inputs[0]
    if layer.kind == "relu":
        return x.relu()
    if layer.kind == "add":
        return inputs[0] + inputs[1]
    if layer.kind == "flatten":
        return x.flatten(1)[..., None, None]
    pool = f.max_pool2d if layer.kind == "maxpool" else f.avg_pool2d
    return pool(x, layer.kernel, layer.stride)


def float_forward(x, weights):  # type: ignore[no-untyped-def]
    """Return every tensor of the float network."""
    tensors = {"input": x}
    for layer in NETWORK.layers[1:]:
        inputs = [tensors[name] for name in layer.inputs]
        if layer.kind in GEMM:
            tensors[layer.name] = weighted(layer, inputs[0], *weights[layer.name])
        else:
            tensors[layer.name] = unweighted(layer, inputs)
    return tensors


class Simulation:
    """The integer network at one precision, in units that gradients pass through."""

    def __init__(self, precision, weights, full_scale):  # type: ignore[no-untyped-def]
        self.precision, self.words = precision, integer_format(NETWORK, precision).words
        tied = ranges(NETWORK)
        real = {n: (w.detach().numpy(), b.detach().numpy()) for n, (w, b) in weights.items()}
        self.start = quantise(NETWORK, real, full_scale, precision)
        self.latent = {}
        for layer in NETWORK.layers:
            if layer.kind in GEMM:
                own, source = self.start[layer.name], layer.inputs[0]
                bits = precision[layer.name][1]
                step_in = activation_step(full_scale[tied[source]], self.words[source], bits)
                step_out = full_scale[tied[layer.name]] / 2 ** self.words[layer.name].bits
                step = own.multiplier / 2.0**own.shift * step_out / step_in
                if not len(step):
                    step = np.abs(real[layer.name][0]).max() / np.abs(own.weights).max()
                step = torch.tensor(step).float().reshape(-1, 1, 1, 1)
                weight = (weights[layer.name][0].detach() / step).requires_grad_()
                bias = torch.tensor(own.bias).float().requires_grad_()
                self.latent[layer.name] = (weight, bias)

    def integers(self, name):  # type: ignore[no-untyped-def]
        """Whole weights and bias of a layer."""
        weight, bias = self.latent[name]
        top = 2 ** (self.precision[name][0] - 1)
        return (
            straight(weight.round().clamp(-top, top - 1), weight.clamp(-top, top - 1)),
            straight(bias.round(), bias),
        )

    def forward(self, x):  # type: ignore[no-untyped-def]
        """Return the logits, in integers."""
        tensors = {"input": x}
        for layer in NETWORK.layers[1:]:
            word, before = self.words[layer.name], layer.inputs
            have = [self.words[name] for name in before]
            inputs = [tensors[name] for name in before]
            if layer.kind in GEMM:
                read = inputs[0] / 2.0 ** (have[0].width - self.precision[layer.name][1])
                y = weighted(layer, straight(read.floor(), read), *self.integers(layer.name))
                own = self.start[layer.name]
                if len(own.multiplier):
                    scale = torch.tensor(own.multiplier / 2.0**own.shift).float()
                    y = self.store(y * scale.reshape(-1, 1, 1), word)
            elif layer.kind == "add":
                parts = [t / 2.0 ** (w.bits - word.bits) for t, w in zip(inputs, have, strict=True)]
                y = self.store(sum(straight(p.floor(), p) for p in parts), word)
            else:
                y = unweighted(layer, inputs)
                y = straight(y.floor(), y)
            tensors[layer.name] = y
        return tensors["fc"].flatten(1)

    @staticmethod
    def store(y, word):  # type: ignore[no-untyped-def]
        """Floor and saturate to a signed word of the tensor's bits."""
        low, high = -(2.0**word.bits), 2.0**word.bits - 1
        return straight(y.floor().clamp(low, high), y.clamp(low, high))


def train(parameters, loss, count, epochs, rate, seed):  # type: ignore[no-untyped-def]
    """Adam with a cosine schedule over shuffled batches."""
    optimiser = torch.optim.Adam(parameters, lr=rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)
    random = np.random.default_rng(seed)
    for _ in range(epochs):
        for batch in np.array_split(random.permutation(count), -(-count // BATCH)):
            optimiser.zero_grad()
            loss(batch).backward()
            optimiser.step()
        schedule.step()


def initial():  # type: ignore[no-untyped-def]
    """He's initialisation."""
    torch.manual_seed(0)
    found = {}
    for g in NETWORK.gemms:
        shape = (g.channels, g.input_shape[0], *g.layer.kernel)
        weight = torch.randn(shape) * (2.0 / g.k) ** 0.5
        found[g.layer.name] = (weight.requires_grad_(), torch.zeros(g.channels).requires_grad_())
    return found


def best_range(values: np.ndarray, bits: int) -> float:
    """Full-scale range with the least squared error of non-negative values in `bits` bits."""
    trials = np.linspace(0.1, 1.1, 51) * values.max()
    errors = []
    for full in trials:
        step = full / 2**bits
        kept = np.clip(np.floor(values / step + 0.5), 0, 2**bits - 1) * step
        errors.append(np.square(kept - values).sum())
    return float(trials[np.argmin(errors)])


def calibrate(tensors) -> dict[str, np.ndarray]:  # type: ignore[no-untyped-def]
    """Best full-scale range of each group of tied tensors, at each width."""
    groups: dict[str, list] = {}
    for layer in NETWORK.layers:
        if layer.kind == "relu":
            groups.setdefault(ranges(NETWORK)[layer.name], []).append(tensors[layer.name])
    found = {"input": np.ones(len(WIDTHS)), "fc": np.ones(len(WIDTHS))}
    for name, parts in groups.items():
        values = torch.cat([p.detach().flatten() for p in parts]).numpy()
        found[name] = np.array([best_range(values, bits) for bits in WIDTHS])
    return found


def main() -> None:
    """Train all precisions and write the file."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    pixels, labels = images()
    held = np.arange(len(labels)) % 5 == 0
    x, y = pixels[~held].float(), labels[~held]
    real = x / 2**digits.IMAGE_BITS
    weights = initial()
    train(
        [p for pair in weights.values() for p in pair],
        lambda b: f.cross_entropy(float_forward(real[b], weights)["fc"].flatten(1), y[b]),
        len(y), FLOAT_EPOCHS, 3e-3, 0,
    )  # fmt: skip
    scales = calibrate(float_forward(real, weights))
    saved = {"images": pixels[held].numpy(), "labels": labels[held].numpy().astype(np.uint8)}
    for name, (weight, bias) in weights.items():
        saved[f"float/{name}/weights"] = weight.detach().numpy()
        saved[f"float/{name}/bias"] = bias.detach().numpy()
    for name, per_width in scales.items():
        saved[f"range/{name}"] = per_width
    test = pixels[held].float() / 2**digits.IMAGE_BITS
    guess = float_forward(test, weights)["fc"].flatten(1).argmax(1)
    print("float", float((guess == labels[held]).float().mean()))
    for precision in precisions():
        saved |= quantised(precision, weights, scales, (x, y), (pixels[held], labels[held]))
    TARGET.parent.mkdir(exist_ok=True)
    np.savez_compressed(TARGET, **saved)
    print(TARGET, TARGET.stat().st_size, "bytes")


def quantised(precision, weights, scales, data, test):  # type: ignore[no-untyped-def]
    """Train at one precision; return its arrays by name."""
    stored = integer_format(NETWORK, precision).words
    full_scale = {n: float(s[stored[n].bits - 1]) if n != "fc" else 1.0 for n, s in scales.items()}
    simulation = Simulation(precision, weights, full_scale)
    x, y = (data[0] / 2.0 ** (digits.IMAGE_BITS - stored["input"].bits)).floor(), data[1]
    own = simulation.start
    spread = max(float(simulation.forward(x).detach().std()), 1.0)
    groups = [
        {"params": [p[0]], "lr": 3e-3 * float(p[0].detach().std())}
        for p in simulation.latent.values()
    ] + [
        {"params": [p[1]], "lr": 1e-2 * float(p[0].detach().std() * 2 ** precision[n][1])}
        for n, p in simulation.latent.items()
    ]
    train(
        groups,
        lambda b: f.cross_entropy(simulation.forward(x[b]) * (5.0 / spread), y[b]),
        len(y), EPOCHS, 1e-3, 1,
    )  # fmt: skip
    pixels = (test[0] / 2.0 ** (digits.IMAGE_BITS - stored["input"].bits)).floor()
    right = (simulation.forward(pixels).argmax(1) == test[1]).float().mean()
    print(precision.name, float(right))
    saved = {}
    for name in NETWORK.gemm_names:
        weight, bias = (p.detach().numpy().astype(np.int64) for p in simulation.integers(name))
        at = f"{precision.name}/{name}"
        saved[f"{at}/weights"], saved[f"{at}/bias"] = weight.astype(np.int8), bias.astype(np.int32)
        saved[f"{at}/multiplier"] = own[name].multiplier.astype(np.int16)
        saved[f"{at}/shift"] = np.array(own[name].shift, dtype=np.int16)
    saved[f"{precision.name}/bits"] = np.array(precision.of_network(NETWORK), dtype=np.int8)
    return saved


if __name__ == "__main__":
    main()
