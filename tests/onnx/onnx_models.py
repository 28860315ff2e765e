"""Small ONNX models for the tests."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"
PUBLIC = sorted(LIGHT.glob("light_*.onnx"))

#: attribute of a node that is a name of something else in `node`
OUT = "out"


def node(op, *inputs, out, **attributes):
    return helper.make_node(op, list(inputs), [out], name=f"{out}_node", **attributes)


def constant(name, value, dtype=np.float32):
    return numpy_helper.from_array(np.asarray(value, dtype=dtype), name)


def weights(name, *dims, dtype=np.float32):
    return constant(name, np.zeros(dims), dtype)


def build(nodes, constants=(), shape=(1, 3, 8, 8), output=None, kind=TensorProto.FLOAT, opset=17):
    """Build a model whose last node's output is the graph's."""
    output = output or nodes[-1].output[0]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", kind, shape)],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
        list(constants),
    )
    imports = [helper.make_opsetid("", opset), helper.make_opsetid("qonnx.custom_op.general", 1)]
    return helper.make_model(graph, opset_imports=imports, ir_version=9)


def save(path, *args, **kwargs):
    path.write_bytes(build(*args, **kwargs).SerializeToString())
    return path


def convolution(out="c", source="x", channels=(3, 4), kernel=3, **attributes):
    """Return a padded convolution and its weights."""
    attributes.setdefault("pads", [kernel // 2] * 4)
    return (
        node("Conv", source, f"{out}.w", out=out, **attributes),
        weights(f"{out}.w", channels[1], channels[0], kernel, kernel),
    )
