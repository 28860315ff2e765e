"""Placing a network on a chip: which AP programs each layer runs, how often, on how many rows.

Layer × Precision × Chip → `Counts` by phase. Everything takes bits of shape (..., weighted layers),
so that one call places one precision or ten thousand. Model document, section 3.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bfimna.ap import counts as ap
from bfimna.ap.counts import Counts, CountSet
from bfimna.ap.events import NONE
from bfimna.chip import elementwise
from bfimna.chip.chip import MOST_IMAGES, Chip, columns_needed
from bfimna.chip.geometry import SIGN, Geometry, geometry, sum_bits, tensor_bits
from bfimna.chip.loading import load_operands
from bfimna.chip.segments import segment_rows
from bfimna.chip.traffic import Traffic, traffic
from bfimna.errors import BfimnaError, whole_number
from bfimna.network.graph import Network

#: phases with AP cycles, in the order in which a layer runs them
PHASES = (
    "load",
    "multiply",
    "reduce",
    "read",
    "carry",
    "bias",
    "requantise",
    "relu",
    "pool",
    "residual",
    "elementwise",
)


@dataclass(frozen=True)
class Work:
    """One phase's counts for some layers.

    Attributes
    ----------
    layers : positions in the network, shape (n,).
    counts : arrays of shape (..., n), for the whole batch.
    rows : rows that take part, summed over the folds, shape (n,).
    segment : mean rows attached to a column's line, shape (n,), where the phase runs vertically;
        None where it runs on rows.
    """

    layers: np.ndarray
    counts: Counts
    rows: np.ndarray
    segment: np.ndarray | None = None


@dataclass(frozen=True)
class Placement:
    """A network on a chip.

    Attributes
    ----------
    phases : the AP's work by phase. traffic : what moves between the arrays.
    layers : position in the network of each weighted layer.
    folds, utilisation : of the weighted layers' products; shape (weighted layers,).
    """

    chip: Chip
    phases: dict[str, Work]
    traffic: Traffic
    layers: np.ndarray
    folds: np.ndarray
    utilisation: np.ndarray

    @property
    def mean_utilisation(self) -> float:
        """Share of the CAP rows that hold a product, over all folds of all layers."""
        return float(np.average(self.utilisation, weights=self.folds))


def place(
    network: Network,
    weight_bits: np.ndarray,
    activation_bits: np.ndarray,
    chip: Chip,
    batch: int = 1,
    counts: CountSet = "microcode",
) -> Placement:
    """Place a network's layers on a chip at given bits.

    Parameters
    ----------
    weight_bits, activation_bits : int arrays of shape (..., weighted layers).
    batch : images that share the weights. counts : the set of AP counts.

    Raises
    ------
    BfimnaError
        For a batch below 1, a network without weighted layers, or operands that need more columns
        than an array has.
    """
    batch = whole_number("batch", batch, 1, MOST_IMAGES)
    ap.check_set(counts)
    if not network.gemms:
        raise BfimnaError(f"network {network.name!r} has no convolution or linear layer to place")
    chip = chip.sized_for(network, batch)
    _check_columns(network, weight_bits, activation_bits, chip)
    g = geometry(network, chip, batch)
    stored = tensor_bits(g, activation_bits)
    works = _gemm_phases(g, weight_bits, activation_bits, stored, counts)
    for kind, (phase, work) in _OTHERS.items():
        if kind in g.others:
            works.setdefault(phase, []).append(work(network, g, g.others[kind], stored, counts))
    return Placement(
        chip=chip,
        phases={phase: _joined(works[phase]) for phase in PHASES if phase in works},
        traffic=traffic(network, g, weight_bits, activation_bits, stored, counts),
        layers=g.index,
        folds=g.folds,
        utilisation=g.products / (g.folds * chip.product_rows),
    )


def _check_columns(network: Network, w: np.ndarray, a: np.ndarray, chip: Chip) -> None:
    needed = np.asarray(columns_needed(w, a))
    if needed.max(initial=0) > chip.columns:
        k = int(np.argmax(needed.reshape(-1, needed.shape[-1]).max(axis=0)))
        raise BfimnaError(
            f"layer {network.gemm_names[k]!r} needs {needed.max()} columns (operands, product, "
            f"carry, flags); chip {chip.name!r} has {chip.columns}"
        )


def _joined(works: list[Work]) -> Work:
    """Lay the work of several kinds of layer in one phase side by side."""
    if len(works) == 1:
        return works[0]
    shape = np.broadcast_shapes(*(np.shape(w.counts.cycles)[:-1] for w in works))

    n = sum(len(w.layers) for w in works)

    def side_by_side(event: str) -> ap.Amount:
        amounts = [getattr(w.counts, event) for w in works]
        if all(amount is NONE for amount in amounts):
            return NONE
        row, at = np.empty((*shape, n)), 0
        for amount, w in zip(amounts, works, strict=True):
            row[..., at : at + len(w.layers)] = amount
            at += len(w.layers)
        return row

    return Work(
        np.concatenate([w.layers for w in works]),
        Counts(*(side_by_side(event) for event in ap.EVENTS)),
        np.concatenate([w.rows for w in works]),
    )


def _gemm_phases(
    g: Geometry, w: np.ndarray, a: np.ndarray, stored: np.ndarray, counts: CountSet
) -> dict[str, list[Work]]:
    """Phases of the weighted layers: products in folds, then densely packed outputs."""
    exact = counts == "microcode"
    two_rows = exact and g.chip.ap_kind != "1d"  # the reduction leaves sum and carry
    total = sum_bits(g, w, a)
    out = stored[..., g.index]
    dense = g.dense_folds(g.dots)
    parts = g.dots * g.splits

    def in_folds(program: Counts, rows: np.ndarray) -> Counts:
        return program.repeat(g.folds, rows)

    load = load_operands(g, w + a)
    narrow = total - ap.levels(g.part)  # all columns of the sum, also where parts are shorter
    reduce = in_folds(ap.reduce(g.part, narrow, g.chip.ap_kind, counts, g.per_cap), parts)
    if exact:  # the product's columns are cleared along with the first column that is loaded
        load = load + Counts(cells_written=g.products * total)
        growth = ap.levels(g.j)
        over = 2 * (w + a) + growth > g.chip.columns  # the sum grows over the operands: a clear
        reduce = reduce + in_folds(ap.sign_extend(growth), g.products)
        reduce = reduce + in_folds(Counts(writes=over, cells_written=over * growth), g.products)
    left = np.minimum(g.part, 2) if two_rows else 1  # rows of a part
    words = g.splits * left  # to be added to one sum
    carry = ap.load(total) * words + ap.add(total) * (words - 1)
    read = in_folds(ap.read(total), parts * left)
    kept = np.where(g.read_on, out + SIGN, total) - SIGN * g.rectified[g.index]
    read = read + ap.read(kept).repeat(dense, g.dots)
    scale = ap.load(ap.scale_bits(out)) + ap.requantise(total, ap.scale_bits(out), out + SIGN)
    bias = ap.load(total) + ap.add(total)
    if exact:  # flag, carries and the product's lowest columns are cleared along with a load
        carry = carry + Counts(cells_written=words)
        bias = bias + Counts(cells_written=1)
        scale = scale + Counts(cells_written=ap.scale_bits(out) + 1)
    scale = scale * g.read_on
    each = {
        "load": (load, g.products),
        "multiply": (in_folds(ap.multiply(w, a, (True, False)), g.products), g.products),
        "reduce": (reduce, g.products),
        "read": (read, parts),
        "carry": (carry.repeat(dense, g.dots), g.dots),
        "bias": (bias.repeat(dense, g.dots), g.dots),
        "requantise": (scale.repeat(dense, g.dots), g.dots * g.read_on),
    }
    works = {phase: [Work(g.index, work, rows)] for phase, (work, rows) in each.items()}
    if g.chip.ap_kind != "1d":
        work, rows = each["reduce"]
        works["reduce"] = [Work(g.index, work, rows, segment_rows(g.part, g.chip))]
    return works


def _packed(program: Counts, g: Geometry, at: np.ndarray) -> Work:
    """Run a program on layers' output elements, one a row."""
    rows = g.elements[at]
    return Work(at, program.repeat(g.dense_folds(rows), rows), rows)


