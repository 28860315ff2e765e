"""The chip, and what it holds: clusters of computing and memory arrays on a mesh.

A cluster holds CAPs (computing, 2D APs) and MAPs (memory) on one bus; the clusters form a square
mesh. Model document, section 3.
"""

from dataclasses import dataclass, fields
from math import isqrt
from typing import TYPE_CHECKING, Literal, get_args

from bfimna.ap.counts import Amount, ApKind
from bfimna.display import html_table, quantity
from bfimna.errors import (
    BfimnaError,
    Check,
    among,
    check_field_names,
    check_fields,
    or_none,
    positive_number,
    shown,
    truth,
    whole,
)

if TYPE_CHECKING:
    from bfimna.network.graph import Network

Weights = Literal["resident", "streamed", "auto"]
Activations = Literal["resident", "spilled"]
LoadMode = Literal["latched", "by row"]
Latch = Literal["row", "booth"]
Clears = Literal["own cycle", "with load"]
MOST_IMAGES = 2**20  # in a batch


#: field → its check; limits are far above what can be built
_CHECKS: dict[str, Check] = {
    "clusters": whole(0, 2**40),  # 0: as many as needed
    "caps_per_cluster": whole(1, 2**20),
    "maps_per_cluster": whole(0, 2**20),
    **dict.fromkeys(("rows", "columns", "bus_bits", "mesh_bits", "mats"), whole(1, 2**20)),
    "clock_hz": positive_number,
    "multicast": truth,
    "overlap": truth,
    "ap_kind": among("AP kind", get_args(ApKind)),
    "weights": among("place of the weights", get_args(Weights)),
    "activations": among("place of the activations", get_args(Activations)),
    "load_mode": among("load mode", get_args(LoadMode)),
    "latch": among("latch", get_args(Latch)),
    "clears": among("time of the clears", get_args(Clears)),
    **dict.fromkeys(("max_power_density_w_per_m2", "max_current_a"), or_none(positive_number)),
    **dict.fromkeys(("max_driven_keys", "match_segments"), or_none(whole(1, 2**20))),
}
#: limits of what air cools and a supply delivers: those of data/published/limits.csv
LIMITS = {"max_power_density_w_per_m2": 1e6, "max_current_a": 1000.0}


