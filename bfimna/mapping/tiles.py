"""The tile of a layer's output that a cluster computes in a fold: the one that moves least.

A tile is c whole channels × p whole positions, as many dot products as the busiest cluster's share
of a fold or fewer; positions run in raster order. Its channels' weights and its positions' pixels
cross the cluster's bus once. Model document, section 3, traffic.
"""

from functools import lru_cache
from math import isqrt, prod

import numpy as np

from bfimna.errors import BfimnaError
from bfimna.network.bits import Bits
from bfimna.network.graph import Network
from bfimna.network.matmul import Matmul
from bfimna.operators.words import MAX_BITS

MOST_SHAPES = 2**18  # of tiles, by rows or by channels: hundreds of times any network's


def tile_bits(network: Network, batch: int, shares: tuple[int, ...], bits: Bits) -> np.ndarray:
    """Bits that cross the buses if every product takes the tile that moves the fewest.

    Parameters
    ----------
    shares : dot products of each product's busiest cluster in a fold.
    bits : widths of 1 to 16 bits, shape (..., products).
    """
    table = _least(network, batch, shares)
    return table[np.arange(len(table)), bits.left, bits.right]


def best_tile(
    product: Matmul, batch: int, share: int, left_bits: int, right_bits: int
) -> tuple[int, int]:
    """Return the channels and positions of the tile that moves the fewest bits.

    >>> from bfimna.network import zoo
    >>> best_tile(zoo.resnet18().matmuls[1], 1, 512, 8, 8)
    (13, 39)
    """
    channels, positions = candidates(product, batch, share)
    weights, inputs = moved(product, batch, channels, positions)
    k = int(np.argmin(weights * left_bits + inputs * right_bits))
    return int(channels[k]), int(positions[k])


@lru_cache(maxsize=256)
def _least(network: Network, batch: int, shares: tuple[int, ...]) -> np.ndarray:
    """Tabulate the bits that each product's best tiles move: (products, left bits, right bits).

    With the few points of each product's lower left hull this is cheap.
    """
    bits = np.arange(MAX_BITS + 1.0)
    table = np.empty((len(network.matmuls), len(bits), len(bits)))
    for row, product, share in zip(table, network.matmuls, shares, strict=True):
        hull = np.array(_hull(*moved(product, batch, *candidates(product, batch, share))))
        both = hull[:, 0, None, None] * bits[:, None] + hull[:, 1, None, None] * bits
        row[:] = both.min(axis=0)
    table.flags.writeable = False
    return table


def moved(
    product: Matmul, batch: int, channels: np.ndarray, positions: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Count the weights and pixels that all tiles of a layer move, for several shapes of tile."""
    dots = product.dot_products * batch
    times = dots / (channels * positions)
    return times * channels * product.k, times * pixels(product, positions)


def pixels(product: Matmul, positions: np.ndarray) -> np.ndarray:
    """Distinct input values of one group that a run of positions in raster order reads."""
    layer, width = product.layer, product.output_shape[2]
    image = product.output_shape[1] * width
    images, within = np.maximum(positions / image, 1.0), np.minimum(positions, image)
    spans = []
    for axis, count in enumerate((np.ceil(within / width), np.minimum(within, width))):
        reach = layer.dilation[axis] * (layer.kernel[axis] - 1) + 1
        span = (count - 1) * layer.stride[axis] + reach
        spans.append(np.minimum(span, product.input_shape[1 + axis]))
    copies = within * prod(layer.kernel)
    channels = product.input_shape[0] // layer.groups
    return images * channels * np.minimum(spans[0] * spans[1], copies)


def candidates(product: Matmul, batch: int, share: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the tiles among which the least is, whatever the bits.

    For a number of positions it has as many channels as fit. For a number of channels it has as
    many positions as fit, or whole rows of the image: between two of these only pixels that are
    moved anyway are left unused.
    """
    most, width = min(share, product.shared_positions(batch)), product.output_shape[2]
    high = min(product.output_shape[1], -(-most // width))  # more rows are as many as fit
    few = min(product.m, isqrt(share))
    if max(high, few) > MOST_SHAPES or share >= 2**62:
        raise BfimnaError(
            f"layer {product.layer.name!r}: tiles of {share} products and {high} rows in a cluster "
            f"have more than {MOST_SHAPES} shapes to choose from"
        )
    # share // c for every c up to the channels; above the root of the share, that is every number
    by_channels = share // np.arange(1, few + 1)
    more = np.arange(
        share // min(product.m, share), share // (few + 1) + 1 if product.m > few else 0
    )
    rows = np.arange(1, high + 1) * width
    positions = np.unique(np.minimum(np.concatenate([by_channels, more, rows]), most))
    return np.minimum(share // positions, product.m), positions


def _hull(weights: np.ndarray, pixels: np.ndarray) -> list[tuple[float, float]]:
    """Keep the points that are least for some ratio of the bits: the lower left convex hull."""
    hull: list[tuple[float, float]] = []
    for x, y in sorted(zip(weights.tolist(), pixels.tolist(), strict=True)):
        if hull and y >= hull[-1][1]:
            continue
        while len(hull) > 1 and _above(hull[-2], hull[-1], (x, y)):
            hull.pop()
        hull.append((x, y))
    return hull


def _above(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    """Whether b lies on or above the line from a to c."""
    return (b[1] - a[1]) * (c[0] - a[0]) >= (c[1] - a[1]) * (b[0] - a[0])
