"""Small networks that exercise every kind of layer."""

from dataclasses import replace

from bfimna.network import zoo
from bfimna.network.graph import Builder, Layer, Network


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
