"""The emulator's oracle: a whole integer network in plain NumPy, written independently of it.

Only the widths of words and sums are shared. All in int64, except sums of products, which use the
matrix product of float64, exact within its limits (`convolve`).
"""

from math import isqrt

import numpy as np

from bfimna.emulator.integer import integer_format
from bfimna.operators import ADDRESSING, POOLING, PRODUCTS


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


def sums(x, weights, layer, shape):
    """Sum products over windows, group by group, by the processor's matrix product."""
    view = windows(x.astype(float), layer, 0)[:, :, : shape[1], : shape[2]]
    weights = weights.reshape(len(weights), -1, *layer.kernel)
    split_x, split_w = np.split(view, layer.groups, 1), np.split(weights, layer.groups, 0)
    parts = []
    for xs, ws in zip(split_x, split_w, strict=True):
        flat = xs.transpose(0, 2, 3, 1, 4, 5).reshape(-1, ws[0].size)
        product = flat @ ws.reshape(len(ws), -1).astype(float).T
        parts.append(product.reshape(len(x), shape[1], shape[2], -1).transpose(0, 3, 1, 2))
    return np.concatenate(parts, 1)


def convolve(x, weights, layer, shape):
    """Sum products of integers: exact in float64, as all partial sums stay below 2^53."""
    largest = np.abs(weights.reshape(len(weights), -1)).sum(1, dtype=np.int64).max()
    assert int(largest) * int(np.abs(x).max()) < 2**53, layer.name
    return sums(x, weights, layer, shape).astype(np.int64)


def top_bits(x, width, bits):
    """Return the top `bits` bits of words of `width` bits."""
    return x >> (width - bits)


def scaled(x, b, c, bits, dropped=0):
    """⌊⌊x / 2^d⌋ · b / 2^(c - d)⌋ within a signed word of `bits` bits and a sign."""
    y = np.floor_divide(np.floor_divide(x, 2**dropped) * b, 2 ** (c - dropped))
    return y.clip(-(2**bits), 2**bits - 1)


def per_channel(values):
    """Lay values along the channels of an image tensor."""
    return np.asarray(values)[:, None, None]


def hard_sigmoid(x, own, bits):
    """Scale, shift, and clamp to 0 and above."""
    y = scaled(x, per_channel(own.multiplier), own.shift, bits) + per_channel(own.offset)
    return y.clip(0, 2**bits - 1)


