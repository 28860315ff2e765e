"""The plan: network × chip × mapping resolved once, for any widths.

`plan` holds all that no width changes; `Plan.at` adds the widths, as arrays, so that one plan
prices one precision or ten thousand. The model prices what `at` returns, the emulator executes it,
the search varies the widths: nothing of it is derived twice. Model document, section 3.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from bfimna.ap import counts as ap
from bfimna.ap.counts import CountSet
from bfimna.ap.lowering import LOOP_TABLES
from bfimna.errors import BfimnaError, instance, whole_number, wrong_type
from bfimna.mapping.chip import MOST_IMAGES, Chip
from bfimna.mapping.layer_batches import layer_batch, reduced_work
from bfimna.mapping.lowered import Products
from bfimna.mapping.mapping import Mapping, sized
from bfimna.mapping.match_lines import cut, detached
from bfimna.mapping.memory import Residency, residency
from bfimna.mapping.schedule import Schedule
from bfimna.mapping.storage import Storage, freeze, storage
from bfimna.mapping.work import PHASES, Traffic, Work, joined
from bfimna.network.bits import Bits
from bfimna.network.graph import Network
from bfimna.network.precision import Precision
from bfimna.operators import OPERATORS
from bfimna.operators.operator import LayerBatch, Operator
from bfimna.operators.words import Words

#: most key columns that a pass of a sum, product, maximum or clamp drives
TABLE_KEYS = max(len(step.key) for lut in LOOP_TABLES.values() for step in lut.passes)
WIDEST_SUM = 64  # columns of a sum: what one integer of the emulator holds


@dataclass(frozen=True, eq=False, repr=False)
class Plan:
    """A network on a chip by a mapping, for a batch of images.

    Attributes
    ----------
    chip : with clusters enough for the network, where it has as many as needed (IR).
    storage : how tensors are stored.
    products : the matrix products, as the mapping lowers them.
    batches : the layers of each kind without products, with their operator.
    utilisation : share of the rows that hold operands of products, over all folds.
    """

    network: Network
    chip: Chip
    mapping: Mapping
    batch: int
    storage: Storage
    products: Products
    batches: tuple[tuple[Operator, LayerBatch], ...]
    utilisation: np.ndarray

    def __repr__(self) -> str:
        segments = self.chip.match_segments
        lines = "" if segments is None else f", match lines in segments of {segments} columns"
        return (
            f"<Plan: {self.network.name} on {self.chip.name}, batch {self.batch}, mapping "
            f"{self.mapping.name}: {len(self.network.matmuls)} products in "
            f"{int(self.products.folds.sum())} folds{lines}>"
        )

    @property
    def own_mapping(self) -> str:
        """The mapping as the end of a title, empty for the paper's."""
        return "" if self.mapping == Mapping.paper() else f", mapping {self.mapping.name}"

    def _repr_html_(self) -> str:
        return self.at(Precision.fixed(self.network, 8))._repr_html_()

    def at(
        self, bits: Precision | Sequence[Precision] | Bits, counts: CountSet = "microcode"
    ) -> Schedule:
        """Return the plan at given widths.

        Parameters
        ----------
        bits : a precision, several of them, or arrays of widths.
        counts : "microcode", what bit-exact programs take, or "published", the literature's.

        Raises
        ------
        BfimnaError
            For a precision of another network, words that need more columns than an array has, or
            a pass that drives more keys than the chip allows.

        Examples
        --------
        >>> from bfimna.network import zoo
        >>> net = zoo.resnet18()
        >>> schedule = plan(net, Chip.limited()).at(Precision.fixed(net, 8))
        >>> int(schedule.phases["multiply"].counts.compares[0]), int(schedule.folds[0])
        (1799, 7)
        """
        ap.check_count_set(counts)
        if counts == "published" and not self.mapping.published:
            raise BfimnaError(
                f"no published counts of mapping {self.mapping.name!r}; want counts='microcode'"
            )
        widths = _as_bits(self.network, bits)
        words = self.storage.words(widths)
        own = words.at(self.storage.index)
        self._check_columns(widths, words, own)
        self._check_keys(words)
        freeze(words)
        return Schedule(self, widths, counts, words)

    def fits(self, bits: Bits) -> np.ndarray:
        """Whether the chip can run each product at given widths, shape (..., products)."""
        own = self.storage.words(bits).at(self.storage.index)
        narrow = self.storage.sum_bits(bits) <= WIDEST_SUM
        return self.products.fits(bits, own) & narrow

    def work(self, bits: Bits, words: Words, counts: CountSet) -> dict[str, Work]:
        """Return the AP's work by phase; see `Schedule.phases`."""
        own = words.at(self.storage.index)
        works = {phase: [work] for phase, work in self.products.work(bits, own, counts).items()}
        for operator, batch in self.batches:
            assert operator.counts is not None
            here = words.at(batch.index)
            program = operator.counts(batch, here, counts)
            works.setdefault(operator.phase, []).append(Work(batch.index, program, batch.elements))
            if operator.over_rows is not None:
                reduced = operator.over_rows(batch, here, counts)
                if np.any(reduced.cycles):
                    work = reduced_work(operator, batch, here, reduced, self.chip)
                    works["reduce"].append(work)
        own_cycle = self.chip.clears == "own cycle"
        phases = {
            phase: joined([work.settled(own_cycle) for work in works[phase]])
            for phase in PHASES
            if phase in works
        }
        if self.chip.segments > 1:
            free = detached(self.chip, self.products.columns(bits, own))
            at = self.storage.index
            phases["multiply"] = cut(phases["multiply"], free, self.products.folds, at)
        for work in phases.values():
            freeze(work, work.counts, work.mode)
        return phases

    def residency(self, bits: Bits, words: Words) -> Residency:
        """Return what of the weights and tensors the MAPs hold, and what moves to and from DRAM."""
        index = self.storage.index
        lies = residency(self.network, self.chip, self.batch, bits, words, index)
        freeze(lies)
        return lies

    def traffic(self, bits: Bits, words: Words, counts: CountSet, dram_bits: np.ndarray) -> Traffic:
        """Return what moves over the clusters' buses, the mesh, and to and from DRAM.

        Parameters
        ----------
        dram_bits : of each layer of the network, from `residency`.

        Operands cross the mesh, from MAPs spread evenly over the clusters, and then the bus of the
        cluster that computes; results cross its bus. Biases and scales, a few words a layer, are
        left out.
        """
        chip, index = self.chip, self.storage.index
        layers, moved = [index], [self.products.moved(bits, words.at(index), counts)]
        for operator, batch in self.batches:
            assert operator.moved is not None
            here = words.at(batch.index)
            moved.append(operator.moved(batch, here, chip.multicast, counts))
            layers.append(batch.index)
        taken, returned = (np.concatenate(part, axis=-1) for part in zip(*moved, strict=True))
        at = np.concatenate(layers)
        traffic = Traffic(at, taken + returned, taken * chip.mean_hops, dram_bits[..., at])
        freeze(traffic)
        return traffic

    def driven_keys(self, words: Words) -> tuple[str, int]:
        """Return the most key columns that a pass drives, and the layer that runs it."""
        most = self.network.matmul_names[0], TABLE_KEYS
        for operator, batch in self.batches:
            if operator.keys is not None:
                keys = operator.keys(words.bits[..., batch.index])
                if (own := int(keys.max())) > most[1]:
                    most = batch.layers[_widest(keys)].name, own
        return most

    def _check_keys(self, words: Words) -> None:
        limit = self.chip.max_driven_keys
        layer, keys = self.driven_keys(words)
        if limit is not None and keys > limit:
            raise BfimnaError(
                f"layer {layer!r} drives {keys} key columns in a pass; chip {self.chip.name!r} "
                f"allows max_driven_keys={limit}"
            )

    def _check_columns(self, bits: Bits, words: Words, own: Words) -> None:
        """Raise for the first layer and phase that needs more columns than an array has."""
        names = self.network.matmul_names
        for phase, needed in self.products.columns(bits, own):
            self._check_fits(names, phase, needed)
        total = self.storage.sum_bits(bits)
        if total.max() > WIDEST_SUM:
            k = _widest(total)
            raise BfimnaError(
                f"layer {names[k]!r}: a sum of {total[..., k].max()} bits is too wide; "
                f"at most {WIDEST_SUM} bits"
            )
        for operator, batch in self.batches:
            assert operator.columns is not None
            needed = operator.columns(batch, words.bits[..., batch.index])
            self._check_fits([layer.name for layer in batch.layers], operator.phase, needed)

    def _check_fits(self, names: Sequence[str], phase: str, needed: np.ndarray) -> None:
        if needed.max(initial=0) > self.chip.columns:
            k = _widest(needed)
            raise BfimnaError(
                f"layer {names[k]!r} needs {needed[..., k].max()} columns in phase "
                f"{phase}; chip {self.chip.name!r} has {self.chip.columns}"
            )


