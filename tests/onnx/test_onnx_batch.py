"""The first axis: a batch where an operation is defined so or the user says so, else counted."""

import numpy as np
import onnx
import pytest
from onnx import helper

import bfimna as bf

from .onnx_models import convolution, node, save, weights

C, W = convolution()
GEMM = [node("Gemm", "x", "w", out="y", transB=1)], [weights("w", 32, 128)]


def test_rows_of_a_product_are_counted_and_noted(tmp_path):
    """A GEMM of 256 x 128 x 32 costs what the SCALE-Sim row of the same sizes does."""
    network = bf.read_onnx(save(tmp_path / "m.onnx", *GEMM, shape=(256, 128)))
    (tmp_path / "m.csv").write_text("Layer,M,N,K\ny,256,32,128\n")
    expected = bf.read_scalesim(tmp_path / "m.csv")
    assert network.macs == expected.macs == 256 * 128 * 32
    (note,) = network.notes
    assert note.startswith("the first axis of input 'x', 256, is counted")
    technology = bf.data.load_technology("sram-14nm-lstp")
    reports = [
        bf.simulate(n, bf.Precision.fixed(n, 8), bf.Chip.limited(), technology)
        for n in (network, expected)
    ]
    rows = [r.layers[r.layers.phase == "multiply"].energy_j.sum() for r in reports]
    assert rows[0] == rows[1]


def test_the_user_says_that_the_first_axis_is_a_batch(tmp_path):
    path = save(tmp_path / "m.onnx", *GEMM, shape=(256, 128))
    network = bf.read_onnx(path, input_shape=(128,))
    assert network.macs == 128 * 32
    assert network.notes[0].startswith("the file has a batch of 256")


@pytest.mark.parametrize("first", ["N", 1])
def test_an_open_or_single_first_axis_needs_no_note(first, tmp_path):
    network = bf.read_onnx(save(tmp_path / "m.onnx", *GEMM, shape=(first, 128)))
    assert (network.macs, network.notes) == (128 * 32, ())


BATCHED = {
    "a convolution": [C],
    "a convolution behind others": [
        node("Relu", "x", out="r"), node("Conv", "r", "c.w", out="y", pads=[1] * 4)],
    "pooling": [node("MaxPool", "x", out="y", kernel_shape=[2, 2])],
}  # fmt: skip


@pytest.mark.parametrize("what", BATCHED)
def test_a_batch_by_definition_is_left_out_and_noted(what, tmp_path):
    one, eight = (
        bf.read_onnx(save(tmp_path / "m.onnx", BATCHED[what], [W], shape=(batch, 3, 8, 8)))
        for batch in (1, 8)
    )
    assert one == eight
    assert (one.notes, len(eight.notes)) == ((), 1)
    assert eight.notes[0].startswith("the file has a batch of 8")


def test_a_first_axis_that_moves_is_no_batch(tmp_path):
    """Channels last, as one image: the convolution's batch is another axis."""
    nodes = [node("Transpose", "x", out="t", perm=[3, 0, 1, 2]),
             node("Conv", "t", "w", out="y")]  # fmt: skip
    network = bf.read_onnx(
        save(tmp_path / "m.onnx", nodes, [weights("w", 4, 3, 1, 1)], (3, 8, 8, 1))
    )
    assert network.macs == 4 * 3 * 64


@pytest.mark.parametrize("order", [("x", "z"), ("z", "x")])
def test_two_inputs_in_any_order(order, tmp_path):
    """The convolution's input has a batch of 4; the other one's first axis is the same."""
    nodes = [C, node("GlobalAveragePool", "c", out="p"), node("Flatten", "p", out="f"),
             node("Add", "f", "z", out="y")]  # fmt: skip
    model = onnx.load(save(tmp_path / "m.onnx", nodes, [W], shape=(4, 3, 8, 8)))
    shapes = {"x": [4, 3, 8, 8], "z": [4, 4]}
    del model.graph.input[:]
    model.graph.input.extend(helper.make_tensor_value_info(i, 1, shapes[i]) for i in order)
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    network = bf.read_onnx(tmp_path / "m.onnx")
    assert network.macs == 108 * 64
    assert np.prod(network.shapes["z"]) == 4


def test_steps_of_a_sequence_before_a_recurrent_layer_are_counted(tmp_path):
    """Steps first, then a batch of one, through a product of matrices."""
    nodes = [
        node("MatMul", "x", "w", out="m"),
        helper.make_node("LSTM", ["m", "wl", "rl"], ["l"], "l_node", hidden_size=4),
        node("Relu", "l", out="y"),
    ]
    given = [weights("w", 8, 6), weights("wl", 1, 16, 6), weights("rl", 1, 16, 4)]
    network = bf.read_onnx(save(tmp_path / "m.onnx", nodes, given, shape=(5, 1, 8)))
    assert network.macs == 5 * 8 * 6 + 5 * 6 * 16 + 4 * 4 * 16
