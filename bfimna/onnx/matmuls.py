"""Products of matrices: Gemm, MatMul and Einsum; LSTM, GRU and RNN step by step.

A recurrent layer's products of the inputs need no state: all steps are one product of matrices.
Those of the states follow one another, so each step is layers of its own, which hold the same
weights again. A state that is zero at first has no product.
"""

from dataclasses import dataclass
from math import prod

import numpy as np

from bfimna.onnx.nodes import Dims, Graph, Node, packed_matrix
from bfimna.onnx.translation import Translation
from bfimna.onnx.windows import weight_of

MAX_STEPS = 4096
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
#: position of the initial hidden state and, of an LSTM, the initial cell state
STATES = (5, 6)


def gemm_shapes(graph: Graph, node: Node) -> list[Dims]:
    """Gemm: M × N of M × K and K × N, either transposed."""
    left, right = graph.input_dims(node), graph.input_dims(node, 1)
    if len(left) != 2 or len(right) != 2:
        raise node.refuse(f"weights of {right} for an input of {left}: want matrices")
    m, k = reversed(left) if node.number("transA", 0) else left
    inner, n = reversed(right) if node.number("transB", 0) else right
    if k != inner:
        raise node.refuse(f"weights of {right} for an input of {left}")
    return [(m, n)]


def matmul_shapes(graph: Graph, node: Node) -> list[Dims]:
    """MatMul: the last two axes are matrices, the others are broadcast."""
    left, right = graph.input_dims(node), graph.input_dims(node, 1)
    if not left or not right:
        raise node.refuse("a product of numbers")
    rows, columns = left[-2:-1], right[-1:] if len(right) > 1 else ()
    if left[-1] != (right[-2] if len(right) > 1 else right[0]):
        raise node.refuse(f"weights of {right} for an input of {left}")
    return [(*node.broadcast([left[:-2], right[:-2]]), *rows, *columns)]


def packed_matmul_shapes(graph: Graph, node: Node) -> list[Dims]:
    """MatMulNBits: the last axis times a packed matrix."""
    left, right = graph.input_dims(node), packed_matrix(node)
    if left[-1:] != right[:1] or right[1] < 1:
        raise node.refuse(f"weights of {right} for an input of {left}")
    return [(*left[:-1], right[1])]


def recurrent_shapes(graph: Graph, node: Node) -> list[Dims]:
    """LSTM, GRU, RNN: the states of all steps, and the last ones."""
    steps, batch, _ = graph.dims_of_rank(node, 3)
    directions, _, last = graph.dims_of_rank(node, 3, 2)
    hidden = node.number("hidden_size", last)
    state = (directions, batch, hidden)
    return [(steps, directions, batch, hidden), *(state for _ in node.outputs[1:])]


def linear(t: Translation, node: Node) -> None:
    """Gemm, MatMul and MatMulNBits with constant weights.

    On a tensor with more than one position, the positions are a 1 × 1 convolution's.
    """
    if node.op == "MatMul" and node.input(0) in t.graph.constants:
        outer, inner = left = t.graph.dims_of_rank(node, 2)
        data = t.graph.input_dims(node, 1)
        if len(data) < 2:
            raise node.refuse(f"weights of {left} for an input of {data}")
        _product(t, node, (1, 0), (inner, outer), last=False)
        return
    source, weight = t.source(node), weight_of(t, node)
    packed = node.op == "MatMulNBits"
    dims = packed_matrix(node) if packed else t.graph.input_dims(node, 1)
    data = t.graph.input_dims(node)
    if prod(dims[:-2]) != 1 or len(dims) < 2 or node.number("transA", 0):
        raise node.refuse(f"weights of {dims}, transA={node.number('transA', 0)}: want a matrix")
    if node.op == "Gemm":
        t.check_constant(node, (2,), "its addend depends on the data: not modelled")
    inner, outer = reversed(dims[-2:]) if node.number("transB", 0) else dims[-2:]
    if data[-1] != inner:
        raise node.refuse(f"weights of {dims} for an input of {data}")
    if t.shapes[source] == (inner, 1, 1):
        name = t.emit(node, "linear", (source,), channels=outer)
        t.gemms[name] = (weight, node.inputs[0], node)
        t.done(node, name)
    else:
        _product(t, node, (0, 1), (inner, outer), last=True)


