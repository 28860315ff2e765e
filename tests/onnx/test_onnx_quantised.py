"""Quantised files: ONNX Runtime's quantiser writes them, QCDQ's are as Brevitas writes them."""

import logging

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnxruntime import quantization as q

import bfimna as bf

from .onnx_models import build, constant, node, save, weights

RANDOM = np.random.default_rng(0)


def drawn(name, *dims):
    return constant(name, RANDOM.normal(size=dims))


FLOAT = build(
    [
        node("Conv", "x", "w1", out="a", pads=[1] * 4),
        node("Relu", "a", out="r"),
        node("MaxPool", "r", out="mp", kernel_shape=[2, 2], strides=[2, 2]),
        node("Conv", "mp", "w2", out="b", pads=[1] * 4),
        node("Add", "b", "mp", out="s"),
        node("Sigmoid", "s", out="sg"),
        node("Concat", "sg", "mp", out="cc", axis=1),
        node("LeakyRelu", "cc", out="lr"),
        node("AveragePool", "lr", out="ap", kernel_shape=[2, 2], strides=[2, 2]),
        node("GlobalAveragePool", "ap", out="g"),
        node("Flatten", "g", out="f"),
        node("Gemm", "f", "w3", "b3", out="h", transB=1),
        node("MatMul", "h", "w4", out="m"),
        node("Softmax", "m", out="y"),
    ],
    [drawn("w1", 4, 3, 3, 3), drawn("w2", 4, 4, 3, 3), drawn("w3", 10, 8), drawn("b3", 10),
     drawn("w4", 10, 5)],
    (1, 3, 16, 16),
)  # fmt: skip


class Images(q.CalibrationDataReader):
    def __init__(self):
        self.left = [{"x": RANDOM.normal(size=(1, 3, 16, 16)).astype(np.float32)} for _ in "ab"]

    def get_next(self):
        return self.left.pop() if self.left else None


@pytest.fixture
def float_file(tmp_path):
    logging.getLogger().setLevel(logging.CRITICAL)
    (tmp_path / "float.onnx").write_bytes(FLOAT.SerializeToString())
    return tmp_path / "float.onnx"


def kinds(network, but=("relu",)):
    """Kinds of layers, but for the ReLUs that ONNX Runtime makes part of a quantiser."""
    return [layer.kind for layer in network.layers if layer.kind not in but]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("form", "activations", "stored", "bits"),
    [("QDQ", "QUInt8", "QInt8", (8, 8)), ("QDQ", "QInt16", "QInt8", (8, 16)),
     ("QDQ", "QUInt8", "QInt4", (4, 8)), ("QDQ", "QUInt8", "QUInt4", (4, 8)),
     ("QOperator", "QUInt8", "QInt8", (8, 8)), ("QOperator", "QInt8", "QInt8", (8, 8))],
)  # fmt: skip
def test_a_model_quantised_by_onnx_runtime_is_the_float_network(
    form, activations, stored, bits, float_file, tmp_path
):
    path = tmp_path / "q.onnx"
    q.quantize_static(
        float_file, path, Images(), quant_format=q.QuantFormat[form],
        activation_type=q.QuantType[activations], weight_type=q.QuantType[stored],
    )  # fmt: skip
    network, plain = bf.read_onnx(path), bf.read_onnx(float_file)
    assert kinds(network) == kinds(plain)
    assert (network.weights, network.macs) == (plain.weights, plain.macs)
    found = bf.read_onnx_precision(path)
    assert set(zip(found.weight_bits, found.activation_bits, strict=True)) == {bits}
    if form == "QOperator":
        written = {n.op_type for n in onnx.load(path).graph.node}
        assert {"QLinearAdd", "QLinearConcat", "QGemm", "QLinearSigmoid"} <= written


