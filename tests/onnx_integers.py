"""A second oracle: the network as an ONNX graph of integer operators, run by ONNX Runtime."""

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from bfimna.emulator.integer import integer_format
from bfimna.network.graph import GEMM
from bfimna.operators.avgpool import average_scale


class Graph:
    def __init__(self):
        self.nodes, self.constants, self.count = [], [], 0

    def constant(self, values, dtype):
        self.count += 1
        name = f"constant{self.count}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def __call__(self, op, *inputs, **attributes):
        self.count += 1
        name = f"tensor{self.count}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], **attributes))
        return name

    def cast(self, x, kind):
        return self("Cast", x, to=kind)

    def shifted(self, y, shift):
        """floor(y / 2^shift): Mod takes the divisor's sign, so what Div truncates is exact."""
        power = self.constant(2**shift, np.int64)
        return self("Div", self("Sub", y, self("Mod", y, power)), power)

    def convolved(self, x, weights, **attributes):
        bytes_ = self.cast(x, TensorProto.UINT8)
        y = self("ConvInteger", bytes_, self.constant(weights, np.int8), **attributes)
        return self.cast(y, TensorProto.INT64)


def columns(values):
    return np.asarray(values).reshape(1, -1, 1, 1)


def weighted(g, layer, own, x, read, target, last):
    x = g.shifted(x, read)
    weights = own.weights.reshape(len(own.weights), -1, *layer.kernel)
    options = {"pads": layer.padding, "strides": layer.stride}
    y = g.convolved(x, weights, **options)
    y = g("Add", y, g.constant(columns(own.bias), np.int64))
    if last:
        return y
    y = g.shifted(g("Mul", y, g.constant(columns(own.multiplier), np.int64)), own.shift)
    ends = (g.constant(end, np.int64) for end in (target.low, target.high))
    return g("Clip", y, *ends)


def unweighted(g, layer, inputs, shape, word):
    x = inputs[0]
    if layer.kind == "relu":
        return g("Max", x, g.constant(0, np.int64))
    if layer.kind == "add":
        ends = (g.constant(end, np.int64) for end in (word.low, word.high))
        return g("Clip", g("Add", *inputs), *ends)
    if layer.kind == "flatten":
        return g("Reshape", x, g.constant((-1, *shape), np.int64))
    if layer.kind == "maxpool":
        options = {"kernel_shape": layer.kernel, "strides": layer.stride}
        y = g("MaxPool", g.cast(x, TensorProto.UINT8), **options)
        return g.cast(y, TensorProto.INT64)
    b, shift = average_scale(int(np.prod(layer.kernel)), word.bits)
    ones = np.ones((shape[0], 1, *layer.kernel))
    y = g.convolved(x, ones, group=shape[0], strides=layer.stride)
    return g.shifted(g("Mul", y, g.constant(b, np.int64)), shift)


def infer(network, parameters, images, precision):
    """Logits of a network of 8-bit weights and activations at most, tensors unsigned when read."""
    g, stored = Graph(), integer_format(network, precision).words
    tensors = {network.layers[0].name: "images"}
    for layer in network.layers[1:]:
        before, word = layer.inputs, stored[layer.name]
        inputs = [tensors[name] for name in before]
        if layer.kind in GEMM:
            read = stored[before[0]].bits - precision[layer.name][1]
            last = not network.readers[layer.name]
            own = parameters[layer.name]
            tensors[layer.name] = weighted(g, layer, own, inputs[0], read, word, last)
        else:
            more = [stored[name].bits - word.bits for name in before]
            inputs = [g.shifted(x, n) for x, n in zip(inputs, more, strict=True)]
            tensors[layer.name] = unweighted(g, layer, inputs, network.shapes[layer.name], word)
    output = tensors[network.layers[-1].name]
    graph = helper.make_graph(
        g.nodes,
        network.name,
        [helper.make_tensor_value_info("images", TensorProto.INT64, images.shape)],
        [helper.make_tensor_value_info(output, TensorProto.INT64, None)],
        g.constants,
    )
    opset = [helper.make_opsetid("", 18)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=10)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (found,) = session.run(None, {"images": images})
    return found.reshape(len(images), -1)
