"""The chip, and what it holds: clusters of computing and memory arrays on a mesh.

A cluster holds CAPs (computing, 2D APs) and MAPs (memory) on one bus; the clusters form a square
mesh. Model document, section 3.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil, isqrt
from typing import Literal, get_args

from bfimna.ap.counts import ApKind
from bfimna.errors import BfimnaError, unknown, whole_number
from bfimna.network.graph import Gemm, Network

Weights = Literal["resident", "streamed"]


@dataclass(frozen=True)
class Chip:
    """Geometry and interconnect of a chip.

    Parameters
    ----------
    name : what results call it.
    clusters : on a square mesh; 0 for as many as the largest layer needs (IR).
    caps_per_cluster, maps_per_cluster : arrays in a cluster.
    rows, columns : of an array; 72 columns hold 16 + 16 + 32 bits, carry and flags.
    ap : kind of the CAPs.
    bus_bits, mesh_bits : width of a cluster's bus and of a mesh link. clock_hz : of both.
    multicast : a fold's distinct operands cross a cluster's bus once; otherwise every copy does.
    weights : "resident" in the MAPs, or "streamed" from DRAM once a batch and layer.
    overlap : the next fold's operands move while this one computes (double buffering).
    """

    name: str = "LR"
    clusters: int = 64
    caps_per_cluster: int = 64
    maps_per_cluster: int = 1
    rows: int = 4800
    columns: int = 72
    ap: ApKind = "2d-segmented"
    bus_bits: int = 1024
    mesh_bits: int = 1024
    clock_hz: float = 1e9
    multicast: bool = True
    weights: Weights = "resident"
    overlap: bool = False

    def __post_init__(self) -> None:
        where = f"chip {self.name!r}:"
        whole_number(f"{where} clusters (0: as many as needed)", self.clusters, 0)
        whole_number(f"{where} CAPs per cluster", self.caps_per_cluster, 1)
        whole_number(f"{where} MAPs per cluster", self.maps_per_cluster, 0)
        for what in ("rows", "columns", "bus_bits", "mesh_bits"):
            whole_number(f"{where} {what}", getattr(self, what), 1)
        if not self.clock_hz > 0:
            raise BfimnaError(f"{where} clock_hz must be above 0, not {self.clock_hz!r}")
        if self.ap not in get_args(ApKind):
            raise unknown("AP kind", self.ap, get_args(ApKind))
        if self.weights not in get_args(Weights):
            raise unknown("place of the weights", self.weights, get_args(Weights))

    @classmethod
    def limited(cls) -> "Chip":
        """LR: 8 × 8 clusters of 8 × 8 CAPs of 4800 rows.

        >>> Chip.limited().product_rows
        19660800
        """
        return cls("LR")

    @classmethod
    def unlimited(cls) -> "Chip":
        """IR: as many CAPs as the largest layer needs, so that every layer takes one fold."""
        return cls("IR", clusters=0)

    @property
    def caps(self) -> int:
        """CAPs on the chip (0 where the network decides)."""
        return self.clusters * self.caps_per_cluster

    @property
    def product_rows(self) -> int:
        """Rows of all CAPs: products that one fold can hold."""
        return self.caps * self.rows

    @property
    def mesh_side(self) -> int:
        """Clusters along a side of the mesh."""
        return isqrt(self.clusters - 1) + 1

    @property
    def mean_hops(self) -> float:
        """Mean distance of two clusters drawn at random, in mesh hops: ⅔ (k - 1/k)."""
        return 2 / 3 * (self.mesh_side - 1 / self.mesh_side)

    @property
    def mesh_links(self) -> int:
        """Directed links of the mesh."""
        return 4 * self.mesh_side * (self.mesh_side - 1)

    @property
    def cells(self) -> int:
        """CAM cells of all CAPs and MAPs."""
        arrays = self.clusters * (self.caps_per_cluster + self.maps_per_cluster)
        return arrays * self.rows * self.columns

    @property
    def map_bits(self) -> int:
        """Bits that the MAPs can hold: what "resident" weights and activations must fit."""
        return self.clusters * self.maps_per_cluster * self.rows * self.columns

    def sized_for(self, network: Network, batch: int) -> "Chip":
        """Return the chip itself, or for IR one with clusters enough for the largest layer."""
        return self if self.clusters else _sized(self, network, batch)


@dataclass(frozen=True)
class Fit:
    """How a weighted layer's dot products fit CAPs.

    Attributes
    ----------
    dots : dot products of the batch. splits : CAPs that share one dot product. part : rows of a
    dot product in one CAP, of the last one `last_part`. per_cap : dot products (or parts) that find
    room side by side in a CAP.
    """

    dots: int
    splits: int
    part: int
    last_part: int
    per_cap: int

    @property
    def caps(self) -> int:
        """CAPs that hold all dot products at once."""
        return -(-self.dots * self.splits // self.per_cap)

    def folds(self, caps: int) -> int:
        """Return how often a chip of so many CAPs is filled."""
        return -(-self.caps // caps)

    def side_by_side(self, caps: int) -> int:
        """Return the dot products (or parts) of a CAP, spread evenly over folds and CAPs."""
        return -(-self.dots * self.splits // (self.folds(caps) * caps))


def fit(gemm: Gemm, rows: int, batch: int) -> Fit:
    """Fit a layer's dot products: ⌊rows / j⌋ in a CAP, or each over ⌈j / rows⌉ CAPs.

    >>> from bfimna.network import zoo
    >>> fit(zoo.resnet18().gemms[1], rows=4800, batch=1)   # j = 64 · 3 · 3 = 576
    Fit(dots=200704, splits=1, part=576, last_part=576, per_cap=8)
    """
    return fit_rows(gemm.j, gemm.layer.groups * gemm.i * gemm.u * batch, rows)


def fit_rows(length: int, sums: int, rows: int) -> Fit:
    """Fit sums of `length` words, one per row."""
    splits = -(-length // rows)
    part = -(-length // splits)
    last = length - part * (splits - 1)
    return Fit(sums, splits, part, last, rows // part if splits == 1 else 1)


@lru_cache
def _sized(chip: Chip, network: Network, batch: int) -> Chip:
    if not network.gemms:
        return replace(chip, clusters=1)
    caps = max(fit(gemm, chip.rows, batch).caps for gemm in network.gemms)
    return replace(chip, clusters=ceil(caps / chip.caps_per_cluster))
