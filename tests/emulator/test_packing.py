"""Packing: bit planes equal those of the rows written out by im2col."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bfimna.emulator import packing
from bfimna.emulator.runs import Runs


def bits_of(planes):
    """Return the integers (rows, 64 · words) of planes (bits, rows, words)."""
    octets = np.ascontiguousarray(planes).view(np.uint8)
    ones = np.unpackbits(octets, axis=-1, bitorder="little").astype(np.int64)
    return (ones << np.arange(len(planes))[:, None, None]).sum(axis=0)


def packed(values, bits):
    """Return the planes (bits, rows, words) of integers (rows, n), by NumPy."""
    padded = np.pad(values, ((0, 0), (0, -values.shape[1] % 64)))
    ones = (padded[None] >> np.arange(bits)[:, None, None] & 1).astype(np.uint8)
    return np.packbits(ones, axis=-1, bitorder="little").view(np.uint64)


@settings(deadline=None)
@given(st.data())
def test_every_chunk_has_the_rows_of_its_products(data):
    outer, n = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 700))
    share, bits = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 16))
    rows, groups = 3, -(-outer // share)  # channels of a grouped convolution share rows
    runs = Runs(False, outer, n, outer)
    random = np.random.default_rng(n)
    values = random.integers(-(2 ** (bits - 1)), 2 ** (bits - 1), (rows, outer), dtype=np.int32)
    pixels = random.integers(0, 2**bits, (rows * groups, n))
    source = packed(pixels, bits)
    times = np.zeros((outer, runs.words), int)
    for chunk in runs.chunks(data.draw(st.integers(1, 30))):
        count, run = chunk.stop - chunk.first, chunk.last - chunk.word
        times[chunk.first : chunk.stop, chunk.word : chunk.last] += 1
        planes = np.empty((bits, 2, count * run), np.uint64)
        packing.broadcast(values, 1, chunk.first, run, planes)
        expected = (values[1:, chunk.first : chunk.stop] % 2**bits).repeat(64 * run, axis=1)
        np.testing.assert_array_equal(bits_of(planes), expected)
        packing.repeat(source, 1, rows, chunk.first, share, chunk.word, run, planes)
        first = rows * (np.arange(chunk.first, chunk.stop) // share)
        integers = bits_of(planes).reshape(2, count, -1)
        stop = min(64 * chunk.last, n)
        for r in range(2):
            expected = pixels[1 + r + first, 64 * chunk.word : stop]
            np.testing.assert_array_equal(integers[r][:, : expected.shape[1]], expected)
            assert not integers[r][:, expected.shape[1] :].any()
        assert runs.groups(chunk) == count * (stop - 64 * chunk.word)
    assert (times == 1).all()


@settings(deadline=None)
@given(st.integers(1, 200), st.integers(1, 16))
def test_windows_are_packed(positions, bits):
    pixels = np.random.default_rng(bits).integers(0, 2**bits, 4 * positions).astype(np.uint16)
    rows, offsets = np.arange(4) * positions, np.arange(positions)
    planes = np.zeros((bits, 4, -(-positions // 64)), np.uint64)
    packing.pack_windows(pixels, rows, offsets, 1, 4, planes)
    np.testing.assert_array_equal(planes[:, 1:], packed(pixels.reshape(4, -1), bits)[:, 1:])
    assert not planes[:, 0].any()


@pytest.mark.parametrize(("channels", "positions"), [(64, 49), (1, 1), (1000, 1), (64, 12544)])
def test_runs_waste_as_little_as_either_side_can(channels, positions):
    runs = Runs.packing(channels, positions, grouped=False)
    words = runs.outer * runs.words
    least = min(channels * -(-positions // 64), positions * -(-channels // 64))
    assert words <= 1.05 * least
