"""Bits per layer from QONNX's and ONNX's quantisers."""

import numpy as np
import pytest
from onnx import TensorProto, helper

import bfimna as bf

from .onnx_models import build, constant, convolution, node, save, weights

DOMAIN = "qonnx.custom_op.general"
SCALE, ZERO = constant("s", 1.0), constant("z", 0.0)


def width(bits):
    return constant(f"b{bits}", float(bits))


def quant(source, bits, out, op="Quant"):
    return node(op, source, "s", "z", f"b{bits}", out=out, domain=DOMAIN)


def qonnx(*between, w_bits=4, a_bits=6, op="Quant"):
    """Return nodes and constants: quantised input, `between`, quantised convolution."""
    last = between[-1].output[0] if between else "xq"
    nodes = [
        quant("x", a_bits, "xq", op),
        *between,
        quant("w", w_bits, "wq", op),
        node("Conv", last, "wq", out="c"),
    ]
    given = [weights("w", 4, 3, 3, 3), SCALE, ZERO, *(width(b) for b in {w_bits, a_bits, 2, 3})]
    return nodes, given


def read(tmp_path, nodes, given, default=None, **options):
    path = save(tmp_path / "model.onnx", nodes, given, **options)
    return bf.read_onnx_precision(path, default)


@pytest.mark.parametrize("op", ["Quant", "IntQuant"])
def test_qonnx_gives_weight_and_activation_bits(op, tmp_path):
    bits = read(tmp_path, *qonnx(op=op))
    assert (bits.name, bits.layers) == ("model", ("c_node",))
    assert bits["c_node"] == (4, 6)


@pytest.mark.parametrize(
    ("op", "attributes"),
    [("Relu", {}), ("MaxPool", {"kernel_shape": [2, 2]}), ("Identity", {}),
     ("ReduceMax", {"axes": [2]}), ("ReduceMin", {"axes": [3]})],
)  # fmt: skip
def test_bits_pass_where_codes_stay_codes(op, attributes, tmp_path):
    nodes, given = qonnx(node(op, "xq", out="r", **attributes))
    given[0] = weights("w", 4, 3, 1, 1)
    assert read(tmp_path, nodes, given)["c_node"] == (4, 6)


@pytest.mark.parametrize(("mode", "bits"), [("nearest", 6), ("linear", 8)])
def test_bits_pass_resizing_to_the_nearest_only(mode, bits, tmp_path):
    nodes, given = qonnx(node("Resize", "xq", "", "sc", out="r", mode=mode))
    given += [constant("sc", [1, 1, 2, 2])]
    assert read(tmp_path, nodes, given, default=8)["c_node"] == (4, bits)


@pytest.mark.parametrize("op", ["Max", "Min", "Where"])
def test_a_choice_between_tensors_has_the_widest(op, tmp_path):
    inputs = ("mask", "x3", "xq") if op == "Where" else ("x3", "xq")
    nodes, given = qonnx(quant("x", 3, "x3"), node(op, *inputs, out="r"))
    given += [constant("mask", [True], bool)]
    assert read(tmp_path, nodes, given)["c_node"] == (4, 6)


def test_equal_bits_per_channel_are_one_width(tmp_path):
    nodes, given = qonnx()
    given = [g for g in given if g.name != "b4"]
    same = constant("b4", np.full((4, 1, 1, 1), 5.0))
    assert read(tmp_path, nodes, [*given, same])["c_node"] == (5, 6)
    other = constant("b4", np.array([2.0, 4, 4, 4]).reshape(4, 1, 1, 1))
    with pytest.raises(bf.BfimnaError, match="Quant node 'wq_node': bit widths from 2 to 4 in one"):
        read(tmp_path, nodes, [*given, other])


def test_bits_do_not_pass_a_sum(tmp_path):
    nodes, given = qonnx(node("Add", "xq", "xq", out="r"))
    says = r"model\.onnx: does not say the bits of 'c_node' \(of its activations; weights have 4\)"
    with pytest.raises(bf.BfimnaError, match=says):
        read(tmp_path, nodes, given)
    assert read(tmp_path, nodes, given, default=8)["c_node"] == (4, 8)


def test_bipolar_is_one_bit_and_truncation_has_its_last_input(tmp_path):
    between = [
        node("Trunc", "xq", "s", "z", "b6", "b2", out="t", domain=DOMAIN),
    ]
    nodes, given = qonnx(*between)
    nodes[-2] = node("BipolarQuant", "w", "s", out="wq", domain=DOMAIN)
    assert read(tmp_path, nodes, given)["c_node"] == (1, 2)


