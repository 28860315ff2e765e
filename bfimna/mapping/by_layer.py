"""Mappings chosen layer by layer: each product laid out by the mapping of its own layer.

Every mapping lowers the whole network; of what it says, the products of its own layers are taken.
So a choice is priced and emulated by the mappings that it is made of.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from bfimna.ap.counts import CountSet
from bfimna.errors import BfimnaError, instance, unknown, wrong_type
from bfimna.mapping.chip import Chip
from bfimna.mapping.lowered import OutputBench, ProductBench, Products, ProductStep
from bfimna.mapping.mapping import Mapping as ProductMapping
from bfimna.mapping.storage import Storage
from bfimna.mapping.work import PHASES, Work, joined
from bfimna.network.bits import Bits
from bfimna.network.matmul import Matmul
from bfimna.operators.operator import Moved
from bfimna.operators.words import Words


def by_layer(
    default: ProductMapping, layers: Mapping[str, ProductMapping], name: str | None = None
) -> ProductMapping:
    """Return a mapping that lays out some layers in ways of their own; see `Mapping.by_layer`."""
    instance("default mapping", default, ProductMapping)
    if not isinstance(layers, Mapping):
        raise wrong_type("mappings by layer", layers, "a mapping of layers' names to mappings")
    for layer, mapping in layers.items():
        instance("name of a layer", layer, str)
        instance(f"mapping of layer {layer!r}", mapping, ProductMapping)
    if name is not None and not (isinstance(name, str) and name):
        raise wrong_type("name of a mapping", name, "text")
    own: dict[str, ProductMapping] = dict(_flat(default).layers)
    for layer, mapping in layers.items():
        if isinstance(mapping.lower, _Choice):
            raise BfimnaError(
                f"layer {layer!r}: mapping {mapping.name!r} is one by layer itself; name the "
                "mapping of this layer"
            )
        own[layer] = mapping
    base = _flat(default).default
    own = {layer: mapping for layer, mapping in own.items() if mapping != base}
    if not own:
        return base
    chosen = tuple(sorted(own.items()))
    if name is None:
        others = ", ".join(sorted({mapping.name for mapping in own.values()}))
        name = f"{base.name}, {len(own)} layer{'s' * (len(own) > 1)} by {others}"
    published = base.published and all(mapping.published for mapping in own.values())
    lower, arrays = _Lower(base, chosen), _Arrays(base, chosen)
    return ProductMapping(name, lower, arrays, base.adder, published)


@dataclass(frozen=True)
class _Choice:
    """Which mapping lays out which layer.

    Attributes
    ----------
    default : of all other layers.
    layers : names of layers, each with its mapping.
    """

    default: ProductMapping
    layers: tuple[tuple[str, ProductMapping], ...]


class _Lower(_Choice):
    """Called, the products of a network as the layers' mappings lower them."""

    def __call__(self, storage: Storage, chip: Chip, batch: int) -> Products:
        names = storage.network.matmul_names
        own = dict(self.layers)
        for layer in own:
            if layer not in names:
                raise unknown(
                    f"layer with a mapping in network {storage.network.name!r}:", layer, names
                )
        chosen = [own.get(name, self.default) for name in names]
        mappings = list(dict.fromkeys(chosen))
        which = np.array([mappings.index(mapping) for mapping in chosen])
        lowered = tuple(mapping.lower(storage, chip, batch) for mapping in mappings)
        return ByLayerProducts(storage, lowered, which)


class _Arrays(_Choice):
    """Called, the CAPs that hold all of a product at once."""

    def __call__(self, product: Matmul, rows: int, batch: int) -> int:
        own = dict(self.layers).get(product.layer.name, self.default)
        return own.arrays(product, rows, batch)


def _flat(mapping: ProductMapping) -> _Choice:
    """Return a mapping as a choice by layer."""
    return mapping.lower if isinstance(mapping.lower, _Choice) else _Choice(mapping, ())