@dataclass(frozen=True, kw_only=True, repr=False)
class Chip:
    """Geometry and interconnect of a chip; every field by keyword.

    Parameters
    ----------
    name : what results call it.
    clusters : on a square mesh; 0 for as many as the largest layer needs (IR).
    caps_per_cluster : computing arrays in a cluster.
    maps_per_cluster : memory arrays in a cluster.
    rows : of an array.
    columns : of an array; 72 hold 16 + 16 + 32 bits, carry and flags.
    ap_kind : kind of the CAPs: "1d", "2d" or "2d-segmented".
    bus_bits : width of a cluster's bus.
    mesh_bits : width of a mesh link.
    clock_hz : of buses and mesh.
    multicast : a fold's distinct operands cross a cluster's bus once; otherwise every copy does.
    weights : "resident" in the MAPs, whether they fit or not, "streamed" from DRAM once a batch and
        layer, or "auto": as many as fit beside the live activations resident, the rest streamed.
    activations : "spilled", what the MAPs cannot hold of the live tensors goes to DRAM and comes
        back, images come from there, and results go there; or "resident", whether they fit or not.
    overlap : the next fold's operands move while this one computes (double buffering).
    load_mode : "latched", a fold's operands wait in latches and are written column by column, or
        "by row", without latches, a CAP's rows one after the other.
    latch : "row", a row's latches bring its bits to the cells, or "booth", they also select 0, ±1
        or ±2 times an operand by three bits of another, and only in every third row.
    clears : what a load clears along in all rows takes its "own cycle", a write before the load, or
        goes "with load", in its first cycle.
    mats : parts of an array along its rows; a row's write drives the columns of one.
    match_segments : columns of a segment of the rows' match lines, a divisor of `columns`:
        multiplying attaches only the segments that its columns need. None: one line over all.
    max_power_density_w_per_m2, max_current_a : limits of the whole chip, leakage included; a
        layer's phase that would exceed one takes longer, until it meets it. None: no limit.
    max_driven_keys : key columns that a pass may drive; None for any number. A network with a pass
        that drives more is refused.

    Raises
    ------
    BfimnaError
        For a field that is not known, given by position, or out of its range.
    """

    name: str = "LR"
    clusters: int = 64
    caps_per_cluster: int = 64
    maps_per_cluster: int = 1
    rows: int = 4800
    columns: int = 72
    ap_kind: ApKind = "2d-segmented"
    bus_bits: int = 1024
    mesh_bits: int = 1024
    clock_hz: float = 1e9
    multicast: bool = True
    weights: Weights = "auto"
    activations: Activations = "spilled"
    overlap: bool = False
    load_mode: LoadMode = "latched"
    latch: Latch = "row"
    clears: Clears = "own cycle"
    mats: int = 16
    max_power_density_w_per_m2: float | None = LIMITS["max_power_density_w_per_m2"]
    max_current_a: float | None = LIMITS["max_current_a"]
    max_driven_keys: int | None = None
    match_segments: int | None = None

    def __new__(cls, *by_position: object, **fields: object) -> "Chip":
        """Refuse what the generated ``__init__`` would answer with a bare TypeError."""
        if by_position:
            raise BfimnaError(
                f"Chip takes its fields by keyword, not {shown(by_position[0])}: want "
                "Chip.limited(), Chip.unlimited(), load_chip(name) or Chip(name=..., rows=...)"
            )
        check_field_names("a chip", fields, cls)
        return super().__new__(cls)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise BfimnaError(f"a chip's name must be text, not {shown(self.name)}")
        check_fields(self, f"chip {shown(self.name)}: ", _CHECKS)
        if self.columns % (self.match_segments or self.columns):
            raise BfimnaError(
                f"chip {shown(self.name)}: match_segments={self.match_segments} does not divide "
                f"the {self.columns} columns; want a divisor, or None for one line"
            )

    @classmethod
    def limited(cls) -> "Chip":
        """LR: 8 × 8 clusters of 8 × 8 CAPs of 4800 rows.

        >>> Chip.limited().product_rows
        19660800
        """
        return cls(name="LR")

    @classmethod
    def paper(cls) -> "Chip":
        """LR as the paper assumes: all fits the MAPs, clears are free, power has no limit."""
        return cls(
            name="paper", weights="resident", activations="resident", clears="with load",
            max_power_density_w_per_m2=None, max_current_a=None,
        )  # fmt: skip

    @classmethod
    def unlimited(cls) -> "Chip":
        """IR: as many CAPs as the largest layer needs, so that every layer takes one fold.

        A cluster brings its MAPs along; weights and tensors share those of all clusters.
        """
        return cls(name="IR", clusters=0)

    def __repr__(self) -> str:
        told = ("name", "clusters", "caps_per_cluster", "rows", "columns")
        given = {f.name: (getattr(self, f.name), f.default) for f in fields(self)}
        own = [
            f"{name}={value!r}"
            for name, (value, default) in given.items()
            if value != default and name not in told
        ]
        size = f"{self.clusters} clusters of" if self.clusters else "clusters as needed, each of"
        return (
            f"<Chip {self.name}: {size} {self.caps_per_cluster} CAPs of {self.rows} × "
            f"{self.columns} cells{'; ' if own else ''}{', '.join(own)}>"
        )

    def _repr_html_(self) -> str:
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        values["clock_hz"] = quantity(self.clock_hz, "Hz")
        return html_table(repr(self)[1:-1], ("field", "value"), values.items())

    @property
    def caps(self) -> int:
        """CAPs on the chip (0 where the network decides)."""
        return self.clusters * self.caps_per_cluster

    @property
    def product_rows(self) -> int:
        """Rows of all CAPs: products that one fold can hold."""
        return self.caps * self.rows

    @property
    def segments(self) -> int:
        """Segments of a row's match line.

        >>> Chip.limited().segments, Chip(match_segments=12).segments
        (1, 6)
        """
        return self.columns // (self.match_segments or self.columns)

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

    def sized_for(self, network: "Network", batch: int) -> "Chip":
        """Return the chip itself, or for IR one with clusters enough for the largest layer.

        By the paper's mapping; a plan has the chip that its own mapping needs.
        """
        from bfimna.mapping.mapping import Mapping, sized

        return sized(self, network, Mapping.paper(), batch)


def columns_needed(weight_bits: Amount, activation_bits: Amount) -> Amount:
    """Columns that a product takes: operands, product, carry and two flags.

    >>> columns_needed(16, 16)
    67
    """
    return 2 * (weight_bits + activation_bits) + 3
