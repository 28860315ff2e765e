"""LSTM, GRU and RNN as the products of matrices of their steps."""

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper
from onnxruntime import quantization as q

import bfimna as bf

from .onnx_models import build, constant, node, save

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
STEPS, INNER, HIDDEN = 5, 6, 7


def recurrent(op, directions=1, **attributes):
    """Return a recurrent network on (batch, steps, words), as PyTorch writes it: batch first."""
    g = GATES[op]
    if directions == 2:
        attributes["direction"] = "bidirectional"
    states = "y h c" if op == "LSTM" else "y h"
    nodes = [
        node("Transpose", "x", out="t", perm=[1, 0, 2]),
        helper.make_node(op, ["t", "w", "r", "b"], states.split(), "cell", hidden_size=HIDDEN,
                         **attributes),
        node("Transpose", "y", out="back", perm=[2, 0, 1, 3]),
        node("Reshape", "back", "flat", out="rows"),
        node("MatMul", "rows", "v", out="z"),
    ]  # fmt: skip
    given = [
        constant("w", np.ones((directions, g * HIDDEN, INNER))),
        constant("r", np.ones((directions, g * HIDDEN, HIDDEN))),
        constant("b", np.ones((directions, 2 * g * HIDDEN))),
        constant("v", np.ones((directions * HIDDEN, 3))),
        constant("flat", [1, STEPS, directions * HIDDEN], np.int64),
    ]
    return nodes, given, (1, STEPS, INNER)


@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("op", ["LSTM", "GRU", "RNN"])
def test_products_of_all_steps(op, directions, tmp_path):
    """The first state is zero, so that one product of states less than steps is needed."""
    path = save(tmp_path / "m.onnx", *recurrent(op, directions))
    network = bf.read_onnx(path)
    of_inputs = directions * GATES[op] * HIDDEN * INNER
    of_states = directions * GATES[op] * HIDDEN * HIDDEN
    last = directions * HIDDEN * 3
    assert network.macs == STEPS * (of_inputs + last) + (STEPS - 1) * of_states
    assert network.weights == of_inputs + last + (STEPS - 1) * of_states
    assert network.notes == (
        f"{(STEPS - 2) * of_states} weights are held again, by layers that share them with others",
    )
    session = onnxruntime.InferenceSession(path.read_bytes())
    (found,) = session.run(None, {"x": np.zeros((1, STEPS, INNER), np.float32)})
    assert network.shapes[network.layers[-1].name] == (STEPS, 1, 3)
    assert found.shape == (1, STEPS, 3)


def test_steps_follow_one_another(tmp_path):
    """A step's product reads what the step before it made; backwards, the step behind it."""
    network = bf.read_onnx(save(tmp_path / "m.onnx", *recurrent("RNN", 2)))
    before = {
        name: network[network[f"cell.{name}"].inputs[0]].inputs[1]
        for name in ("0.3.hidden", "1.1.hidden")
    }
    assert before == {"0.3.hidden": "cell.0.3.state", "1.1.hidden": "cell.1.1.state"}
    assert network["cell.0.3.state"].inputs == ("cell.0.2.hidden",)
    assert network["cell.1.1.state"].inputs == ("cell.1.2.hidden",)


@pytest.mark.parametrize("late", [0, 1])
def test_gru_resets_the_state_or_its_product(late, tmp_path):
    model = recurrent("GRU", linear_before_reset=late)
    network = bf.read_onnx(save(tmp_path / "m.onnx", *model))
    products = [layer for layer in network.layers if layer.kind == "linear"]
    assert len(products) == (STEPS - 1) * (1 if late else 2)
    resets = [layer for layer in network.layers if layer.name.endswith(".reset")]
    assert {layer.kind for layer in resets} == ({"mul", "scale"} if late else {"mul"})


def test_given_initial_states_and_last_states(tmp_path):
    nodes = [helper.make_node("LSTM", ["x", "w", "r", "", "", "h0", "c0"], ["", "h", "c"], "cell"),
             node("Add", "h", "c", out="z")]  # fmt: skip
    given = [constant("w", np.ones((1, 4 * HIDDEN, INNER))),
             constant("r", np.ones((1, 4 * HIDDEN, HIDDEN)))]  # fmt: skip
    model = build(nodes, given, (1, 1, INNER))
    for state in ("h0", "c0"):
        shape = (1, 1, HIDDEN)
        model.graph.input.append(helper.make_tensor_value_info(state, TensorProto.FLOAT, shape))
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    network = bf.read_onnx(tmp_path / "m.onnx")
    assert network.macs == 4 * HIDDEN * (INNER + HIDDEN)
    assert {x.name for x in network.layers if x.kind == "input"} == {"x", "h0", "c0"}
    laid_out = [network[name].inputs for name in network["z_node"].inputs]
    assert laid_out == [("cell.0.0.hidden",), ("cell.0.0.cell",)]


def test_a_recurrent_network_is_simulated_and_emulated(tmp_path):
    network = bf.read_onnx(save(tmp_path / "m.onnx", *recurrent("LSTM")))
    assert bf.simulate(network, 4, bf.Chip.limited(), "sram-14nm-lstp").latency_s > 0


@pytest.mark.filterwarnings("ignore")
def test_dynamically_quantised(tmp_path):
    path = save(tmp_path / "m.onnx", *recurrent("LSTM"))
    q.quantize_dynamic(path, tmp_path / "q.onnx")
    network, plain = bf.read_onnx(tmp_path / "q.onnx"), bf.read_onnx(path)
    assert (network.macs, network.weights) == (plain.macs, plain.weights)
    assert set(bf.read_onnx_precision(tmp_path / "q.onnx").weight_bits) == {8}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"layout": 1}, "layout, input_forget and peepholes"),
        ({"input_forget": 1}, "layout, input_forget and peepholes"),
    ],
)
def test_unsupported_recurrent_layers_are_refused(change, says, tmp_path):
    nodes, given, shape = recurrent("LSTM", **change)
    nodes = [nodes[0], nodes[1], node("Relu", "h", out="z")]
    with pytest.raises(bf.BfimnaError, match=f"LSTM node 'cell': .*{says}"):
        bf.read_onnx(save(tmp_path / "m.onnx", nodes, given, shape))


@pytest.mark.parametrize("batch", [1, 3])
def test_steps_on_the_first_axis_are_no_batch(batch, tmp_path):
    """PyTorch's default order, in which the batch is the second axis."""
    nodes, given, _ = recurrent("LSTM")
    nodes[1].input[0] = "x"
    model = ([nodes[1], node("Relu", "y", out="z")], given, (STEPS, batch, INNER))
    if batch == 1:
        network = bf.read_onnx(save(tmp_path / "m.onnx", *model))
        assert network.shapes["x"] == (STEPS, 1, INNER)
        assert network.shapes["z_node"] == (STEPS, 1, HIDDEN)
    else:
        with pytest.raises(bf.BfimnaError, match="does not keep the batch of 3 first"):
            bf.read_onnx(save(tmp_path / "m.onnx", *model))


def test_constant_initial_state_that_is_not_zero(tmp_path):
    nodes, given, shape = recurrent("RNN")
    nodes[1].input.extend(["", "h0"])
    zero, one = (constant("h0", np.full((1, 1, HIDDEN), value)) for value in (0, 1))
    bf.read_onnx(save(tmp_path / "m.onnx", nodes, [*given, zero], shape))
    with pytest.raises(bf.BfimnaError, match="initial state that is not known to be zero"):
        bf.read_onnx(save(tmp_path / "m.onnx", nodes, [*given, one], shape))