def _relu(
    network: Network, g: Geometry, at: np.ndarray, stored: np.ndarray, counts: CountSet
) -> Work:
    """ReLU on the word that the layer before left in its row; elsewhere it is loaded and read."""
    bits = stored[..., at] + SIGN
    program = ap.relu(bits, counts)
    if counts == "microcode":
        program = program + (ap.load(bits) + ap.read(bits - SIGN)) * (1.0 - g.in_place[at])
    return _packed(program, g, at)


def _pool(
    network: Network, g: Geometry, at: np.ndarray, stored: np.ndarray, counts: CountSet
) -> Work:
    """Pooling as a stream: each element is loaded beside the running maximum or sum."""
    bits = stored[..., at]
    window = np.array([np.prod(network.layers[k].kernel) for k in at])
    if network.layers[at[0]].kind == "maxpool":
        step, last = ap.maximum(bits, counts), ap.read(bits)
    else:
        width = bits + ap.levels(window)
        power = window == 2 ** ap.levels(window)  # then the mean is a shift of the columns read
        step = ap.add(width)
        m = ap.scale_bits(bits)
        scale = ap.load(m) + ap.multiply(width, m)  # rounded such that it cannot overflow
        last = ap.read(bits) + scale * ~power
    program = ap.load(bits) * window + step * (window - 1) + last
    return _packed(program, g, at)


def _residual(
    network: Network, g: Geometry, at: np.ndarray, stored: np.ndarray, counts: CountSet
) -> Work:
    """Residual add: load the signed words, add in place, clamp to the stored bits, read."""
    bits = stored[..., at] + SIGN
    width = bits + 1  # the sign is loaded twice, so that the sum has a column to grow into
    program = ap.load(2 * width) + ap.add(width) + ap.read(bits - SIGN * g.rectified[at])
    if counts == "microcode":
        program = program + ap.saturate(bits, width)
    return _packed(program, g, at)


def _elementwise(
    network: Network, g: Geometry, at: np.ndarray, stored: np.ndarray, counts: CountSet
) -> Work:
    """Run an element-wise layer, a product of two tensors or an LRN, a row an output element."""
    return _packed(elementwise.program(network, g, at, stored[..., at] + SIGN), g, at)


Program = Callable[[Network, Geometry, np.ndarray, np.ndarray, CountSet], Work]
#: kind of layer without weights → its phase and what it runs (`layer.ADDRESSING` runs none)
_OTHERS: dict[str, tuple[str, Program]] = {
    "relu": ("relu", _relu),
    "maxpool": ("pool", _pool),
    "avgpool": ("pool", _pool),
    "add": ("residual", _residual),
    **dict.fromkeys(elementwise.KINDS, ("elementwise", _elementwise)),
}
