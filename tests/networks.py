"""Small networks that exercise every kind of layer."""

from dataclasses import replace

import numpy as np

from bfimna.mapping.chip import Chip
from bfimna.mapping.plan import plan
from bfimna.network import zoo
from bfimna.network.bits import Bits
from bfimna.network.graph import Builder, Layer, Network

#: a chip on which layers take several folds and long sums are split
SMALL = Chip(name="small", clusters=2, caps_per_cluster=3, rows=40)


def everything():
    """Groups, dilation, ceil, signed operands of every kind, a ReLU on its own."""
    b = Builder("everything", (3, 9, 9))
    x = b.conv("first", b.input, 6, 3, padding=1)  # no ReLU: a signed tensor with many readers
    signed_max = b.pool("signed_max", x, 3, 2, 1)
    b.append(Layer("ceil", "maxpool", (x,), 0, (2, 2), (2, 2), ceil=True))
    alone = b.relu(x, "alone")
    b.append(Layer("grouped", "conv", (alone,), 6, (3, 3), (2, 2), (2,) * 4, (2, 2), groups=3))
    b.append(Layer("depthwise", "conv", (x,), 6, (1, 1), (2, 2), groups=6))
    total = b.add("one", b.add("signed", signed_max, "ceil"), "depthwise")
    total = b.relu(b.add("two", total, "grouped"))
    unsigned = b.add("unsigned", b.relu(b.conv("wide", total, 6, 1)), total)
    signed_mean = b.pool(
        "signed_mean", b.conv("again", unsigned, 4, 3, padding=1), 3, 1, 1, "avgpool"
    )
    mean = b.pool("mean", b.relu(signed_mean), 2, 2, kind="avgpool")
    b.append(Layer("joined", "concat", (mean, b.pool("most", signed_mean, 2, 2))))
    b.linear("last", b.flatten("joined"), 5)
    return b.network()


def chained(*kinds, size=4, image=(3, 4, 4), name="chained"):
    """A convolution, then layers of these kinds one after the other."""
    b = Builder(name, image)
    x = b.conv("conv", b.input, size, 1)
    for k, kind in enumerate(kinds):
        kernel = (3, 1) if kind == "lrn" else (2, 2) if kind.endswith("pool") else (1, 1)
        channels, view = (size * 16, (1, 1)) if kind == "view" else (0, (1, 1))
        x = b.append(Layer(f"{k}.{kind}", kind, (x,), channels, kernel, size=view))
    return b


def zoo_of_kinds():
    """Every kind without weights: signed and unsigned, read and unread, in a row or not."""
    b = Builder("kinds", (3, 6, 6))
    b.append(Layer("second", "input", channels=6, size=(6, 6)))
    x = b.conv("first", b.input, 6, 3, padding=1)  # many readers: its word is loaded
    taken = []
    for kind in (*ONE_WORD, "lrn"):
        kernel = (3, 1) if kind == "lrn" else (1, 1)
        for source, sort in ((x, "signed"), ("second", "unsigned")):
            loaded = b.append(Layer(f"{kind}.{sort}", kind, (source,), kernel=kernel))
            taken.append(b.append(Layer(f"{loaded}.pool", "maxpool", (loaded,), kernel=(2, 2))))
    joined = b.append(Layer("joined", "concat", tuple(taken)))
    y = b.conv("mixed", joined, 4, 1)
    for kind in (*ONE_WORD, "relu", "relu"):  # all in the row where the convolution left it
        y = b.append(Layer(f"row.{kind}.{len(b.layers)}", kind, (y,)))
    gate = b.append(Layer("gate", "avgpool", (y,), kernel=(5, 5)))
    y = b.append(Layer("gated", "mul", (gate, y)))  # one factor per channel
    y = b.append(Layer("gated.relu", "relu", (y,)))
    grouped = b.append(Layer("grouped", "conv", (y,), 8, (3, 3), padding=(1,) * 4, groups=2))
    deep = b.append(Layer("deep", "conv", (grouped,), 8, (3, 3), padding=(1,) * 4, groups=8))
    y = b.append(Layer("product", "mul", (grouped, deep)))
    y = b.append(Layer("upsampled", "view", (y,), 8, size=(10, 10)))
    y = b.pool("strided", y, 1, 2)
    b.add("sum", y, b.relu(b.conv("third", y, 8, 1)))  # the network ends in an add
    return b.network()


#: kinds that take one word and return one
ONE_WORD = (
    "relu", "scale", "bias", "clip", "lookup", "leakyrelu", "hardsigmoid", "hardswish"
)  # fmt: skip


def diamond():
    """Return branches that join in additions and concatenations, and a tensor that none reads."""
    layers = [Layer("x", "input", channels=4, size=(8, 8))]
    for name, kind, *inputs in (
        ("a", "conv", "x"), ("r", "relu", "a"), ("b", "conv", "r"), ("c", "conv", "r"),
        ("j", "concat", "b", "c", "r"), ("d", "conv", "j"), ("s", "add", "d", "b"),
        ("e", "conv", "s"), ("f", "conv", "x"), ("m", "mul", "e", "f"), ("end", "relu", "m"),
    ):  # fmt: skip
        layers.append(Layer(name, kind, tuple(inputs), 4 * (kind == "conv")))
    return Network("diamond", tuple(layers))


def shrunk(name, size):
    """Return a network of the zoo on smaller images; pooling over what is left."""
    network, layers = zoo.load(name), []
    last = None
    for layer in network.layers:
        if layer.kind == "input":
            layer = replace(layer, size=(size, size))
        if layer.kind == "avgpool":
            layer = replace(layer, kernel=last)
        layers.append(layer)
        last = Network(name, tuple(layers)).shapes[layer.name][1:]
    return Network(f"{name}-{size}", tuple(layers))


def placed(network, bits=8, **chip):
    """Return the schedule of a network of one width, on a chip that differs from LR in this."""
    bits = np.full(len(network.matmuls), bits)
    return plan(network, replace(Chip.limited(), **chip)).at(Bits(bits, bits))
