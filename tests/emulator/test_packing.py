"""Packing: the planes of products' rows are those of the rows spelt out."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bfimna.emulator import packing, windows


def bits_of(planes, groups):
    """Integers (rows, groups) of planes (bits, rows, words)."""
    octets = np.ascontiguousarray(planes).view(np.uint8)
    ones = np.unpackbits(octets, axis=-1, bitorder="little")[..., :groups].astype(np.int64)
    return (ones << np.arange(len(planes))[:, None, None]).sum(axis=0)


@settings(deadline=None)
@given(st.integers(1, 150), st.integers(0, 400), st.integers(1, 300), st.integers(1, 9))
def test_runs_spread_and_gather(positions, first, groups, bits):
    first -= first % 64
    channels = (first + groups) // positions + 1
    where = windows.runs(first, first + groups, positions)
    random = np.random.default_rng(groups)
    weights = random.integers(0, 2**bits, (channels, 2))
    planes = np.empty((bits, 2, -(-groups // 64)), np.uint64)
    packing.spread(weights, 0, 2, where, planes)
    group = np.arange(first, first + groups)
    np.testing.assert_array_equal(bits_of(planes, groups), weights[group // positions].T)

    pixels = random.integers(0, 2**bits, 4 * positions).astype(np.uint16)
    rows, places = np.arange(4) * positions, np.arange(positions)
    source = np.empty((bits, 4, -(-positions // 64)), np.uint64)
    packing.pack_windows(pixels, rows, places, 0, 4, source)
    np.testing.assert_array_equal(bits_of(source, positions), pixels.reshape(4, -1))
    share = -(-channels // 2)  # two groups of channels, of two rows each
    packing.gather(source, 2, share, 0, 2, where, planes)
    row = np.arange(2)[:, None] + 2 * (group // positions // share)
    np.testing.assert_array_equal(
        bits_of(planes, groups), pixels.reshape(4, -1)[row, group % positions]
    )