def plan(network: Network, chip: Chip, mapping: Mapping | None = None, batch: int = 1) -> Plan:
    """Resolve a network on a chip: what serves every precision.

    Parameters
    ----------
    mapping : of the matrix products; the paper's unless given.
    batch : images that share the weights.

    Raises
    ------
    BfimnaError
        For a batch below 1, or a network without matrix products.

    Examples
    --------
    >>> from bfimna.network import zoo
    >>> plan(zoo.resnet18(), Chip.limited())
    <Plan: resnet18 on LR, batch 1, mapping paper: 21 products in 114 folds>
    """
    instance("network", network, Network)
    instance("chip", chip, Chip)
    mapping = Mapping.paper() if mapping is None else instance("mapping", mapping, Mapping)
    batch = whole_number("batch", batch, 1, MOST_IMAGES)
    if not network.matmuls:
        raise BfimnaError(f"network {network.name!r} has no convolution or linear layer to place")
    return _plan(network, sized(chip, network, mapping, batch), mapping, batch)


@lru_cache(maxsize=256)
def _plan(network: Network, chip: Chip, mapping: Mapping, batch: int) -> Plan:
    stored = storage(network)
    products = mapping.lower(stored, chip, batch)
    if not products.takes.all():
        name = network.matmul_names[int(np.argmin(products.takes))]
        raise BfimnaError(
            f"layer {name!r}: mapping {mapping.name!r} lays out products with weights only; want "
            "Mapping.paper() or Mapping.fused() for a product of two activations"
        )
    kinds = {layer.kind for layer in network.layers}
    batches = tuple(
        (operator, layer_batch(network, kind, stored, batch, chip, mapping.adder))
        for kind, operator in OPERATORS.items()
        if kind in kinds and operator.run is not None
    )
    used = products.operand_rows / (products.folds * chip.product_rows)
    resolved = Plan(network, chip, mapping, batch, stored, products, batches, used)
    freeze(resolved)
    for _, x in batches:
        freeze(x, x.sums)
    return resolved


def _as_bits(network: Network, bits: Precision | Sequence[Precision] | Bits) -> Bits:
    if isinstance(bits, Bits):
        return bits
    if isinstance(bits, Precision):
        return Bits.from_precision(network, bits)
    several = isinstance(bits, Sequence) and len(bits) > 0
    if not several or not all(isinstance(p, Precision) for p in bits):
        raise wrong_type("bits of a plan", bits, "a Precision, several of them, or Bits")
    return Bits.from_precisions(network, bits)


def _widest(needed: np.ndarray) -> int:
    return int(np.argmax(needed.reshape(-1, needed.shape[-1]).max(axis=0)))
