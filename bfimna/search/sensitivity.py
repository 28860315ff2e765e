"""What quantising a layer costs in accuracy, to second order: Ω = mean Hessian trace × error.

HAWQ-V3's measure (model document, section 2: data/hawq_v3). Ω ranks choices; it is no accuracy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from bfimna import data
from bfimna.errors import BfimnaError
from bfimna.network.graph import Network

#: one bit less makes a uniform quantiser's step twice, its squared error four times as large
ERROR_PER_BIT = 4.0


@dataclass(frozen=True)
class Sensitivity:
    """Mean Hessian trace and squared weight error of each layer at the widths where it is known.

    Between two known widths the error is interpolated log-linearly, so that it meets both; beyond
    them it goes on as 4^-bits. HAWQ-V3 gives 4 and 8 bits: every other width is an estimate, and
    `basis` says so.

    Parameters
    ----------
    trace : layer → mean trace of the loss's Hessian over that layer's weights.
    error : layer → bits → ‖quantised - weights‖².
    fixed : layer → bits, for layers that the search leaves alone (HAWQ-V3: first and last, 8 bits).

    Examples
    --------
    >>> s = Sensitivity({"conv": 0.5}, {"conv": {4: 8.0}})
    >>> s.of("conv", 4), s.of("conv", 3), s.basis({"conv": 3})
    (4.0, 16.0, 'interpolated')
    """

    trace: Mapping[str, float]
    error: Mapping[str, Mapping[int, float]]
    fixed: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.error:
            raise BfimnaError("a sensitivity needs at least one layer whose bits are to be chosen")
        for layer, errors in self.error.items():
            if not errors or not all(e > 0 and np.isfinite(e) for e in errors.values()):
                raise BfimnaError(
                    f"layer {layer!r}: the quantisation errors must be finite and above 0, not "
                    f"{dict(errors)}"
                )
            if not 0 <= self.trace.get(layer, -1.0) < np.inf:
                raise BfimnaError(
                    f"layer {layer!r}: the mean Hessian trace must be a finite number of at least "
                    f"0, not {self.trace.get(layer)}"
                )

    def of(self, layer: str, bits: int) -> float:
        """Return Ω of a layer at a width."""
        errors = self.error[layer]
        widths = sorted(errors)
        nearest = min(max(bits, widths[0]), widths[-1])
        if nearest in errors:
            error = errors[nearest] * ERROR_PER_BIT ** (nearest - bits)
        else:
            error = np.exp(np.interp(bits, widths, [np.log(errors[b]) for b in widths]))
        return float(self.trace[layer] * error)

    def basis(self, bits: Mapping[str, int]) -> str:
        """Return "known" if the error of every layer at its width is given, else "interpolated"."""
        free = (layer for layer in bits if layer not in self.fixed)
        return "known" if all(bits[x] in self.error[x] for x in free) else "interpolated"

    def table(self, layers: Sequence[str], choices: Sequence[int]) -> np.ndarray:
        """Ω of each layer at each choice, shape (layers, choices); 0 for layers that are fixed."""
        return np.array(
            [[0.0 if x in self.fixed else self.of(x, b) for b in choices] for x in layers]
        )

    def total(self, bits: Mapping[str, int]) -> float:
        """Return Ω of a choice: the sum over the layers that are not fixed."""
        return sum(self.of(layer, b) for layer, b in bits.items() if layer not in self.fixed)

    def check(self, network: Network) -> None:
        """Raise unless every weighted layer of the network is covered or fixed, and no other."""
        covered = set(self.error) | set(self.fixed)
        if missing := [x for x in network.gemm_names if x not in covered]:
            raise BfimnaError(
                f"no sensitivity for {len(missing)} layers of {network.name}: "
                f"{', '.join(missing)}; give their trace and error, or fix their bits"
            )
        if odd := sorted(covered - set(network.gemm_names)):
            raise BfimnaError(
                f"sensitivity of {odd[0]!r}, which is no weighted layer of {network.name}"
            )


def hawq_sensitivity(network: Network) -> Sensitivity:
    """Return HAWQ-V3's published sensitivities; its first and last layer stay at 8 bits.

    >>> from bfimna.network import zoo
    >>> hawq_sensitivity(zoo.resnet18()).fixed
    {'conv1': 8, 'fc': 8}
    """
    rows = list(data.hawq_sensitivity(network.name).itertuples())
    trace = {r.layer: r.mean_hessian_trace for r in rows}
    error = {r.layer: {8: r.weight_error_int8_l2sq, 4: r.weight_error_int4_l2sq} for r in rows}
    fixed = {name: 8 for name in network.gemm_names if name not in trace}
    return Sensitivity(trace, error, fixed)