def normalised(x, own, bits, n, columns):
    """Local response normalisation over n channels, its power looked up."""
    squares = np.pad(x**2, ((0, 0), (n // 2, n - 1 - n // 2), (0, 0), (0, 0)))
    total = sum(squares[:, k : k + x.shape[1]] for k in range(n))
    m = bits + 1  # the lowest columns of a sum are left out where an array has no room
    dropped = max(2 * m + int(np.ceil(np.log2(n))) - (columns - 3 * m - 2), 0)
    power = own.table[scaled(total, own.multiplier, own.shift, bits, dropped) + 2**bits]
    return scaled(x * power, own.product_multiplier, own.product_shift, bits)


def softmax(x, bits, signed, columns):
    """Softmax over the channels: shift exponential, sum, rounded-down quotient."""
    length, m, f = x.shape[1], bits + signed, max(bits - 3, 0)
    growth = int(np.ceil(np.log2(length)))
    n = min(columns - 2 * m - 2, (columns - 1) // 2) - f - 1 - growth
    n = max(1, min(n, bits))
    z = x.max(1, keepdims=True) - x
    u = z + (z + 1) // 2 - (z + 15) // 16  # z log2 e
    e = ((2 << f) - (u & (1 << f) - 1)) * 2**n >> np.minimum((u >> f) + 1, 62)
    total = e.sum(1, keepdims=True)
    wide = n + f + 1 + growth
    dropped = max(0, -(-(bits + 2 * wide + 2 - columns) // 2))
    return np.minimum((e >> dropped) * 2**bits // (total >> dropped), 2**bits - 1)


def norm(layer, x, bits, signed, columns):
    """Layer norm and RMS norm over the channels: mean, root of the mean square, quotient."""
    n, centred = x.shape[1], layer.kind == "layernorm"
    m, growth = bits + (signed if centred else 1), int(np.ceil(np.log2(x.shape[1])))
    if centred:
        x = x - (x.sum(1, keepdims=True) + n // 2) // n  # the nearest whole mean
    dropped = max(0, -(-(2 * (2 * m + growth) + 1 - columns) // 4))
    squares = ((np.abs(x) >> dropped) ** 2).sum(1, keepdims=True) * 4 ** (3 + dropped) // n
    root = np.vectorize(isqrt, otypes=[np.int64])(squares)
    y = np.abs(x) * 2**bits // np.maximum(root, 1)
    return np.sign(x) * np.minimum(y, 2**bits - 1)


def unary(layer, x, own, bits, columns):
    """Layers of one word in, one word out."""
    low, high = -(2**bits), 2**bits - 1
    if layer.kind == "relu":
        return np.where(x < 0, 0, x)
    if layer.kind == "clip":  # to half the range
        return x.clip(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    if layer.kind == "lookup":
        return own.table[x - low]
    if layer.kind == "bias":
        return (x + per_channel(own.offset)).clip(low, high)
    if layer.kind == "scale":
        return scaled(x, per_channel(own.multiplier), own.shift, bits)
    if layer.kind == "leakyrelu":
        return np.maximum(x, scaled(x, per_channel(own.multiplier), own.shift, bits))
    if layer.kind == "hardsigmoid":
        return hard_sigmoid(x, own, bits)
    if layer.kind == "lrn":
        return normalised(x, own, bits, layer.kernel[0], columns)
    assert layer.kind == "hardswish"
    product = x * hard_sigmoid(x, own, bits)
    return scaled(product, own.product_multiplier, own.product_shift, bits)


def pooled(layer, x, low, shape, bits):
    """Return the maximum or the rounded-down mean of each window."""
    if layer.kind == "maxpool":
        return windows(x, layer, low)[:, :, : shape[1], : shape[2]].max((4, 5))
    n, offset = layer.kernel[0] * layer.kernel[1], -low
    sums = windows(x + offset, layer, offset).sum((4, 5))
    power = int(np.ceil(np.log2(n)))
    if n == 2**power:
        return sums // n - offset
    c = bits + (low < 0) + power
    return sums * -(-(2**c) // n) // 2**c - offset


def addressed(layer, inputs, own, shape):
    """Return a concatenation, a flatten or a view of the inputs."""
    if layer.kind == "concat":
        return np.concatenate(inputs, axis=1)
    flat = inputs[0].reshape(len(inputs[0]), -1)
    if own is not None:
        flat = np.where(own.index < 0, 0, flat[:, own.index])
    return flat.reshape(len(flat), *shape)


def weighted(layer, x, own, word, shape, width, columns):
    """Return a weighted layer: sums, bias, scale, clamp."""
    y = convolve(x, own.weights, layer, shape)
    y = y + per_channel(own.bias)
    if not own.multiplier.size:
        return y
    dropped = max(width - (columns - 2 * (word.bits + 1) - 3), 0)
    return scaled(y, per_channel(own.multiplier), own.shift, word.bits, dropped)


def top_signed(x, word, bits):
    """Return the top `bits` bits of words that have a sign column, of zeros if need be."""
    return x >> (word.bits + 1 - bits)


def multiplied(left, right, own, word, width, columns):
    """Return a product of two activations, (k, g, m) and (k, G, n): sums, bias, scale, clamp."""
    left = np.repeat(left, right.shape[2] // left.shape[2], axis=2)  # grouped queries
    y = np.einsum("bkgm,bkgn->bmgn", left, right) + per_channel(own.bias)
    if not own.multiplier.size:
        return y
    dropped = max(width - (columns - 2 * (word.bits + 1) - 3), 0)
    return scaled(y, per_channel(own.multiplier), own.shift, word.bits, dropped)


def infer(network, parameters, images, precision, columns=72):
    """Every tensor of the network, (images, channels, y, x), by name."""
    form = integer_format(network, precision)
    stored = form.words
    widths = {product.matmul.layer.name: product.width for product in form.products}
    by_name = images if isinstance(images, dict) else {network.layers[0].name: images}
    tensors = {name: np.asarray(x, dtype=np.int64) for name, x in by_name.items()}
    for layer in network.layers:
        name, own = layer.name, parameters.get(layer.name)
        word, shape = stored[name], network.shapes[name]
        if layer.kind == "input":
            continue
        if layer.kind == "matmul":
            (left, right), bits = layer.inputs, precision[name]
            a = top_signed(tensors[left], stored[left], bits[0])
            b = top_bits(tensors[right], stored[right].width, bits[1])
            tensors[name] = multiplied(a, b, own, word, widths[name], columns)
            continue
        if layer.kind in PRODUCTS:
            source = layer.inputs[0]
            x = top_bits(tensors[source], stored[source].width, precision[name][1])
            tensors[name] = weighted(layer, x, own, word, shape, widths[name], columns)
            continue
        inputs = [top_bits(tensors[n], stored[n].bits, word.bits) for n in layer.inputs]
        low = -(2**word.bits) if stored[layer.inputs[0]].signed else 0
        if layer.kind == "softmax":
            y = softmax(inputs[0], word.bits, stored[layer.inputs[0]].signed, columns)
        elif layer.kind in ("layernorm", "rmsnorm"):
            y = norm(layer, inputs[0], word.bits, stored[layer.inputs[0]].signed, columns)
        elif layer.kind in ADDRESSING:
            y = addressed(layer, inputs, own, shape)
        elif layer.kind == "add":
            y = (inputs[0] + inputs[1]).clip(-(2**word.bits), 2**word.bits - 1)
        elif layer.kind == "mul":
            product = inputs[0] * inputs[1]
            y = scaled(product, own.product_multiplier, own.product_shift, word.bits)
        elif layer.kind in POOLING:
            y = pooled(layer, inputs[0], low, shape, word.bits)
        else:
            y = unary(layer, inputs[0], own, word.bits, columns)
        tensors[name] = y
    return tensors