@pytest.mark.filterwarnings("ignore")
def test_dynamically_quantised(float_file, tmp_path):
    q.quantize_dynamic(float_file, tmp_path / "q.onnx")
    network, plain = bf.read_onnx(tmp_path / "q.onnx"), bf.read_onnx(float_file)
    assert kinds(network) == kinds(plain)
    assert (network.weights, network.macs) == (plain.weights, plain.macs)
    assert bf.read_onnx_precision(tmp_path / "q.onnx").weight_bits == (8,) * 4
    assert sum("dynamically quantised" in note for note in network.notes) == 1


# ---- QCDQ: narrow widths are the Clip's bounds -----------------------------------------------


def clipped(source, name, low, high, kind=np.int8):
    """Return a Clip of codes and its bounds."""
    bounds = [constant(f"{name}.low", low, kind), constant(f"{name}.high", high, kind)]
    return node("Clip", source, f"{name}.low", f"{name}.high", out=name), bounds


def qcdq(weight_bounds, bounds, kind):
    codes, around = clipped("xi", "xc", *bounds, kind)
    stored, inner = clipped("w", "wc", *weight_bounds)
    nodes = [
        node("QuantizeLinear", "x", "s", "z", out="xi"),
        codes,
        node("DequantizeLinear", "xc", "s", "z", out="xd"),
        stored,
        node("DequantizeLinear", "wc", "s", "zw", out="wd"),
        node("DequantizeLinear", "b", "s", "zb", out="bd"),
        node("Conv", "xd", "wd", "bd", out="c"),
        node("Relu", "c", out="y"),
    ]
    given = [
        weights("w", 4, 3, 3, 3, dtype=np.int8), constant("b", [0] * 4, np.int32),
        constant("s", 1.0), constant("z", 0, kind), constant("zw", 0, np.int8),
        constant("zb", 0, np.int32), *around, *inner,
    ]  # fmt: skip
    return nodes, given


@pytest.mark.parametrize(
    ("weight_bounds", "bounds", "kind", "expected"),
    [
        ((-7, 7), (0, 7), np.uint8, (4, 3)),
        ((-8, 7), (0, 15), np.uint8, (4, 4)),
        ((-1, 1), (-32, 31), np.int8, (2, 6)),
        ((-1, 0), (0, 1), np.uint8, (1, 1)),
        ((-128, 127), (0, 255), np.uint8, (8, 8)),
        ((-63, 63), (-64, 63), np.int8, (7, 7)),
    ],
)
def test_qcdq(weight_bounds, bounds, kind, expected, tmp_path):
    path = save(tmp_path / "m.onnx", *qcdq(weight_bounds, bounds, kind))
    assert bf.read_onnx_precision(path)["c_node"] == expected
    assert [layer.kind for layer in bf.read_onnx(path).layers] == ["input", "conv", "relu"]


def test_qcdq_costs_what_its_qonnx_costs(tmp_path):
    domain = "qonnx.custom_op.general"
    quant = lambda x, bits, out: node("Quant", x, "s", "z", bits, out=out, domain=domain)  # noqa: E731
    nodes = [quant("x", "b3", "xq"), quant("w", "b4", "wq"), node("Conv", "xq", "wq", out="c"),
             node("Relu", "c", out="y")]  # fmt: skip
    given = [weights("w", 4, 3, 3, 3), constant("s", 1.0), constant("z", 0.0),
             constant("b3", 3.0), constant("b4", 4.0)]  # fmt: skip
    technology = bf.data.load_technology("sram-14nm-lstp")
    costs = []
    for name, model in (("a", (nodes, given)), ("b", qcdq((-7, 7), (0, 7), np.uint8))):
        path = save(tmp_path / f"{name}.onnx", *model)
        bits = bf.read_onnx_precision(path)
        report = bf.simulate(bf.read_onnx(path), bits, bf.Chip.limited(), technology)
        costs.append((report.latency_s, report.energy_j))
    assert costs[0] == costs[1]


