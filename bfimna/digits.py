"""A small CNN really trained on scikit-learn's digits: network, integer weights, test images."""

from functools import lru_cache

import numpy as np

from bfimna.network import Builder, Network

IMAGE_BITS = 8  # pixels as they are stored; a first layer of fewer bits reads the top columns


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
    """Turn scikit-learn's digits (0 to 16) into the stored 8 bits, (images, 1, 8, 8)."""
    scaled = np.minimum(16 * np.asarray(images, dtype=np.int64), 2**IMAGE_BITS - 1)
    return scaled[:, None].astype(np.uint8)