def test_concatenation_has_the_widest_of_its_inputs(tmp_path):
    between = [quant("x", 3, "x3"), node("Concat", "xq", "x3", out="j", axis=1)]
    nodes, given = qonnx(*between)
    given[0] = weights("w", 4, 6, 3, 3)
    assert read(tmp_path, nodes, given)["c_node"] == (4, 6)


def test_quantisers_leave_no_layer(tmp_path):
    nodes, given = qonnx()
    network = bf.read_onnx(save(tmp_path / "m.onnx", nodes, given))
    assert [layer.kind for layer in network.layers] == ["input", "conv"]


def qdq(w_type, a_type):
    z = helper.make_tensor("az", a_type, [], [0])
    w = helper.make_tensor("w", w_type, [4, 3, 1, 1], [0] * 12)
    wz = helper.make_tensor("wz", w_type, [], [0])
    nodes = [
        node("QuantizeLinear", "x", "s", "az", out="xq"),
        node("DequantizeLinear", "xq", "s", "az", out="xd"),
        node("DequantizeLinear", "w", "s", "wz", out="wd"),
        node("Conv", "xd", "wd", out="c"),
    ]
    return nodes, [SCALE, z, w, wz]


@pytest.mark.parametrize(
    ("w_type", "a_type", "expected"),
    [
        (TensorProto.INT8, TensorProto.UINT8, (8, 8)),
        (TensorProto.INT4, TensorProto.UINT8, (4, 8)),
        (TensorProto.INT8, TensorProto.UINT16, (8, 16)),
    ],
)
def test_qdq(w_type, a_type, expected, tmp_path):
    assert read(tmp_path, *qdq(w_type, a_type), opset=21)["c_node"] == expected


def test_qlinear_conv_and_what_follows_it(tmp_path):
    z = constant("z8", 0, np.uint8)
    w = weights("w", 4, 3, 1, 1, dtype=np.int8)
    v = weights("v", 2, 4, 1, 1, dtype=np.int8)
    wz = constant("wz", 0, np.int8)
    nodes = [
        node("QuantizeLinear", "x", "s", "z8", out="xq"),
        node("QLinearConv", "xq", "s", "z8", "w", "s", "wz", "s", "z8", out="c"),
        node("QLinearConv", "c", "s", "z8", "v", "s", "wz", "s", "z8", out="d"),
    ]
    bits = read(tmp_path, nodes, [SCALE, z, w, v, wz])
    assert (bits["c_node"], bits["d_node"]) == ((8, 8), (8, 8))


def test_conv_integer_on_an_integer_input(tmp_path):
    nodes = [
        node("ConvInteger", "x", "w", out="c"),
        node("Cast", "c", out="f", to=1),
        node("Mul", "f", "s", out="y"),
    ]
    given = [weights("w", 4, 3, 1, 1, dtype=np.int8), SCALE]
    assert read(tmp_path, nodes, given, kind=TensorProto.UINT8)["c_node"] == (8, 8)
    network = bf.read_onnx(tmp_path / "model.onnx")
    assert [layer.kind for layer in network.layers] == ["input", "conv"]


def test_float_model_lists_every_layer_without_bits(tmp_path):
    first, second = convolution(), convolution("d", "c", (4, 4))
    nodes, given = zip(first, second, strict=True)
    with pytest.raises(bf.BfimnaError, match=r"bits of 'c_node', 'd_node'; give a default"):
        read(tmp_path, nodes, given)
    assert read(tmp_path, nodes, given, default=5).weight_bits == (5, 5)


@pytest.mark.parametrize(
    ("value", "reason"),
    [(2.5, "whole number from 1 to 64"), (0.0, "whole number"), (32.0, "from 1 to 16")],
)
def test_odd_bit_widths_are_refused(value, reason, tmp_path):
    nodes, given = qonnx()
    given = [g if g.name != "b4" else constant("b4", value) for g in given]
    with pytest.raises(bf.BfimnaError, match=reason):
        read(tmp_path, nodes, given)


def test_bit_width_from_data_is_refused(tmp_path):
    nodes, given = qonnx()
    nodes[1] = node("Quant", "w", "s", "z", "x", out="wq", domain=DOMAIN)
    with pytest.raises(bf.BfimnaError, match="Quant node 'wq_node': its bit width 'x'"):
        read(tmp_path, nodes, given)


def test_report_of_a_files_own_bits(tmp_path):
    path = tmp_path / "m.onnx"
    path.write_bytes(build(*qonnx()).SerializeToString())
    network, bits = bf.read_onnx(path), bf.read_onnx_precision(path)
    technology = bf.data.load_technology("sram-14nm-lstp")
    report = bf.simulate(network, bits, bf.Chip.limited(), technology)
    row = report.layers[report.layers.phase == "multiply"].iloc[0]
    assert (row.weight_bits, row.activation_bits) == (4, 6)