@dataclass(frozen=True, eq=False)
class ByLayerProducts:
    """A network's products, each as the mapping of its layer lowers it.

    Attributes
    ----------
    lowered : the network's products by each mapping.
    which : the number of each product's mapping, shape (products,).
    """

    placement = "as the layer's mapping says"

    storage: Storage
    lowered: tuple[Products, ...]
    which: np.ndarray

    def of(self, number: int) -> Products:
        """Return the lowered products that hold for a product."""
        return self.lowered[self.which[number]]

    def _pick(self, amounts: list[np.ndarray]) -> np.ndarray:
        """Take each product's amount from its own mapping; arrays of shape (..., products)."""
        shape = np.broadcast_shapes(*map(np.shape, amounts))
        every = np.stack([np.broadcast_to(amount, shape) for amount in amounts])
        return np.take_along_axis(every, np.broadcast_to(self.which, shape)[None], axis=0)[0]

    @property
    def folds(self) -> np.ndarray:
        """Times that the chip is filled."""
        return self._pick([products.folds for products in self.lowered])

    @property
    def operand_rows(self) -> np.ndarray:
        """Rows that hold operands, over all folds."""
        return self._pick([products.operand_rows for products in self.lowered])

    @property
    def takes(self) -> np.ndarray:
        """Whether each product's own mapping can lay it out."""
        return self._pick([products.takes for products in self.lowered])

    # ---- closed form -------------------------------------------------------------------------

    def columns(self, bits: Bits, words: Words) -> list[tuple[str, np.ndarray]]:
        """Return the columns that each phase of each mapping needs; 0 for others' layers."""
        return [
            (phase, np.where(self.which == k, needed, 0))
            for k, products in enumerate(self.lowered)
            for phase, needed in products.columns(bits, words)
        ]

    def fits(self, bits: Bits, words: Words) -> np.ndarray:
        """Whether the chip can run each product by its own mapping, shape (..., products)."""
        return self._pick([products.fits(bits, words) for products in self.lowered])

    def work(self, bits: Bits, words: Words, counts: CountSet) -> dict[str, Work]:
        """Return the AP's work by phase, each product's by its own mapping."""
        index = self.storage.index
        works: dict[str, list[Work]] = {}
        for k, products in enumerate(self.lowered):
            own = index[self.which == k]
            for phase, work in products.work(bits, words, counts).items():
                for part in work.by_mode():
                    some = np.flatnonzero(np.isin(part.layers, own))
                    if len(some):
                        works.setdefault(phase, []).append(part.some(some))
        return {phase: joined(works[phase]) for phase in PHASES if phase in works}

    def moved(self, bits: Bits, words: Words, counts: CountSet) -> Moved:
        """Return bits that operands bring to the clusters, and bits that results return."""
        moved = [products.moved(bits, words, counts) for products in self.lowered]
        taken, returned = zip(*moved, strict=True)
        return self._pick(list(taken)), self._pick(list(returned))

    def tile(self, number: int, bits: Bits) -> str:
        """Return the part of a product's result that a cluster computes in a fold, in words."""
        return self.of(number).tile(number, bits)

    # ---- emulated pass -----------------------------------------------------------------------

    def sum_rows(self, step: ProductStep) -> int:
        """Rows that `accumulate` leaves of each sum."""
        return self.of(step.number).sum_rows(step)

    def array_rows(self, step: ProductStep) -> int:
        """Rows of the largest array that `accumulate` asks for, for each dot product."""
        return self.of(step.number).array_rows(step)

    def excess(self, step: ProductStep, weights: np.ndarray) -> np.ndarray | int:
        """Return what each channel's sums are too large by, by the mapping of the step's layer."""
        return self.of(step.number).excess(step, weights)

    def accumulate(self, bench: ProductBench, step: ProductStep) -> Iterator[np.ndarray]:
        """Multiply and add up on the emulator, by the mapping of the step's layer."""
        return self.of(step.number).accumulate(bench, step)

    def finish(self, bench: OutputBench, step: ProductStep) -> np.ndarray:
        """Complete the sums on the emulator, by the mapping of the step's layer."""
        return self.of(step.number).finish(bench, step)
