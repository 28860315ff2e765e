"""The oracle: a whole integer network in plain NumPy int64, written apart from the emulator."""

import numpy as np

from bfimna.emulator.integer import words
from bfimna.network.graph import GEMM


def windows(x, layer, fill):
    """(images, channels, y', x', kernel y, kernel x) of an image tensor."""
    top, left, bottom, right = layer.padding
    (ky, kx), (sy, sx) = layer.kernel, layer.stride
    if layer.ceil:
        bottom, right = bottom + sy - 1, right + sx - 1
    x = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=fill)
    dy, dx = layer.dilation
    view = np.lib.stride_tricks.sliding_window_view(
        x, (dy * (ky - 1) + 1, dx * (kx - 1) + 1), axis=(2, 3)
    )
    return view[:, :, ::sy, ::sx, ::dy, ::dx]


def convolve(x, weights, layer, shape):
    view = windows(x, layer, 0)[:, :, : shape[1], : shape[2]]
    split_x, split_w = np.split(view, layer.groups, 1), np.split(weights, layer.groups, 0)
    parts = []
    for xs, ws in zip(split_x, split_w, strict=True):
        flat = xs.transpose(0, 2, 3, 1, 4, 5).reshape(-1, ws[0].size)
        sums = flat.astype(np.int64) @ ws.reshape(len(ws), -1).astype(np.int64).T
        parts.append(sums.reshape(len(x), shape[1], shape[2], -1).transpose(0, 3, 1, 2))
    return np.concatenate(parts, 1)


def top_bits(x, have, want):
    return x >> (have - want)


def infer(network, parameters, images, precision):
    """Every tensor of the network, (images, channels, y, x), by name."""
    stored = words(network, precision)
    tensors = {network.layers[0].name: np.asarray(images, dtype=np.int64)}
    for layer in network.layers[1:]:
        x = tensors[layer.inputs[0]]
        word, shape = stored[layer.name], network.shapes[layer.name]
        if layer.kind in GEMM:
            own = parameters[layer.name]
            x = top_bits(x, stored[layer.inputs[0]].width, precision[layer.name][1])
            y = convolve(x, own.weights.reshape(len(own.weights), -1, *layer.kernel), layer, shape)
            y = y + own.bias[:, None, None]
            if network.readers[layer.name]:
                y = np.floor_divide(y * own.multiplier[:, None, None], 2**own.shift)
                y = y.clip(-(2**word.bits), 2**word.bits - 1)
            tensors[layer.name] = y
            continue
        inputs = [top_bits(tensors[n], stored[n].bits, word.bits) for n in layer.inputs]
        x, low = inputs[0], -(2**word.bits) if stored[layer.inputs[0]].signed else 0
        if layer.kind == "relu":
            y = np.where(x < 0, 0, x)
        elif layer.kind == "concat":
            y = np.concatenate(inputs, axis=1)
        elif layer.kind == "flatten":
            y = x.reshape(len(x), -1, 1, 1)
        elif layer.kind == "add":
            y = (inputs[0] + inputs[1]).clip(word.low, word.high)
        elif layer.kind == "maxpool":
            view = windows(x, layer, low)
            y = view[:, :, : shape[1], : shape[2]].max((4, 5))
        else:
            n, offset = layer.kernel[0] * layer.kernel[1], -low
            sums = windows(x + offset, layer, offset).sum((4, 5))
            power = int(np.ceil(np.log2(n)))
            if n == 2**power:
                y = sums // n - offset
            else:
                c = word.bits + (low < 0) + power
                y = sums * -(-(2**c) // n) // 2**c - offset
        tensors[layer.name] = y
    return tensors
