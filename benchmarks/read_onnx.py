"""How long a network in a file takes: `python benchmarks/read_onnx.py`; medians, wall and CPU."""

import statistics
import tempfile
import time
from pathlib import Path

import onnx
from onnx import TensorProto, helper

import bfimna as bf

LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"


def chain(blocks):
    """Return a residual chain of `blocks` convolutions, ReLUs and additions; two nodes more."""
    nodes, last = [], "x"
    for k in range(blocks):
        nodes += [
            helper.make_node("Conv", [last, "w"], [f"c{k}"], f"conv{k}", pads=[1] * 4),
            helper.make_node("Relu", [f"c{k}"], [f"r{k}"], f"relu{k}"),
            helper.make_node("Add", [f"r{k}", last], [f"a{k}"], f"add{k}"),
        ]
        last = f"a{k}"
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "chain",
        [info("x", TensorProto.FLOAT, [1, 16, 32, 32])],
        [info(last, TensorProto.FLOAT, None)],
        [helper.make_tensor("w", TensorProto.FLOAT, [16, 16, 3, 3], [0.0] * (16 * 16 * 9))],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def timed(path, repeats):
    """Seconds of wall and of CPU to read a file and to simulate it."""
    technology = bf.data.load_technology("sram-14nm-lstp")
    walls, cpus = [], []
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        network = bf.read_onnx(path)
        bits = bf.Precision.fixed(network, 8)
        assert bf.simulate(network, bits, bf.Chip.limited(), technology).energy_j > 0
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return statistics.median(walls), statistics.median(cpus)


if __name__ == "__main__":
    bf.read_onnx(LIGHT / "light_squeezenet.onnx")  # the imports that a first file brings
    with tempfile.TemporaryDirectory() as folder:
        long = Path(folder) / "chain.onnx"
        long.write_bytes(chain(3333).SerializeToString())
        print("read and simulate                wall       CPU     target")
        for title, path, repeats, target in (
            ("ResNet50", LIGHT / "light_resnet50.onnx", 9, "1 s"),
            ("DenseNet121", LIGHT / "light_densenet121.onnx", 9, "-"),
            ("residual chain, 9999 nodes", long, 3, "10 s"),
        ):
            wall, cpu = timed(path, repeats)
            print(f"{title:28}{wall:8.3f} s{cpu:8.3f} s{target:>9}")
