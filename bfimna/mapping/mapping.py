"""How a network's matrix products are laid out on a chip: what a mapping decides, as a value.

A mapping *lowers* products: it says what is stationary and where each operand lies, how often the
chip is filled, which programs run on how many rows, what moves, and how the emulator runs the same
steps. All else asks the lowered products (`Products`) and names no mapping.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil
from typing import Any, get_args

from bfimna.ap.addition import Adder
from bfimna.errors import BfimnaError, instance, one_of, truth, whole_number
from bfimna.mapping.chip import MOST_IMAGES, Chip
from bfimna.mapping.lowered import Products
from bfimna.mapping.storage import Storage
from bfimna.network.graph import Network
from bfimna.network.matmul import Matmul

MOST_PRODUCTS = 2**20  # of a dot product in a row


@dataclass(frozen=True)
class Bound:
    """A function with the parameters of a mapping, as a value.

    Attributes
    ----------
    function : takes the arguments of the call, then the parameters.
    """

    function: Callable[..., Any]
    parameters: tuple[Any, ...] = ()

    def __call__(self, *arguments: Any) -> Any:
        """Call the function with its last arguments."""
        return self.function(*arguments, *self.parameters)


@dataclass(frozen=True)
class Mapping:
    """How products are laid out: what stays, where each operand lies, tile, split and order.

    Attributes
    ----------
    name : what results call it.
    lower : products of a network on a chip, at a batch of images.
    arrays : CAPs that hold all of a product at once, on arrays of so many rows.
    adder : full adder wherever nothing reads one of the two words again, of products and of layers
        without: "four-pass", as in the paper, or "three-pass".
    published : whether the literature's closed forms cover it.

    Examples
    --------
    >>> Mapping.paper().name
    'paper'
    """

    name: str
    lower: Callable[[Storage, Chip, int], Products]
    arrays: Callable[[Matmul, int, int], int]
    adder: Adder = "four-pass"
    published: bool = True

    @classmethod
    def paper(cls, adder: Adder = "four-pass") -> "Mapping":
        """Return the paper's mapping: a row per product, a dot product within an array.

        Parameters
        ----------
        adder : "three-pass" takes fewer cycles than the paper counts, on the same hardware.

        >>> Mapping.paper("three-pass").name
        'paper, three-pass adder'
        """
        from bfimna.mapping.paper import PaperProducts, arrays_needed

        one_of("adder", adder, get_args(Adder))
        name = _with_adder("paper", adder, usual="four-pass")
        lower = Bound(PaperProducts.lower, (adder,))
        return cls(name, lower, arrays_needed, adder, published=adder == "four-pass")

    @classmethod
    def fused(cls, adder: Adder = "three-pass") -> "Mapping":
        """Return the paper's mapping with carry, bias and scale fused into one sum of rows.

        It needs a 2D AP with segments; it has no published counts.

        >>> Mapping.fused().name
        'fused'
        """
        from bfimna.mapping.paper import PaperProducts, arrays_needed

        one_of("adder", adder, get_args(Adder))
        name = _with_adder("fused", adder)
        return cls(
            name, Bound(PaperProducts.lower, (adder, True)), arrays_needed, adder, published=False
        )

    @classmethod
    def stationary(cls, adder: Adder = "three-pass", fused: bool = True) -> "Mapping":
        """Return the paper's mapping with one operand in its rows over all folds of a layer.

        Weights or inputs, whichever moves fewer bits. It needs a 2D AP with segments, latches and
        multicast, as the paper's chip has. It has no published counts.

        Parameters
        ----------
        fused : whether carry, bias and scale are one sum, as in `fused`.

        >>> Mapping.stationary().name
        'stationary operand'
        """
        from bfimna.mapping.paper import arrays_needed
        from bfimna.mapping.stationary import StationaryProducts

        name = _own_name("stationary operand", adder, fused)
        lower = Bound(StationaryProducts.lower, (name, adder, fused))
        return cls(name, lower, arrays_needed, adder, published=False)

    @classmethod
    def accumulating(
        cls, products_per_row: int = 4, adder: Adder = "three-pass", fused: bool = True
    ) -> "Mapping":
        """Return a mapping in which each row adds up several products of a dot product.

        It needs a 2D AP with segments and latches, as the paper's chip has. Where a product finds
        no columns beside the sum, from 12 × 12 bits on there, its parts are added to the sum one by
        one. It has no published counts.

        Parameters
        ----------
        products_per_row : one after the other in each row; all, where a dot product has fewer.
        fused : whether carry, bias and scale are one sum, as in `fused`.

        >>> Mapping.accumulating(8).name
        'accumulating 8 per row'
        """
        from bfimna.mapping.accumulating import AccumulatingProducts, arrays_needed

        t = whole_number("products per row", products_per_row, 1, MOST_PRODUCTS)
        name = _own_name(f"accumulating {t} per row", adder, fused)
        lower = Bound(AccumulatingProducts.lower, (name, t, adder, fused))
        return cls(name, lower, Bound(arrays_needed, (t,)), adder, published=False)

    @classmethod
    def carry_save(
        cls,
        side_by_side: int = 1,
        triples: int = 0,
        adder: Adder = "three-pass",
        fused: bool = True,
    ) -> "Mapping":
        """Return a mapping that adds up Booth's addends in triples of rows, in carry-save form.

        It needs a chip with `latch="booth"` and a 2D AP with segments. It has no published counts.

        Parameters
        ----------
        side_by_side : dot products side by side in the columns of the same rows.
        triples : of rows that share a dot product, or fewer where that does as well; 0 for as many
            as fill the chip once.
        fused : whether carry, bias and scale are one sum, as in `fused`.

        >>> Mapping.carry_save(2).name
        'carry-save, 2 side by side'
        """
        from bfimna.mapping.carry_save import CarrySaveProducts, arrays_needed

        beside = whole_number("side by side", side_by_side, 1, MOST_PRODUCTS)
        parts = whole_number("triples", triples, 0, MOST_PRODUCTS)
        base = "carry-save" + (f", {beside} side by side" if beside > 1 else "")
        own = f", {parts} triple{'s' * (parts > 1)}" if parts else ""
        name = _own_name(base + own, adder, fused)
        lower = Bound(CarrySaveProducts.lower, (name, beside, parts, adder, fused))
        return cls(name, lower, Bound(arrays_needed, (beside, parts)), adder, published=False)

    @classmethod
    def by_layer(
        cls, default: "Mapping", layers: "dict[str, Mapping]", name: str | None = None
    ) -> "Mapping":
        """Return a mapping that lays out each layer by the mapping of its name.

        Parameters
        ----------
        default : of the layers that are not named.
        layers : mappings by the name of a convolution or linear layer.
        name : what results call it; says what it is made of unless given.

        Raises
        ------
        BfimnaError
            For what is no mapping; a network without such a layer is refused by `bf.plan`.

        Examples
        --------
        >>> paper = Mapping.paper()
        >>> Mapping.by_layer(paper, {"conv1": paper}) == paper
        True
        """
        from bfimna.mapping.by_layer import by_layer

        return by_layer(default, layers, name)

    def __repr__(self) -> str:
        return f"<Mapping {self.name}>"


def _own_name(base: str, adder: Adder, fused: bool) -> str:
    """Return a mapping's name, with its adder and outputs where these are not the usual ones."""
    one_of("adder", adder, get_args(Adder))
    name = _with_adder(base, adder)
    return name if truth("fused", fused) else f"{name}, outputs as in the paper"


