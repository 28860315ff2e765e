"""Placing a network on a chip: which AP programs each layer runs, how often, on how many rows.

Layer × Precision × Chip → `Counts` by phase. Everything takes bits of shape (..., weighted layers),
so that one call places one precision or ten thousand. Model document, section 3.
"""

from dataclasses import dataclass

import numpy as np

from bfimna.ap import counts as ap
from bfimna.ap.counts import Counts, CountSet
from bfimna.ap.events import NONE
from bfimna.chip import columns
from bfimna.chip.chip import Chip
from bfimna.chip.geometry import Geometry, geometry
from bfimna.chip.kinds import KINDS, SIGN, Words
from bfimna.chip.traffic import Traffic, traffic
from bfimna.chip.words import freeze
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
    """

    layers: np.ndarray
    counts: Counts
    rows: np.ndarray


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
        For a batch below 1, a network without weighted layers, or words that need more columns than
        an array has.
    """
    batch = whole_number("batch", batch, 1)
    ap.check_set(counts)
    if not network.gemms:
        raise BfimnaError(f"network {network.name!r} has no convolution or linear layer to place")
    chip = chip.sized_for(network, batch)
    g = geometry(network, chip, batch)
    words = g.storage.words(weight_bits, activation_bits)
    columns.check(network, g, weight_bits, activation_bits)
    works = _gemm_phases(g, weight_bits, activation_bits, words.of(g.storage.index), counts)
    for kind, alike in g.alike.items():
        program = KINDS[kind].program(alike, words.of(alike.at), counts)
        folds = g.dense_folds(alike.elements)  # its elements are densely packed, one per row
        work = Work(alike.at, program.repeat(folds, alike.elements), alike.elements)
        works.setdefault(KINDS[kind].phase, []).append(work)
    placement = Placement(
        chip=chip,
        phases={phase: _joined(works[phase]) for phase in PHASES if phase in works},
        traffic=traffic(network, g, weight_bits, activation_bits, words, counts),
        layers=g.storage.index,
        folds=g.folds,
        utilisation=g.products / (g.folds * chip.product_rows),
    )
    freeze(placement, placement.traffic)
    for work in placement.phases.values():
        freeze(work, work.counts)
    return placement


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
    g: Geometry, w: np.ndarray, a: np.ndarray, words: Words, counts: CountSet
) -> dict[str, list[Work]]:
    """Phases of the weighted layers: products in folds, then densely packed outputs."""
    exact = counts == "microcode"
    total, out, scaled = g.storage.sum_bits(w, a), words.bits, ~g.storage.summed
    dense, left = g.dense_folds(g.dots), g.rows_left(counts)
    load = ap.load(w + a).repeat(g.folds, g.products)
    carry = ap.load(total) * left + ap.add(total) * (left - 1)
    read = ap.read(total).repeat(g.folds, g.dots * left) + ap.read(words.kept).repeat(dense, g.dots)
    m, scaled_bits = ap.scale_bits(out), columns.scaled_columns(total, out, g.chip.columns)
    scale = ap.load(m) + ap.requantise(np.where(scaled, scaled_bits, total), m, out + SIGN)
    bias = ap.load(total) + ap.add(total)
    if exact:  # flag, carries and the product's columns are cleared along with a load
        load = load + Counts(cells_written=g.products * total)
        carry = carry + Counts(cells_written=left)
        bias = bias + Counts(cells_written=1)
        scale = scale + Counts(cells_written=m + 1)
    multiply = ap.multiply(w, a, (True, False)).repeat(g.folds, g.products)
    each = {
        "load": (load, g.products),
        "multiply": (multiply, g.products),
        "reduce": (_reduce(g, w + a, total, counts), g.products),
        "read": (read, g.dots * g.splits),
        "carry": (carry.repeat(dense, g.dots), g.dots),
        "bias": (bias.repeat(dense, g.dots), g.dots),
        "requantise": ((scale * scaled).repeat(dense, g.dots), g.dots * scaled),
    }
    return {phase: [Work(g.storage.index, work, rows)] for phase, (work, rows) in each.items()}


def _reduce(g: Geometry, product: np.ndarray, total: np.ndarray, counts: CountSet) -> Counts:
    """Add up the rows of every part of a dot product, in all columns of the sum."""

    def parts(length: np.ndarray, dots: np.ndarray) -> Counts:
        narrow = total - ap.levels(length)
        return ap.reduce(length, narrow, g.chip.ap, counts, g.side_by_side).repeat(g.folds, dots)

    if (g.last_part == g.part).all():
        reduce = parts(g.part, g.dots * g.splits)
    else:  # the cycles are those of the longer parts, beside which the last one runs
        whole = parts(g.part, g.dots * (g.splits - 1))
        reduce = whole + parts(g.last_part, g.dots).repeat(0, 1)
    if counts == "microcode":
        growth = g.storage.growth
        over = product + total > g.chip.columns  # the sum grows over the operands: a clear
        reduce = reduce + ap.sign_extend(growth).repeat(g.folds, g.products)
        clear = Counts(writes=over, cells_written=over * growth)
        reduce = reduce + clear.repeat(g.folds, g.products)
    return reduce
