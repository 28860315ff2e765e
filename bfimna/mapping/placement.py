"""Placing a network on a chip: which AP programs each layer runs, how often, on how many rows.

Layer × Precision × Chip → `Counts` by phase. Everything takes bits of shape (..., weighted layers),
so that one call places one precision or ten thousand. Model document, section 3.
"""

from dataclasses import dataclass

import numpy as np

from bfimna.ap import counts as ap
from bfimna.ap.counts import Counts, CountSet
from bfimna.errors import BfimnaError, whole_number
from bfimna.mapping import columns
from bfimna.mapping.alike import Words
from bfimna.mapping.chip import MOST_IMAGES, Chip
from bfimna.mapping.geometry import Geometry, geometry
from bfimna.mapping.kinds import KINDS
from bfimna.mapping.loading import load_operands
from bfimna.mapping.resident import SIGN
from bfimna.mapping.segments import segment_rows
from bfimna.mapping.traffic import Traffic, traffic
from bfimna.mapping.words import freeze
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
    phases : the AP's work by phase.
    traffic : what moves between the arrays.
    layers : position in the network of each weighted layer.
    folds : times that the chip is filled with products; shape (weighted layers,).
    utilisation : share of the rows that hold one, over these folds; shape (weighted layers,).
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
    weight_bits : integers, shape (..., weighted layers).
    activation_bits : likewise.
    batch : images that share the weights.
    counts : the set of AP counts.

    Raises
    ------
    BfimnaError
        For a batch below 1, a network without weighted layers, or words that need more columns than
        an array has.
    """
    batch = whole_number("batch", batch, 1, MOST_IMAGES)
    ap.check_count_set(counts)
    if not network.gemms:
        raise BfimnaError(f"network {network.name!r} has no convolution or linear layer to place")
    chip = chip.sized_for(network, batch)
    g = geometry(network, chip, batch)
    words = g.storage.words(weight_bits, activation_bits)
    columns.check(network, g, weight_bits, activation_bits)
    works = _gemm_phases(g, weight_bits, activation_bits, words.of(g.storage.index), counts)
    for kind, alike in g.alike.items():
        program = KINDS[kind].program(alike, words.of(alike.at), counts)
        works.setdefault(KINDS[kind].phase, []).append(Work(alike.at, program, alike.elements))
        if (upright := KINDS[kind].upright) is not None:
            reduced = upright(alike, words.of(alike.at), counts)
            if np.any(reduced.cycles):
                taken = alike.elements * alike.window * (reduced.cycles > 0)
                rows = taken.reshape(-1, len(alike.at)).max(axis=0)
                segment = segment_rows(alike.parts.part, chip)
                works["reduce"].append(Work(alike.at, reduced, rows, segment))
    placement = Placement(
        chip=chip,
        phases={phase: _joined(works[phase]) for phase in PHASES if phase in works},
        traffic=traffic(network, g, weight_bits, activation_bits, words, counts),
        layers=g.storage.index,
        folds=g.parts.folds,
        utilisation=g.products / (g.parts.folds * chip.product_rows),
    )
    freeze(placement, placement.traffic)
    for work in placement.phases.values():
        freeze(work, work.counts)
    return placement


def _joined(works: list[Work]) -> Work:
    """Lay the work of several kinds of layer in one phase side by side."""
    if len(works) == 1:
        return works[0]
    amounts = [getattr(w.counts, event) for w in works for event in ap.EVENTS]
    shape = np.broadcast_shapes(*(np.shape(amount)[:-1] for amount in amounts))
    n = sum(len(w.layers) for w in works)
    occurring = {event for w in works for event in w.counts.amounts}

    def side_by_side(event: str) -> ap.Amount:
        amounts = [getattr(w.counts, event) for w in works]
        row, at = np.empty((*shape, n)), 0
        for amount, w in zip(amounts, works, strict=True):
            row[..., at : at + len(w.layers)] = amount
            at += len(w.layers)
        return row

    return Work(
        np.concatenate([w.layers for w in works]),
        Counts(**{event: side_by_side(event) for event in ap.EVENTS if event in occurring}),
        np.concatenate([w.rows for w in works]),
        None if works[0].segment is None else np.concatenate([w.segment for w in works]),
    )


def _gemm_phases(
    g: Geometry, w: np.ndarray, a: np.ndarray, words: Words, counts: CountSet
) -> dict[str, list[Work]]:
    """Phases of the weighted layers: products in folds, then densely packed outputs."""
    exact = counts == "microcode"
    dots, folds = g.parts.dots, g.parts.folds
    total, scaled = g.storage.sum_bits(w, a), ~g.storage.summed
    out = np.where(scaled, words.bits, 1)  # where a sum is the output nothing is scaled
    dense, left = g.dense_folds(dots), g.parts.rows_left(counts)
    load = load_operands(g, w + a)
    carry = ap.load(total) * left + ap.add(total) * (left - 1)
    read = ap.read(total).repeat(folds, dots * left) + ap.read(words.kept).repeat(dense, dots)
    m, scaled_bits = ap.scale_bits(out), columns.scaled_columns(total, out, g.chip.columns)
    scale = ap.load(m) + ap.requantise(np.where(scaled, scaled_bits, 1), m, out + SIGN)
    bias = ap.load(total) + ap.add(total)
    if exact:  # flag, carries and the product's columns are cleared along with a load
        free = np.minimum(total, g.chip.columns - (w + a))  # the rest is cleared after multiplying
        load = load + ap.clear_along(g.products * free)
        carry = carry + ap.clear_along(left)
        bias = bias + ap.clear_along(1)
        scale = scale + ap.clear_along(m + 1)
    multiply = ap.multiply(w, a, (True, False)).repeat(folds, g.products)
    each = {
        "load": (load, g.products),
        "multiply": (multiply, g.products),
        "reduce": (_reduce(g, w + a, total, counts), g.products),
        "read": (read, dots * g.parts.splits),
        "carry": (carry.repeat(dense, dots), dots),
        "bias": (bias.repeat(dense, dots), dots),
        "requantise": ((scale * scaled).repeat(dense, dots), dots * scaled),
    }
    works = {phase: [Work(g.storage.index, work, rows)] for phase, (work, rows) in each.items()}
    if g.chip.ap_kind != "1d":
        work, rows = each["reduce"]
        segment = segment_rows(g.parts.part, g.chip)
        works["reduce"] = [Work(g.storage.index, work, rows, segment)]
    return works


def _reduce(g: Geometry, product: np.ndarray, total: np.ndarray, counts: CountSet) -> Counts:
    """Extend the products' signs over the columns that the sum grows by; add up their rows.

    On a 1D AP signs are extended level by level, but over what a part of a sum does not grow by.
    """
    if counts == "published":
        return g.parts.reduce(total, counts)
    growth, folds = g.storage.growth, g.parts.folds
    over = product + total > g.chip.columns  # the sum grows over the operands: a clear
    reduce = g.parts.reduce(total, counts, signed=True)
    reduce = reduce + ap.clear(growth, over).repeat(folds, g.products)
    if g.chip.ap_kind != "1d":
        return reduce + ap.sign_extend(growth).repeat(folds, g.products)
    return reduce + g.parts.each(lambda rows: ap.sign_extend(growth - ap.levels(rows)).over(rows))