def _with_adder(name: str, adder: Adder, usual: Adder = "three-pass") -> str:
    """Return a mapping's name, with its adder where that is not the usual one."""
    return name if adder == usual else f"{name}, {adder} adder"


def need(chip: Chip, mapping: str, **fields: object) -> None:
    """Raise unless a chip has what a mapping needs, naming the field that lacks it.

    >>> need(Chip(ap_kind="1d"), "fused", ap_kind="2d-segmented")
    Traceback (most recent call last):
    bfimna.errors.BfimnaError: mapping 'fused' needs ap_kind='2d-segmented'; chip 'LR' has '1d'
    """
    for field, needed in fields.items():
        if getattr(chip, field) != needed:
            raise BfimnaError(
                f"mapping {mapping!r} needs {field}={needed!r}; chip {chip.name!r} has "
                f"{getattr(chip, field)!r}"
            )


def sized(chip: Chip, network: Network, mapping: Mapping, batch: int) -> Chip:
    """Return the chip itself, or for IR one with clusters enough for the largest product."""
    instance("network", network, Network)
    batch = whole_number("batch", batch, 1, MOST_IMAGES)
    return chip if chip.clusters else _sized(chip, network, mapping, batch)


@lru_cache
def _sized(chip: Chip, network: Network, mapping: Mapping, batch: int) -> Chip:
    if not network.matmuls:
        return replace(chip, clusters=1)
    arrays = max(mapping.arrays(product, chip.rows, batch) for product in network.matmuls)
    return replace(chip, clusters=ceil(arrays / chip.caps_per_cluster))
