"""What quantising a layer costs in accuracy, to second order: Ω = mean Hessian trace × error.

HAWQ-V3's measure (model document, section 2: data/hawq_v3). Ω ranks choices; it is no accuracy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from bfimna import data
from bfimna.errors import BfimnaError, instance, is_number, shown, unknown, whole_number, wrong_type
from bfimna.network.graph import Network
from bfimna.network.precision import MAX_BITS

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
        for what, values in (("trace", self.trace), ("error", self.error), ("fixed", self.fixed)):
            _check_mapping(f"{what} of a sensitivity", values)
        if not self.error:
            raise BfimnaError("a sensitivity needs at least one layer whose bits are to be chosen")
        error = {layer: _errors(layer, errors) for layer, errors in self.error.items()}
        trace = {layer: _trace(layer, self.trace.get(layer)) for layer in error}
        fixed = {layer: _width(layer, bits) for layer, bits in self.fixed.items()}
        for name, values in (("error", error), ("trace", trace), ("fixed", fixed)):
            object.__setattr__(self, name, values)

    def of(self, layer: str, bits: int) -> float:
        """Return Ω of a layer at a width."""
        errors, bits = self._errors_of(layer), _width(layer, bits)
        widths = sorted(errors)
        nearest = min(max(bits, widths[0]), widths[-1])
        if nearest in errors:
            error = errors[nearest] * ERROR_PER_BIT ** (nearest - bits)
        else:
            error = float(np.exp(np.interp(bits, widths, [np.log(errors[b]) for b in widths])))
        return self.trace[layer] * error

    def _errors_of(self, layer: str) -> Mapping[int, float]:
        if not isinstance(layer, str) or layer not in self.error:
            raise unknown("layer of the sensitivity", layer, self.error)
        return self.error[layer]

    def basis(self, bits: Mapping[str, int]) -> str:
        """Return "known" if the error of every layer at its width is given, else "interpolated"."""
        _check_mapping("bits", bits)
        free = (layer for layer in bits if layer not in self.fixed)
        return "known" if all(bits[x] in self._errors_of(x) for x in free) else "interpolated"

    def table(self, layers: Sequence[str], choices: Sequence[int]) -> np.ndarray:
        """Ω of each layer at each choice, shape (layers, choices); 0 for layers that are fixed."""
        return np.array(
            [[0.0 if x in self.fixed else self.of(x, b) for b in choices] for x in layers]
        )

    def total(self, bits: Mapping[str, int]) -> float:
        """Return Ω of a choice: the sum over the layers that are not fixed."""
        _check_mapping("bits", bits)
        return sum(self.of(layer, b) for layer, b in bits.items() if layer not in self.fixed)

    def check(self, network: Network) -> None:
        """Raise unless every weighted layer of the network is covered or fixed, and no other."""
        instance("network", network, Network)
        covered = set(self.error) | set(self.fixed)
        if missing := [x for x in network.gemm_names if x not in covered]:
            raise BfimnaError(
                f"no sensitivity for {len(missing)} of {network.name}'s layers: "
                f"{', '.join(missing)}; give their trace and error, or fix their bits (fixed=)"
            )
        if odd := sorted(covered - set(network.gemm_names)):
            raise BfimnaError(
                f"sensitivity of {odd[0]!r}, which is no weighted layer of {network.name}"
            )


def _check_mapping(what: str, values: object) -> None:
    if not isinstance(values, Mapping):
        raise wrong_type(what, values, "a mapping by layer")


def _errors(layer: str, errors: Mapping[int, float]) -> dict[int, float]:
    try:
        found = {
            _width(layer, bits): float(error) if is_number(error) else 0.0
            for bits, error in errors.items()
        }
    except (AttributeError, OverflowError):
        found = {}
    if not found or not all(0 < error < np.inf for error in found.values()):
        raise BfimnaError(
            f"layer {layer!r}: the quantisation errors must be finite and above 0, by bits from "
            f"1 to {MAX_BITS}, not {shown(errors)}"
        )
    return found


def _trace(layer: str, trace: float | None) -> float:
    try:
        value = float(trace) if is_number(trace) else np.nan  # type: ignore[arg-type]
    except OverflowError:
        value = np.inf
    if not 0 <= value < np.inf:
        raise BfimnaError(
            f"layer {layer!r}: the mean Hessian trace must be a finite number of at least 0, not "
            f"{shown(trace)}"
        )
    return value


def _width(layer: str, bits: int) -> int:
    return whole_number(f"bits of layer {layer!r}", bits, 1, MAX_BITS)


def hawq_sensitivity(network: Network) -> Sensitivity:
    """Return HAWQ-V3's published sensitivities; its first and last layer stay at 8 bits.

    Raises
    ------
    BfimnaError
        For another network than HAWQ-V3's two, or where the table lacks a layer between them.

    >>> from bfimna.network import zoo
    >>> hawq_sensitivity(zoo.resnet18()).fixed
    {'conv1': 8, 'fc': 8}
    """
    instance("network", network, Network)
    rows = data.hawq_sensitivity(network.name).set_index("layer")
    trace = {str(layer): float(trace) for layer, trace in rows.mean_hessian_trace.items()}
    error = {
        layer: {b: float(rows[f"weight_error_int{b}_l2sq"][layer]) for b in (8, 4)}
        for layer in trace
    }
    ends = (network.gemm_names[0], network.gemm_names[-1])
    sensitivity = Sensitivity(trace, error, {name: 8 for name in ends if name not in trace})
    sensitivity.check(network)
    return sensitivity