@pytest.mark.parametrize(("low", "high"), [(0.5, 7.0), (7.0, 0.0), (3.0, 3.0)])
def test_odd_bounds_of_codes_are_refused(low, high, tmp_path):
    nodes, given = qcdq((-7, 7), (0, 7), np.uint8)
    given = [g for g in given if not g.name.startswith("wc.")]
    given += [constant("wc.low", low), constant("wc.high", high)]
    with pytest.raises(bf.BfimnaError, match="Clip node 'wc_node': clips codes to"):
        bf.read_onnx_precision(save(tmp_path / "m.onnx", nodes, given))


def test_bounds_that_are_unknown_are_refused(tmp_path):
    nodes, given = qcdq((-7, 7), (0, 7), np.uint8)
    bound = next(g for g in given if g.name == "wc.high")
    bound.ClearField("raw_data")
    bound.data_location = TensorProto.EXTERNAL
    bound.external_data.add(key="location", value="bound.bin")
    with pytest.raises(bf.BfimnaError, match="bounds that are no constant numbers"):
        bf.read_onnx_precision(save(tmp_path / "m.onnx", nodes, given))


def test_clip_of_numbers_is_a_layer_and_no_width(tmp_path):
    """ReLU6 between quantisers, not within one."""
    nodes, given = qcdq((-7, 7), (0, 7), np.uint8)
    nodes[-1] = node("Clip", "c", "zero", "six", out="y")
    given += [constant("zero", 0.0), constant("six", 6.0)]
    network = bf.read_onnx(save(tmp_path / "m.onnx", nodes, given))
    assert [layer.kind for layer in network.layers] == ["input", "conv", "clip"]


# ---- ONNX Runtime's domain -------------------------------------------------------------------


def microsoft(op, inputs, out, **attributes):
    return helper.make_node(op, inputs, [out], f"{out}_node", domain="com.microsoft", **attributes)


def test_dynamic_product_of_matrices(tmp_path):
    nodes = [microsoft("DynamicQuantizeMatMul", ["x", "w", "s", "z", "b"], "y")]
    given = [weights("w", 8, 5, dtype=np.int8), constant("s", 1.0), constant("z", 0, np.int8),
             constant("b", np.zeros(5))]  # fmt: skip
    path = save(tmp_path / "m.onnx", nodes, given, (1, 8))
    assert [layer.kind for layer in bf.read_onnx(path).layers] == ["input", "linear"]
    assert bf.read_onnx_precision(path)["y_node"] == (8, 8)


