"""Write this folder's model and technology: `python examples/make.py`.

The same bytes each time. The weights are random: what a layer costs does not hang on them.
"""

from pathlib import Path

import numpy as np
import onnx
import pandas as pd
from onnx import TensorProto, helper, numpy_helper

from bfimna import data

HERE = Path(__file__).resolve().parent
IR_VERSION, OPSET = 9, 17  # the file stays readable for older tools
SEED = 0
#: parameter → factor on value and range of the technology that the example starts from
CHANGED = {"compare_energy_per_attached_cell": 0.5, "write_time": 2, "area_per_cell": 0.25}
START, OWN = "sram-14nm-lstp", "my-cell"


def model() -> onnx.ModelProto:
    """Return a small residual CNN for images of 3 × 32 × 32 and ten classes."""
    random = np.random.default_rng(SEED)
    shapes = {
        "stem": (16, 3, 3, 3),
        "block.conv1": (16, 16, 3, 3),
        "block.conv2": (16, 16, 3, 3),
        "widen": (32, 16, 3, 3),
        "classify": (32, 10),
    }
    weights = [
        numpy_helper.from_array(random.normal(0, 0.1, shape).astype(np.float32), f"{name}.weight")
        for name, shape in shapes.items()
    ]

    def conv(name: str, source: str, stride: int = 1) -> onnx.NodeProto:
        return helper.make_node(
            "Conv", [source, f"{name}.weight"], [name], name, strides=[stride, stride],
            kernel_shape=[3, 3], pads=[1, 1, 1, 1],
        )  # fmt: skip

    def relu(source: str) -> onnx.NodeProto:
        return helper.make_node("Relu", [source], [f"{source}.relu"], f"{source}.relu")

    nodes = [
        conv("stem", "image"),
        relu("stem"),
        conv("block.conv1", "stem.relu"),
        relu("block.conv1"),
        conv("block.conv2", "block.conv1.relu"),
        helper.make_node("Add", ["block.conv2", "stem.relu"], ["block"], "block"),
        relu("block"),
        conv("widen", "block.relu", stride=2),
        relu("widen"),
        helper.make_node("GlobalAveragePool", ["widen.relu"], ["pool"], "pool"),
        helper.make_node("Flatten", ["pool"], ["flat"], "flat"),
        helper.make_node("MatMul", ["flat", "classify.weight"], ["logits"], "classify"),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 32, 32])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 10])
    graph = helper.make_graph(nodes, "example", [image], [logits], weights)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    made.ir_version = IR_VERSION
    onnx.checker.check_model(made, full_check=True)
    return made


def technology() -> pd.DataFrame:
    """Return the rows of a technology of one's own: another's, with a few values changed."""
    columns = pd.read_csv(data.ROOT / "technologies" / "own.csv").columns
    rows = pd.read_csv(data.ROOT / "technologies" / "derived.csv", keep_default_na=False)
    rows = rows[rows.technology == START].assign(technology=OWN)
    for parameter, factor in CHANGED.items():
        where = rows.parameter == parameter
        rows.loc[where, ["value", "low", "high"]] *= factor
        rows.loc[where, ["status", "source"]] = ["D", "an illustration"]
        rows.loc[where, "note"] = f"{factor} × {START}; put your measurement here"
    return rows[columns]


def write(folder: Path) -> None:
    """Write both files into a folder."""
    (folder / "model.onnx").write_bytes(model().SerializeToString(deterministic=True))
    technology().to_csv(folder / "technology.csv", index=False, float_format="%.6g")


if __name__ == "__main__":
    write(HERE)