def _product(
    t: Translation, node: Node, positions: tuple[int, int], sizes: tuple[int, int], last: bool
) -> None:
    """Append a product of matrices as a 1 × 1 convolution.

    Parameters
    ----------
    positions : of the data and of the weights among the inputs. sizes : how many words of a
        position are summed, and of how many sums. last : whether these are the result's last axis.
    """
    (inner, outer), (data, weights) = sizes, positions
    source = t.source(node, data)
    rows = t.view(node, source, (inner, prod(t.shapes[source]) // inner, 1), ".rows")
    name = t.emit(node, "conv", (rows,), channels=outer)
    t.gemms[name] = (node.inputs[weights], node.inputs[data], node)
    name = t.view(node, name, t.result_shape(node), ".back")
    if last:
        t.rows.add(name)
    t.done(node, name)


def einsum_shapes(graph: Graph, node: Node) -> list[Dims]:
    """Einsum of two tensors: each letter of the result has its operand's size."""
    left, right, result = _letters(node)
    sizes: dict[str, int] = {}
    for k, letters in enumerate((left, right)):
        dims = graph.dims_of_rank(node, len(letters), k)
        for letter, size in zip(letters, dims, strict=True):
            if sizes.setdefault(letter, size) != size:
                raise node.refuse(f"{letter} is {sizes[letter]} and {size}")
    return [tuple(sizes[letter] for letter in result)]


def _letters(node: Node) -> tuple[str, str, str]:
    """Return the letters of both operands and of the result."""
    equation = node.text("equation", "").replace(" ", "")
    parts = equation.replace("->", ",").split(",")
    plain = len(parts) == 3 and "->" in equation and all(p.isalpha() for p in parts)
    if not plain or any(len({*p}) < len(p) for p in parts) or {*parts[2]} - {*parts[0], *parts[1]}:
        raise node.refuse(f"equation {equation!r:.80}: want a product such as 'abk,kn->abn'")
    return parts[0], parts[1], parts[2]


def einsum(t: Translation, node: Node) -> None:
    """Einsum: a tensor times constant weights, summed over letters that only these two have."""
    letters = _letters(node)
    weight = next((k for k in (1, 0) if node.input(k) in t.graph.constants), None)
    if weight is None:
        raise node.refuse("a product of two tensors that depend on the data is not modelled")
    data, weights, result = letters[1 - weight], letters[weight], letters[2]
    summed = [c for c in weights if c not in result]
    shared = any(c in data and c in result for c in weights)
    if shared or not summed or {*data, *weights} != {*result, *summed} or {*summed} - {*data}:
        raise node.refuse("only a product of a tensor and a matrix is modelled")
    dims = t.graph.input_dims(node, 1 - weight)
    inner = prod(size for c, size in zip(data, dims, strict=True) if c in summed)
    outer = prod(t.graph.input_dims(node, weight)) // inner
    last = {result[-1]} == {*weights} - {*summed}
    _product(t, node, (1 - weight, weight), (inner, outer), last)


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
        return self.t.reshaped(self.node, source, shape, f"{self.suffix}.{what}")

    def product(self, state: str, gates: int, what: str) -> str:
        """Multiply a state by the weights of some gates."""
        name = self.emit("linear", (state,), what, channels=gates * self.hidden)
        coded = self.node.written == "DynamicQuantizeLSTM"  # it quantises states as it does inputs
        activations = self.node.inputs[0] if coded else next(o for o in self.node.outputs if o)
        self.t.gemms[name] = (self.node.inputs[2], activations, self.node)
        return name

    def plus(self, one: str, other: str, what: str) -> str:
        return self.emit("add", (one, other), what) if other else one

    def times(self, one: str, other: str, what: str) -> str:
        return self.emit("mul", (one, other), what) if other else ""


def recurrent(t: Translation, node: Node) -> None:
    """LSTM, GRU, RNN; forwards, backwards or both."""
    source = t.source(node)
    steps, directions, hidden = _sizes(t, node)
    rows = t.reshaped(node, source, (t.graph.input_dims(node)[2], steps, 1), ".rows")
    runs = [_direction(t, node, rows, k, steps, hidden) for k in range(directions)]
    every = [hiddens[position] for position in range(steps) for hiddens, *_ in runs]
    results = (every, [hidden for _, hidden, _ in runs], [cell for _, _, cell in runs])
    for number, (tensor, parts) in enumerate(zip(node.outputs, results, strict=False)):
        if tensor and tensor in t.graph.uses:
            t.made[tensor] = t.joined(node, parts, f".result{number}", number)


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
    (steps, batch, inner), weights, states = (t.graph.input_dims(node, k) for k in range(3))
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
    if node.number("layout", 0) or node.number("input_forget", 0) or node.input(7):
        raise node.refuse("layout, input_forget and peepholes are not modelled")
    if node.input(4) and t.graph.number_of(node.input(4)) != steps:
        raise node.refuse("a sequence shorter than its tensor is not modelled")
    return steps, states[0], hidden


def _initial(t: Translation, node: Node, position: int, direction: int, hidden: int) -> str:
    """Return the layer of an initial state, or "" where it is zero."""
    tensor = node.input(position)
    if not tensor:
        return ""
    if tensor in t.graph.constants:
        value = t.graph.value(tensor)
        if value is None or np.any(value):
            raise node.refuse("a constant initial state that is not known to be zero")
        return ""
    source = t.holder(node, tensor, "an initial state")
    return t.reshaped(node, source, (hidden, 1, 1), f".{direction}.initial{position}")


def _lstm(step: _Step, own: str, state: str, cell: str) -> tuple[str, str]:
    """Input, output, forget gates; then c' = f · c + i · g and h = o · tanh c'."""
    if state:
        own = step.plus(own, step.product(state, 4, "state"), "sum")
    open_ = step.emit("lookup", (step.part(own, 3, "three"),), "sigmoid")
    fresh = step.emit("lookup", (step.part(own, 1, "fresh"),), "tanh")
    into, out, kept = (step.part(open_, 1, what) for what in ("i", "o", "f"))
    added = step.emit("mul", (into, fresh), "added")
    cell = step.plus(added, step.times(kept, cell, "kept"), "cell")
    squashed = step.emit("lookup", (cell,), "squashed")
    return step.emit("mul", (out, squashed), "hidden"), cell


def _gru(step: _Step, own: str, state: str, _: str) -> tuple[str, str]:
    """Update and reset gates z and r, candidate n; then h' = n + z · (h - n)."""
    late = bool(step.node.number("linear_before_reset", 0))
    gates, fresh = step.part(own, 2, "two"), step.part(own, 1, "fresh")
    product = step.product(state, 3 if late else 2, "state") if state else ""
    if product:
        gates = step.plus(gates, step.part(product, 2, "state.two"), "sum")
    open_ = step.emit("lookup", (gates,), "sigmoid")
    update, reset = step.part(open_, 1, "z"), step.part(open_, 1, "r")
    if product and late:
        more = step.times(reset, step.part(product, 1, "state.fresh"), "reset")
    elif product:
        more = step.product(step.times(reset, state, "reset"), 1, "state.fresh")
    else:  # what is left of the state's product is its bias
        more = step.emit("scale", (reset,), "reset") if late and step.node.input(3) else ""
    fresh = step.emit("lookup", (step.plus(fresh, more, "fresh.sum"),), "tanh")
    apart = step.plus(fresh, state, "apart")
    return step.plus(fresh, step.times(update, apart, "moved"), "hidden"), ""


def _rnn(step: _Step, own: str, state: str, _: str) -> tuple[str, str]:
    if state:
        own = step.plus(own, step.product(state, 1, "state"), "sum")
    return step.emit("lookup", (own,), "hidden"), ""


CELLS = {"LSTM": _lstm, "GRU": _gru, "RNN": _rnn}