def test_int4_with_microsofts_quantisers(tmp_path):
    int4 = helper.make_tensor("w", TensorProto.INT4, [4, 3, 1, 1], [0] * 12)
    zero = helper.make_tensor("z4", TensorProto.INT4, [], [0])
    u4 = helper.make_tensor("u4", TensorProto.UINT4, [], [0])
    nodes = [
        microsoft("QuantizeLinear", ["x", "s", "u4"], "xq"),
        microsoft("DequantizeLinear", ["xq", "s", "u4"], "xd"),
        microsoft("DequantizeLinear", ["w", "s", "z4"], "wd"),
        node("Conv", "xd", "wd", out="y"),
    ]
    path = save(tmp_path / "m.onnx", nodes, [int4, zero, u4, constant("s", 1.0)], opset=21)
    assert bf.read_onnx_precision(path)["y_node"] == (4, 4)


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_weights_of_few_bits_packed_in_bytes(bits, tmp_path):
    """As ONNX Runtime's weight-only quantiser writes them: (columns, blocks, bytes of a block)."""
    packed = constant("w", np.zeros((10, 3, 16 * bits // 8)), np.uint8)
    shape = {"K": 48, "N": 10, "bits": bits, "block_size": 16}
    nodes = [
        node("QuantizeLinear", "x", "s", "z", out="xq"),
        node("DequantizeLinear", "xq", "s", "z", out="xd"),
        microsoft("MatMulNBits", ["xd", "w", "scales", "", "", "b"], "y", **shape),
    ]
    given = [packed, constant("scales", np.ones(30)), constant("b", np.zeros(10)),
             constant("s", 1.0), constant("z", 0, np.uint8)]  # fmt: skip
    path = save(tmp_path / "m.onnx", nodes, given, (1, 7, 48))
    network = bf.read_onnx(path)
    assert (network.weights, network.macs, network.notes) == (480, 7 * 480, ())
    assert bf.read_onnx_precision(path)["y_node"] == (bits, 8)
    nodes[2].attribute[0].i = 47
    with pytest.raises(bf.BfimnaError, match=r"MatMulNBits node 'y_node': weights of \(47, 10\)"):
        bf.read_onnx(save(tmp_path / "n.onnx", nodes, given, (1, 7, 48)))


def test_layers_whose_bits_are_unknown_are_listed(tmp_path):
    """A sum of codes has no quantiser of its own; the layer that reads it is named."""
    nodes, given = qcdq((-7, 7), (0, 7), np.uint8)
    nodes[-1] = node("Conv", "c", "v", out="y")
    given += [weights("v", 4, 4, 1, 1)]
    path = save(tmp_path / "m.onnx", nodes, given)
    with pytest.raises(bf.BfimnaError, match=r"bits of 'y_node'; give a default"):
        bf.read_onnx_precision(path)
    assert bf.read_onnx_precision(path, 8)["c_node"] == (4, 3)


def test_pooling_with_channels_last_pools_the_two_axes_between(tmp_path):
    nodes = [microsoft("QLinearGlobalAveragePool", ["x", "s", "z", "s", "z"], "y", channels_last=1)]
    given = [constant("s", 1.0), constant("z", 0, np.uint8)]
    network = bf.read_onnx(save(tmp_path / "m.onnx", nodes, given, (1, 5, 6, 3)))
    assert network["y_node"].kernel == (5, 6)
    assert network.shapes[network.layers[-1].name] == (1, 1, 3)


def test_other_domains_are_refused(tmp_path):
    given = [constant("s", 1.0), constant("z", 0, np.uint8)]
    nodes = [microsoft("Attention", ["x", "s"], "y")]
    with pytest.raises(bf.BfimnaError, match=r"domain 'com\.microsoft'"):
        bf.read_onnx(save(tmp_path / "m.onnx", nodes, given))


@pytest.mark.parametrize(
    ("op", "inputs"),
    [("QLinearAdd", ["x", "s", "z", "x", "s", "z", "s", "z4"]),
     ("QLinearMul", ["x", "s", "z", "x", "s", "z", "s", "z4"]),
     ("QLinearConcat", ["s", "z4", "x", "s", "z"]),
     ("QLinearSigmoid", ["x", "s", "z", "s", "z4"]),
     ("QLinearLeakyRelu", ["x", "s", "z", "s", "z4"]),
     ("QLinearGlobalAveragePool", ["x", "s", "z", "s", "z4"])],
)  # fmt: skip
def test_result_has_the_bits_of_its_zero_point(op, inputs, tmp_path):
    """Of a width that the operands do not have, so that it is not theirs that is read."""
    narrow = helper.make_tensor("z4", TensorProto.UINT4, [], [0])
    nodes = [
        microsoft(op, inputs, "a"),
        node("QLinearConv", "a", "s", "z4", "w", "s", "zw", "s", "z", out="y"),
    ]
    given = [weights("w", 5, 3, 1, 1, dtype=np.int8), constant("zw", 0, np.int8), narrow,
             constant("s", 1.0), constant("z", 0, np.uint8)]  # fmt: skip
    path = save(tmp_path / "m.onnx", nodes, given, kind=TensorProto.UINT8, opset=21)
    assert bf.read_onnx_precision(path)["y_node"] == (8, 4)
