"""LSTM, GRU and RNN as their matrix products, step by step.

The products of the inputs need no state: all steps are one product of matrices. Those of the states
follow one another, so each step is layers of its own, which hold the same weights again. A state
that is zero at first has no product.
"""

from dataclasses import dataclass
from math import prod

import numpy as np

from bfimna.onnx.geometry import dims_of
from bfimna.onnx.graph import Node
from bfimna.onnx.moves import joined
from bfimna.onnx.translation import Translation
from bfimna.onnx.windows import weight_of

MAX_STEPS = 4096
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
#: position of the initial hidden state and, of an LSTM, the initial cell state
STATES = (5, 6)


@dataclass(frozen=True)
class _Step:
    """One step in one direction: where its layers go, and how many words its state has."""

    t: Translation
    node: Node
    suffix: str
    hidden: int

    def emit(self, kind: str, sources: tuple[str, ...], what: str, **fields: int) -> str:
        return self.t.emit(self.node, kind, sources, f"{self.suffix}.{what}", **fields)

    def part(self, source: str, gates: int, what: str) -> str:
        """Pick some gates of the words of all."""
        shape = (gates * self.hidden, 1, 1)
        return self.t.view(self.node, source, shape, f"{self.suffix}.{what}")

    def product(self, state: str, gates: int, what: str) -> str:
        """Multiply a state by the weights of some gates."""
        name = self.emit("linear", (state,), what, channels=gates * self.hidden)
        coded = self.node.written == "DynamicQuantizeLSTM"  # it quantises states as it does inputs
        activations = self.node.inputs[0] if coded else next(o for o in self.node.outputs if o)
        self.t.gemms[name] = (self.node.inputs[2], activations, self.node)
        return name

    def summed(self, one: str, other: str, what: str) -> str:
        return self.emit("add", (one, other), what) if other else one

    def times(self, one: str, other: str, what: str) -> str:
        return self.emit("mul", (one, other), what) if other else ""


def recurrent(t: Translation, node: Node) -> None:
    """LSTM, GRU, RNN; forwards, backwards or both."""
    source = t.source(node)
    steps, directions, hidden = _sizes(t, node)
    rows = t.view(node, source, (dims_of(t.graph, node)[2], steps, 1), ".rows")
    found = [_direction(t, node, rows, k, steps, hidden) for k in range(directions)]
    every = [hiddens[position] for position in range(steps) for hiddens, *_ in found]
    results = (every, [hidden for _, hidden, _ in found], [cell for _, _, cell in found])
    for number, (tensor, parts) in enumerate(zip(node.outputs, results, strict=False)):
        if tensor and tensor in t.graph.uses:
            t.made[tensor] = joined(t, node, parts, f".result{number}", number)


def _direction(
    t: Translation, node: Node, rows: str, direction: int, steps: int, hidden: int
) -> tuple[list[str], str, str]:
    """Append all steps; return the hidden states by position, and the last states."""
    state, cell = (_initial(t, node, position, direction, hidden) for position in STATES)
    gates = GATES[node.op]
    every = t.emit(node, "conv", (rows,), f".{direction}.inputs", channels=gates * hidden)
    t.gemms[every] = (weight_of(t, node), node.inputs[0], node)
    backwards = direction == 1 or node.text("direction", "forward") == "reverse"
    hiddens = [""] * steps
    for position in range(steps)[::-1] if backwards else range(steps):
        step = _Step(t, node, f".{direction}.{position}", hidden)
        state, cell = CELLS[node.op](step, step.part(every, gates, "gates"), state, cell)
        hiddens[position] = state
    return hiddens, state, cell


def _sizes(t: Translation, node: Node) -> tuple[int, int, int]:
    """Return steps, directions and words of a state; raise for what is not modelled."""
    (steps, batch, inner), weights, states = (dims_of(t.graph, node, k) for k in range(3))
    hidden = node.number("hidden_size", states[-1])
    outer = states[0] * GATES[node.op] * hidden
    if (prod(weights), prod(states)) != (outer * inner, outer * hidden) or states[0] > 2:
        raise node.refuse(f"weights of {weights} and {states} for an input of {inner} words")
    if batch != 1 or t.batch != 1:
        raise node.refuse(
            f"a batch of {batch} on the second axis, the graph's input has {t.batch} on its first: "
            "want one image, its batch first"
        )
    if not 1 <= steps <= MAX_STEPS:
        raise node.refuse(f"{steps} steps; 1 to {MAX_STEPS} are read")
    if node.number("layout", 0) or node.number("input_forget", 0) or node.given(7):
        raise node.refuse("layout, input_forget and peepholes are not modelled")
    if node.given(4) and t.graph.number_of(node.given(4)) != steps:
        raise node.refuse("a sequence shorter than its tensor is not modelled")
    return steps, states[0], hidden


def _initial(t: Translation, node: Node, position: int, direction: int, hidden: int) -> str:
    """Return the layer of an initial state, or none where it is zero."""
    tensor = node.given(position)
    if not tensor:
        return ""
    if tensor in t.graph.constants:
        value = t.graph.value(tensor)
        if value is None or np.any(value):
            raise node.refuse("a constant initial state that is not known to be zero")
        return ""
    source = t.holder(node, tensor, "an initial state")
    return t.view(node, source, (hidden, 1, 1), f".{direction}.initial{position}")


def _lstm(step: _Step, own: str, state: str, cell: str) -> tuple[str, str]:
    """Input, output, forget gates; then c' = f · c + i · g and h = o · tanh c'."""
    if state:
        own = step.summed(own, step.product(state, 4, "state"), "sum")
    open_ = step.emit("lookup", (step.part(own, 3, "three"),), "sigmoid")
    fresh = step.emit("lookup", (step.part(own, 1, "fresh"),), "tanh")
    into, out, kept = (step.part(open_, 1, what) for what in ("i", "o", "f"))
    added = step.emit("mul", (into, fresh), "added")
    cell = step.summed(added, step.times(kept, cell, "kept"), "cell")
    squashed = step.emit("lookup", (cell,), "squashed")
    return step.emit("mul", (out, squashed), "hidden"), cell


def _gru(step: _Step, own: str, state: str, _: str) -> tuple[str, str]:
    """Update and reset gates z and r, candidate n; then h' = n + z · (h - n)."""
    late = bool(step.node.number("linear_before_reset", 0))
    gates, fresh = step.part(own, 2, "two"), step.part(own, 1, "fresh")
    product = step.product(state, 3 if late else 2, "state") if state else ""
    if product:
        gates = step.summed(gates, step.part(product, 2, "state.two"), "sum")
    open_ = step.emit("lookup", (gates,), "sigmoid")
    update, reset = step.part(open_, 1, "z"), step.part(open_, 1, "r")
    if product and late:
        more = step.times(reset, step.part(product, 1, "state.fresh"), "reset")
    elif product:
        more = step.product(step.times(reset, state, "reset"), 1, "state.fresh")
    else:  # what is left of the state's product is its bias
        more = step.emit("scale", (reset,), "reset") if late and step.node.given(3) else ""
    fresh = step.emit("lookup", (step.summed(fresh, more, "fresh.sum"),), "tanh")
    apart = step.summed(fresh, state, "apart")
    return step.summed(fresh, step.times(update, apart, "moved"), "hidden"), ""


def _rnn(step: _Step, own: str, state: str, _: str) -> tuple[str, str]:
    if state:
        own = step.summed(own, step.product(state, 1, "state"), "sum")
    return step.emit("lookup", (own,), "hidden"), ""


CELLS = {"LSTM": _lstm, "GRU": _gru, "RNN": _rnn}
