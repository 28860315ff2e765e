"""A small CNN trained on scikit-learn's digits: network, integer weights, test images.

`train/digits.py` makes data/digits/digits.npz and documents the training.
"""

from functools import lru_cache
from math import sqrt

import numpy as np

from bfimna import data
from bfimna.emulator.integer import LayerParameters, Parameters, integer_format, ranges
from bfimna.emulator.quantise import quantise
from bfimna.errors import BfimnaError, one_of, whole_number
from bfimna.network.graph import Builder, Network
from bfimna.network.precision import Precision

NORMAL_95 = 1.6448536269514722  # 95th percentile of the normal distribution
IMAGE_BITS = 8  # of stored pixels; a first layer of fewer bits reads the top columns


@lru_cache
def network() -> Network:
    """Return the network: a convolution, a residual block, a wider convolution, a linear layer.

    >>> network().weights, network().macs
    (3016, 97408)
    """
    b = Builder("digits", (1, 8, 8))
    x = b.relu(b.conv("conv1", b.input, 8, 3, padding=1))
    y = b.relu(b.conv("block.conv1", x, 8, 3, padding=1))
    y = b.conv("block.conv2", y, 8, 3, padding=1)
    x = b.relu(b.add("block.add", y, x))
    x = b.pool("maxpool", x, 2, 2)
    x = b.relu(b.conv("conv2", x, 16, 3, padding=1))
    x = b.flatten(b.pool("avgpool", x, 2, 2, kind="avgpool"))
    b.linear("fc", x, 10)
    return b.network()


def pixels(images: np.ndarray) -> np.ndarray:
    """Turn scikit-learn's digits (0 to 16) into the stored 8 bits, (images, 1, 8, 8).

    >>> pixels(np.full((1, 8, 8), 16)).max()
    np.uint8(255)
    """
    grey = np.asarray(images)
    numbers = grey.dtype.kind in "iuf" and grey.ndim == 3 and grey.size > 0
    if not numbers or not np.isin(grey, range(17)).all():
        raise BfimnaError("images must be whole numbers from 0 to 16, (images, y, x)")
    scaled = np.minimum(16 * grey.astype(np.int64), 2**IMAGE_BITS - 1)
    return scaled[:, None].astype(np.uint8)


def trained() -> list[str]:
    """Return the names of the precisions that the network was trained at.

    >>> trained()[:2]
    ['int2', 'int3']
    """
    return [name.removesuffix("/bits") for name in data.digits() if name.endswith("/bits")]


def precision(name: str) -> Precision:
    """Return a precision that the network was trained at.

    >>> precision("int4").weight_bits
    (4, 4, 4, 4, 4)
    """
    one_of("precision of the digits network", name, trained())
    pairs = data.digits()[f"{name}/bits"].tolist()
    bits = {layer: (w, a) for layer, (w, a) in zip(network().matmul_names, pairs, strict=True)}
    return Precision.by_layer(network(), bits, name)


def parameters(name: str) -> Parameters:
    """Return the integers from quantisation-aware training at this precision.

    >>> parameters("int4")["conv1"].weights.shape
    (8, 1, 3, 3)
    """
    stored, integers = data.digits(), {}
    for layer in precision(name).layers:
        fields = (f"{name}/{layer}/{field}" for field in ("weights", "bias", "multiplier", "shift"))
        weights, bias, multiplier, shift = (stored[field] for field in fields)
        integers[layer] = LayerParameters(
            weights, bias.astype(np.int64), multiplier.astype(np.int64), int(shift)
        )
    return integers


def post_training(bits: Precision) -> Parameters:
    """Quantise the float network's weights to any bits, without further training.

    >>> mixed = Precision.by_layer(network(), {"conv1": 5}, default=7)
    >>> int(abs(post_training(mixed)["conv1"].weights).max())
    16
    """
    words, stored = integer_format(network(), bits).words, data.digits()
    real = {
        layer: (stored[f"float/{layer}/weights"], stored[f"float/{layer}/bias"])
        for layer in network().matmul_names
    }
    full_scale = {}
    for name in set(ranges(network()).values()):
        by_width = stored[f"range/{name}"]
        full_scale[name] = float(by_width[min(words[name].bits, len(by_width)) - 1])
    return quantise(network(), real, full_scale, bits)


def images(bits: Precision) -> np.ndarray:
    """Return the 360 test images in the input's word at this precision, (360, 1, 8, 8).

    >>> images(precision("int4")).max()
    np.int64(15)
    """
    spare = IMAGE_BITS - integer_format(network(), bits).words[Builder.input].bits
    stored = data.digits()["images"].astype(np.int64)
    return stored >> spare if spare >= 0 else stored << -spare


def labels() -> np.ndarray:
    """Return the test images' digits."""
    return data.digits()["labels"].astype(np.int64)


def accuracy(logits: np.ndarray, digits: np.ndarray | None = None) -> float:
    """Return the share of images whose largest logit is their digit.

    Parameters
    ----------
    logits : (images, classes), finite.
    digits : one per image; the test images' unless given.

    >>> accuracy(np.eye(10)[[7]], digits=np.array([7]))
    1.0
    """
    logits, digits = np.asarray(logits), labels() if digits is None else np.asarray(digits)
    if logits.ndim != 2 or not logits.size or digits.shape != logits.shape[:1]:
        raise BfimnaError(
            f"logits of shape {logits.shape} and digits of shape {digits.shape}; must be (images, "
            "classes) and (images,)"
        )
    if logits.dtype.kind not in "iuf" or not np.isfinite(logits).all():
        raise BfimnaError(f"logits must be finite numbers, not {logits.dtype} with NaN or infinity")
    if digits.dtype.kind not in "iu":
        raise BfimnaError(f"digits must be integers, not {digits.dtype}")
    return float(np.mean(logits.argmax(axis=1) == digits))


def accuracy_interval(share: float, images: int) -> tuple[float, float]:
    """Return the 5th and 95th percentile of a measured accuracy: Wilson's score interval.

    Test images are taken as drawn at random, each right or wrong by itself (E. B. Wilson, 1927;
    the formula is re-derived, not copied).

    Parameters
    ----------
    share : of the images that were right, from 0 to 1.
    images : tested.

    >>> low, high = accuracy_interval(0.95, 40)
    >>> round(low, 3), round(high, 3)
    (0.86, 0.983)
    """
    if not 0 <= share <= 1:
        raise BfimnaError(f"an accuracy must be from 0 to 1, not {share!r}")
    of = whole_number("images", images, 1)
    z2 = NORMAL_95**2
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = NORMAL_95 * sqrt(share * (1 - share) / of + z2 / (4 * of**2)) / (1 + z2 / of)
    return middle - half, middle + half
