"""What moving a bit costs: the cluster's bus, the mesh, DRAM."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bfimna.technology.check import check_amounts


@dataclass(frozen=True)
class Interconnect:
    """Cost of moving bits, in SI units; the same for every cell technology unless replaced.

    Attributes
    ----------
    bus_j_per_bit : energy of a bit over a cluster's bus.
    mesh_j_per_bit_hop : energy of a bit over one hop of the mesh, router and link.
    link_speed : share of the chip's `clock_hz` that bus and links reach.
    router_area_m2 : area of a router whose links are `router_bits` wide.
    router_bits : width that `router_area_m2` belongs to; the area scales with the chip's width.
    dram_j_per_bit : energy of a bit from DRAM.
    dram_bytes_per_s : bandwidth of the DRAM.
    ranges : field → its (low, high).
    draws : field → (distribution, cause) of its range; see `data/README.md`.
    """

    bus_j_per_bit: float
    mesh_j_per_bit_hop: float
    link_speed: float
    router_area_m2: float
    router_bits: float
    dram_j_per_bit: float
    dram_bytes_per_s: float
    ranges: Mapping[str, tuple[float, float]] = field(
        default_factory=dict, compare=False, repr=False
    )
    draws: Mapping[str, tuple[str, str]] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        check_amounts("interconnect", self, above_zero=("link_speed", "router_bits"))
