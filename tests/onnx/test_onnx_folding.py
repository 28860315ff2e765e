"""Constants that the ONNX reader folds, and refusals that name file, operation and node."""

import numpy as np
import pytest
from onnx import helper

import bfimna as bf

from .onnx_models import build, constant, convolution, node, save, weights

C, W = convolution()


def kinds(network):
    return [layer.kind for layer in network.layers]


# ---- folding ---------------------------------------------------------------------------------

NORM = [constant(f"n{k}", np.ones(4)) for k in range(4)]
SCALAR = constant("s", [2.0])
CHANNEL = constant("v", np.ones((4, 1, 1)))
FULL = constant("u", np.ones((4, 8, 8)))


def normalise(source, out):
    return node("BatchNormalization", source, "n0", "n1", "n2", "n3", out=out)


FOLDED = {
    "batch norm after a convolution": [C, normalise("c", "y")],
    "two affine maps": [C, node("Mul", "c", "s", out="m"), node("Add", "m", "v", out="y")],
    "input normalisation": [
        node("Sub", "x", "s", out="a"), node("Div", "a", "s", out="b"),
        node("Conv", "b", "c.w", out="y", pads=[1] * 4),
    ],
}  # fmt: skip


@pytest.mark.parametrize("what", FOLDED)
def test_constants_are_folded(what, tmp_path):
    given = [W, *NORM, SCALAR, CHANNEL]
    network = bf.read_onnx(save(tmp_path / "m.onnx", FOLDED[what], given))
    assert kinds(network) == ["input", "conv"]


KEPT = {
    "batch norm after a concatenation": (
        [C, node("Concat", "c", "x", out="j", axis=1), node("Relu", "j", out="r"),
         normalise("r", "n"), node("Mul", "n", "s", out="y")],
        ["relu", "scale", "bias"],
    ),
    "a factor an element": ([C, node("Mul", "c", "u", out="y")], ["conv", "scale"]),
    "a result that others read too": (
        [C, node("Mul", "c", "s", out="m"), node("Add", "m", "c", out="y")],
        ["conv", "scale", "add"],
    ),
    "a shift after a product": (
        [C, node("Mul", "c", "c", out="m"), node("Mul", "m", "s", out="k"),
         node("Add", "k", "s", out="y")],
        ["conv", "mul", "bias"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", KEPT)
def test_constants_stay_where_no_layer_absorbs_them(what, tmp_path):
    nodes, ends = KEPT[what]
    given = [W, SCALAR, CHANNEL, FULL, *(constant(f"n{k}", np.ones(7)) for k in range(4))]
    network = bf.read_onnx(save(tmp_path / "m.onnx", nodes, given))
    assert kinds(network)[-len(ends) :] == ends


# ---- refusals, each naming file, operation and node ------------------------------------------

REFUSED = {
    "unknown operation": ([node("Det", "x", out="y")], "not modelled"),
    "unknown domain": (
        [helper.make_node("Relu", ["x"], ["y"], "y_node", domain="com.x")], "domain 'com.x'"),
    "transposed in 3-D": ([node("Unsqueeze", "x", "ax", out="e"),
             node("ConvTranspose", "e", "t5", out="y")], "along 3 axes"),
    "attention": ([node("MatMul", "x", "x", out="y")], "depend on the data"),
    "weights from data": ([node("Relu", "x", out="r"), node("Add", "r", "t1", out="wd"),
                           node("Conv", "x", "wd", out="y")], "weights depend"),
    "top inside": ([node("ArgMax", "x", out="s"), node("Relu", "s", out="y")], "not modelled"),
    "mode": ([node("Resize", "x", "", "sc", out="y", mode="lanczos")], "'linear' and 'cubic' are"),
    "einsum": ([node("Einsum", "x", "x", out="y", equation="abcd,abce->abde")], "depend on the"),
    "diagonal": ([node("Einsum", "x", "t", out="y", equation="abcd,bebb->acd")], "want a product"),
    "products a channel": ([node("Einsum", "x", "t", out="y", equation="abcd,bfgh->abcdfgh")],
                           "a tensor and a matrix"),
    "power": ([node("Pow", "x", "x", out="y")], "exponent"),
    "over the batch": ([node("Conv", "x", "t", out="k"),
                        node("ReduceMean", "k", out="y", axes=[0])], "over the batch of 2"),
    "indices": ([helper.make_node("MaxPool", ["x"], ["m", "i"], "y_node", kernel_shape=[2, 2]),
                 node("Add", "m", "i", out="y")], "further output 'i'"),
    "groups": ([node("Conv", "x", "t", out="y", group=2)], "in 2 groups for 3 input channels"),
    "no broadcast": ([node("Add", "x", "v5", out="y")], "cannot be broadcast"),
    "if": ([helper.make_node("If", ["x"], ["y"], "y_node", then_branch=build([C], [W]).graph)],
           "control flow"),
    "auto_pad": ([node("MaxPool", "x", out="y", kernel_shape=[2, 2], auto_pad="ODD")], "auto_pad"),
    "attribute": ([node("MaxPool", "x", out="y", kernel_shape=[2, 2], strides=2)], "strides"),
    "no maker": ([node("Add", "x", "residul", out="y")], "'residul', which nothing makes"),
    "constant input": ([node("Conv", "t", "t", out="k"), node("Gather", "k", "x", out="y")],
                       "is a constant"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_an_unsupported_node_is_refused_by_name(what, tmp_path):
    nodes, reason = REFUSED[what]
    given = [
        weights("t", 3, 3, 1, 1), constant("ax", [2], np.int64), constant("sc", [1, 1, 2, 2]),
        weights("t5", 3, 3, 1, 1, 1), weights("v5", 5), weights("t1", 2, 3, 1, 1),
    ]  # fmt: skip
    path = save(tmp_path / "m.onnx", nodes, given, shape=(2, 3, 8, 8))
    with pytest.raises(bf.BfimnaError, match=reason) as error:
        bf.read_onnx(path)
    message = str(error.value)
    assert message.startswith(f"{path}: ")
    assert "_node'" in message
    assert "\n" not in message


def test_softmax_at_the_end_is_the_hosts(tmp_path):
    nodes = [C, node("Softmax", "c", out="s"), node("Flatten", "s", out="y")]
    network = bf.read_onnx(save(tmp_path / "m.onnx", nodes, [W]))
    assert kinds(network) == ["input", "conv"]
    assert network.notes == ("Softmax node 's_node' at the end is left to the host: not counted",)
