"""Transposed convolutions: ONNX Runtime says what they compute, a count of taps how much."""

from types import SimpleNamespace

import numpy as np
import onnxruntime
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import bfimna as bf
from bfimna.onnx.transposed_conv import phase
from bfimna.onnx.windows import Window

from .onnx_models import build, constant, node, save, weights


def runtime(nodes, given, x):
    model = build(nodes, given, x.shape)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    return session.run(None, {"x": x})[0]


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_phases_compute_what_onnx_runtime_does(data):
    """Each phase's padding and taps, run as the plain convolution that the network has."""
    draw = lambda low, high: data.draw(st.integers(low, high))  # noqa: E731
    size, kernel, stride = draw(1, 6), draw(1, 5), draw(1, 4)
    dilation = draw(1, 2) if stride == 1 else 1
    more = draw(0, stride - 1)
    full = (size - 1) * stride + dilation * (kernel - 1) + 1 + more
    before, after = draw(0, 2), draw(0, 2)
    length = full - before - after
    assume(length > 0)
    random = np.random.default_rng(draw(0, 99))
    w, x = random.integers(-4, 5, kernel), random.integers(-4, 5, size)
    attributes = {"strides": [stride], "dilations": [dilation], "pads": [before, after],
                  "output_padding": [more]}  # fmt: skip
    given = [constant("w", w.reshape(1, 1, -1))]
    nodes = [node("ConvTranspose", "x", "w", out="y", **attributes)]
    expected = runtime(nodes, given, x.reshape(1, 1, -1).astype(np.float32)).reshape(-1)
    window = Window((kernel,), (stride,), (dilation,), (before, after))
    result = np.zeros(length)
    for first in range(stride):
        p = phase(window, 0, size, length, first)
        taps = w[(first + before) % stride :: stride][::-1]  # a convolution runs backwards
        assert (p.taps, p.results) == (len(taps), len(result[first::stride]))
        padded = np.pad(x, (max(p.before, 0), max(p.after, 0)))
        padded = padded[max(-p.before, 0) : len(padded) - max(-p.after, 0)]
        for y in range(p.results):
            reach = padded[y : y + dilation * (p.taps - 1) + 1 : dilation]
            result[first + stride * y] = (reach * taps).sum()
    np.testing.assert_array_equal(result, expected)


def taps_counted(window, size):
    """Products along one axis, result by result: taps that meet an input or the padding."""
    return sum(
        (y + window.crop - k) % window.stride == 0
        for y in range(size)
        for k in range(window.kernel)
    )


@pytest.mark.parametrize(
    ("kernel", "stride", "crop", "more", "convolutions"),
    [(2, 2, 0, 0, 1), (4, 2, 1, 0, 4), (3, 2, 1, 1, 4), (3, 1, 1, 0, 1), (5, 3, 2, 1, 9),
     (2, 3, 0, 1, 1)],
)  # fmt: skip
@pytest.mark.parametrize("groups", [1, 2])
def test_weights_and_products(kernel, stride, crop, more, convolutions, groups, tmp_path):
    given = [weights("w", 4, 6 // groups, kernel, kernel)]
    attributes = {"strides": [stride] * 2, "pads": [crop] * 4, "output_padding": [more] * 2,
                  "group": groups}  # fmt: skip
    nodes = [node("ConvTranspose", "x", "w", out="y", **attributes)]
    network = bf.read_onnx(save(tmp_path / "m.onnx", nodes, given, (1, 4, 5, 5)))
    y = runtime(nodes, given, np.zeros((1, 4, 5, 5), np.float32))
    assert network.shapes[network.layers[-1].name] == y.shape[1:]
    window = SimpleNamespace(kernel=kernel, stride=stride, crop=crop)
    per_axis = taps_counted(window, y.shape[2])
    assert network.weights == 4 * 6 // groups * kernel**2
    assert network.macs == 4 * 6 // groups * per_axis**2
    assert len(network.matmuls) == convolutions


def test_bits_of_every_part(tmp_path):
    """A transposed convolution of four parts takes its quantisers' bits in each."""
    domain = "qonnx.custom_op.general"
    nodes = [
        node("Quant", "x", "s", "z", "b6", out="xq", domain=domain),
        node("Quant", "w", "s", "z", "b3", out="wq", domain=domain),
        node("ConvTranspose", "xq", "wq", out="y", strides=[2, 2], pads=[1] * 4),
    ]
    given = [weights("w", 3, 4, 4, 4), *(constant(n, v) for n, v in
             (("s", 1.0), ("z", 0.0), ("b6", 6.0), ("b3", 3.0)))]  # fmt: skip
    path = save(tmp_path / "m.onnx", nodes, given)
    bits = bf.read_onnx_precision(path)
    assert (bits.weight_bits, bits.activation_bits) == ((3,) * 4, (6,) * 4)
