"""The tile that moves least, against a search of all of them."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bfimna import BfimnaError, Chip, Network, simulate
from bfimna.mapping.plan import plan
from bfimna.mapping.tiles import candidates, moved, pixels, tile_bits
from bfimna.network import zoo
from bfimna.network.bits import Bits
from bfimna.network.graph import Builder, Layer


@given(
    shape=st.tuples(st.integers(1, 6), st.integers(3, 9), st.integers(3, 9)),
    kernel=st.integers(1, 3),
    stride=st.integers(1, 3),
    channels=st.integers(1, 9),
    share=st.integers(1, 60),
    bits=st.tuples(st.integers(1, 16), st.integers(1, 16)),
    batch=st.integers(1, 3),
)
# a tall image, of which more rows than it has columns are best
@example(shape=(3, 9, 5), kernel=2, stride=1, channels=7, share=43, bits=(11, 6), batch=1)
def test_no_whole_tile_moves_less(shape, kernel, stride, channels, share, bits, batch):
    b = Builder("n", shape)
    b.conv("c", b.input, channels, kernel, stride)
    (gemm,) = b.network().matmuls
    w, a = bits
    weights, inputs = moved(gemm, batch, *candidates(gemm, batch, share))
    found = (weights * w + inputs * a).min()
    every = [
        (c, p) for c in range(1, gemm.m + 1) for p in range(1, gemm.n * batch + 1) if c * p <= share
    ]
    weights, inputs = moved(gemm, batch, *np.array(every, dtype=float).T)
    assert found == pytest.approx((weights * w + inputs * a).min(), rel=1e-12)


@given(
    channels=st.integers(1, 80), share=st.integers(1, 400),
    size=st.tuples(st.integers(1, 30), st.integers(1, 30)), batch=st.integers(1, 4),
)  # fmt: skip
def test_candidates_are_all_channels_and_all_rows(channels, share, size, batch):
    b = Builder("n", (1, *size))
    b.conv("c", b.input, channels, 1)
    (gemm,) = b.network().matmuls
    each = np.concatenate([
        share // np.arange(1, min(channels, share) + 1),
        np.arange(1, size[0] + 1) * size[1],
    ])  # fmt: skip
    wanted = np.unique(np.minimum(each, min(share, gemm.n * batch)))
    found = candidates(gemm, batch, share)
    np.testing.assert_array_equal(found[1], wanted)
    np.testing.assert_array_equal(found[0], np.minimum(share // wanted, channels))


def test_tiles_that_no_memory_holds_are_refused():
    layers = (Layer("input", "input", channels=1, size=(2**31, 3)),
              Layer("c", "conv", ("input",), 8, (3, 3)))  # fmt: skip
    with pytest.raises(BfimnaError, match=r"layer 'c': tiles of .* shapes to choose from"):
        simulate(Network("tall", layers), 8, {"name": "x", "rows": 2**20}, "sram-14nm-lstp")


def test_pixels_are_those_of_the_windows():
    b = Builder("n", (3, 9, 7))
    layer = Layer("c", "conv", (b.input,), 2, (3, 2), (2, 1), (0, 0, 0, 0), (1, 2))
    b.append(layer)
    (gemm,) = b.network().matmuls
    height, width = gemm.output_shape[1:]
    for rows in range(1, height + 1):
        places = {
            (y * 2 + ky, x + 2 * kx)
            for y in range(rows) for x in range(width) for ky in range(3) for kx in range(2)
        }  # fmt: skip
        assert pixels(gemm, np.array([rows * width])) == 3 * len(places)


@pytest.mark.parametrize("batch", [1, 3])
def test_the_least_of_all_candidates_is_taken_at_any_bits(batch):
    """Beside the tabulated hull: every candidate, layer by layer."""
    network, chip = zoo.resnet18(), Chip.limited()
    w, a = np.random.default_rng(1).integers(1, 17, (2, 30, len(network.matmuls)))
    shares = plan(network, chip, batch=batch).products.shares
    found = tile_bits(network, batch, shares, Bits(w, a))
    for k, gemm in enumerate(network.matmuls):
        dots = gemm.dot_products * batch
        per_cap = max(chip.rows // gemm.k, 1)
        caps = -(-dots // per_cap)  # no sum of this network is split
        share = -(-dots // (-(-caps // 4096) * 64))
        weights, inputs = moved(gemm, batch, *candidates(gemm, batch, share))
        every = weights * w[:, k, None] + inputs * a[:, k, None]
        np.testing.assert_allclose(
            found[:, k], every.min(axis=1), rtol=1e-12, err_msg=gemm.layer.name
        )


def test_every_pair_of_bits_at_once():
    network, chip = zoo.resnet18(), Chip.limited()
    random = np.random.default_rng(0)
    w, a = random.integers(1, 17, (2, 5, len(network.matmuls)))
    shares = plan(network, chip).products.shares
    many = tile_bits(network, 1, shares, Bits(w, a))
    for k in range(5):
        np.testing.assert_array_equal(many[k], tile_bits(network, 1, shares, Bits(w[k], a[k])))
