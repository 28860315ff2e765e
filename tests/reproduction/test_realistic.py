"""Synthetic weights and images have the statistics that their documentation states."""

from itertools import pairwise

import numpy as np
import pytest
from reproduction.studies import oracle, realistic

from bfimna import BfimnaError, Precision
from bfimna.emulator import digits

from ..networks import everything, shrunk, zoo_of_kinds

TINY = shrunk("resnet18", 32)


def spectrum_slope(x):
    """Slope of the amplitude against the frequency, both logarithmic, ring by ring."""
    amplitude = np.abs(np.fft.rfft2(x - x.mean()))
    frequency = np.hypot(np.fft.fftfreq(len(x))[:, None], np.fft.rfftfreq(x.shape[1])[None])
    rings = np.geomspace(2 / len(x), 0.4, 9)
    means = [
        np.sqrt(np.mean(amplitude[(low <= frequency) & (frequency < high)] ** 2))
        for low, high in pairwise(rings)
    ]
    return np.polyfit(np.log(np.sqrt(rings[:-1] * rings[1:])), np.log(means), 1)[0]


def test_pictures_have_the_spectrum_of_natural_ones():
    drawn = realistic.picture((3, 224, 224))
    assert [spectrum_slope(x) for x in drawn] == pytest.approx([-1] * 3, abs=0.2)
    assert spectrum_slope(np.random.default_rng(0).random((224, 224))) == pytest.approx(0, abs=0.1)
    assert np.corrcoef(drawn.reshape(3, -1)).min() > 0.7  # colours go together
    assert drawn.std() == pytest.approx(realistic.CONTRAST, rel=0.1)


def test_fewer_bits_see_the_same_picture():
    eight, three = (realistic.images(TINY, Precision.fixed(TINY, bits), 2, 5) for bits in (8, 3))
    np.testing.assert_array_equal(eight >> 5, three)
    assert not np.array_equal(eight[0], eight[1])


def test_weights_are_laplace_and_normalised_on_the_picture():
    real, rms = realistic.folded(TINY)
    weights, bias = real("conv1")
    np.testing.assert_array_equal(weights, real("conv1")[0])  # drawn again, not kept
    raw = realistic._laplace(TINY, "layer3.0.conv1", 0)
    assert np.mean(raw**4) / np.mean(raw**2) ** 2 == pytest.approx(6, rel=0.05)  # 3 for a Gaussian
    conv = next(layer for layer in TINY.layers if layer.name == "conv1")
    x = realistic.picture(TINY.shapes["input"])[None]
    y = oracle.sums(x, weights, conv, TINY.shapes["conv1"]) + bias[:, None, None]
    gain, offset = y.std((0, 2, 3)), y.mean((0, 2, 3))
    assert np.log(gain).std() == pytest.approx(realistic.GAIN_SPREAD, rel=0.25)
    assert np.mean(offset / gain) == pytest.approx(realistic.OFFSET_MEAN, abs=0.2)
    assert rms["conv1"] == pytest.approx(np.sqrt(np.mean(y**2)), rel=1e-3)


@pytest.mark.parametrize("bits", [2, 8])
def test_the_quantised_network_lives_to_its_end(bits):
    precision = Precision.fixed(TINY, bits)
    own, x = realistic.parameters(TINY, precision), realistic.images(TINY, precision)
    tensors = oracle.infer(TINY, own, x, precision)
    for layer in TINY.layers:
        assert np.unique(tensors[layer.name]).size > 1, layer.name
        if layer.kind == "relu":
            assert 0.3 < np.mean(tensors[layer.name] == 0) < 0.95, layer.name


def test_bits_bring_the_integers_nearer_to_the_real_numbers():
    """Correlation of the last block and the logits with the network before quantisation."""
    real, _ = realistic.folded(TINY)
    tensors = {"input": realistic.picture(TINY.shapes["input"])[None]}
    for layer in TINY.layers[1:]:
        inputs, shape = [tensors[name] for name in layer.inputs], TINY.shapes[layer.name]
        if layer.kind in ("conv", "linear"):
            weights, bias = real(layer.name)
            tensors[layer.name] = (
                oracle.sums(inputs[0], weights, layer, shape) + bias[:, None, None]
            )
        else:
            tensors[layer.name] = realistic._unweighted(TINY, layer, inputs)
    for name, least in (("layer2.1.relu", (0, 0.4, 0.95)), ("fc", (0.3, 0.6, 0.85))):
        near = []
        for bits in (2, 4, 8):
            precision = Precision.fixed(TINY, bits)
            own, x = realistic.parameters(TINY, precision), realistic.images(TINY, precision)
            integers = oracle.infer(TINY, own, x, precision)[name]
            near.append(np.corrcoef(integers.ravel(), tensors[name].ravel())[0, 1])
        assert near == sorted(near)
        assert all(np.array(near) > least), (name, near)


def test_what_cannot_be_drawn_is_an_error():
    with pytest.raises(BfimnaError, match="2 inputs"):
        realistic.folded(zoo_of_kinds())
    assert realistic.folded(everything())[1]["last"] > 0  # groups, dilation, ceil, concat
    assert realistic.folded(digits.network(), 1)[1] != realistic.folded(digits.network())[1]
