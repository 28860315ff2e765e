"""One layer of a network: its kind, its fields, and the tensor that it computes."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal, get_args

from bfimna.errors import BfimnaError, as_int, one_of, shown, truth, whole_number
from bfimna.operators import ADDRESSING as ADDRESSING
from bfimna.operators import OPERATORS, PRODUCTS, WEIGHTED
from bfimna.operators.shapes import Shape

MAX_ELEMENTS = 2**40  # of one tensor: of larger ones, floats could not hold counts exactly
MAX_SUMMED = 2**30  # words of one sum: sums of more are wider than any AP program supports

#: every kind of layer, and how many inputs it takes (None: any number from 2)
KINDS: dict[str, int | None] = {kind: operator.inputs for kind, operator in OPERATORS.items()}
Lifetime = Literal["inference", "kept"]
LIFETIMES = get_args(Lifetime)


#: fields that are tuples of whole numbers, and how many they hold (None: any number)
_LENGTHS = {"kernel": 2, "stride": 2, "padding": 4, "dilation": 2, "size": None}

LARGEST = 2**40  # number in a layer: far above any network's, far below overflow of a count


@dataclass(frozen=True)
class Tensor:
    """The tensor that a layer computes from one image.

    Attributes
    ----------
    shape : of any rank.
    lifetime : "inference" (until its last reader has run) or "kept" across inferences (a cache).
    """

    shape: Shape
    lifetime: Lifetime = "inference"

    @property
    def elements(self) -> int:
        """Number of elements."""
        return prod(self.shape)


@dataclass(frozen=True)
class Layer:
    """One node of the graph.

    Parameters
    ----------
    name : unique in its network; torchvision's module path in the zoo.
    kind : one of `KINDS`.
    inputs : names of the layers whose tensors it reads.
    channels : output channels of a convolution, output features of a linear layer, channels of the
        input or of a view; 0 where they follow from the inputs.
    kernel, stride, dilation : (height, width). An LRN's kernel is (number of channels, 1).
    padding : (top, left, bottom, right).
    groups : convolution groups; the input's channels for a depthwise convolution.
    ceil : pooling windows that overhang the border count (``ceil_mode``).
    size : an input's or a view's dimensions after the channels, (height, width) of an image. A view
        is any selection, repetition or reordering of its input's elements and of constants, such as
        a transpose, reshape, pad, slice or upsampling.
    lifetime : of its tensor, see `Tensor`.
    signed : whether an input may be negative; that of other tensors follows from their layers.
    """

    name: str
    kind: str
    inputs: tuple[str, ...] = ()
    channels: int = 0
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1
    ceil: bool = False
    size: tuple[int, ...] = (1, 1)
    lifetime: Lifetime = "inference"
    signed: bool = False

    def __post_init__(self) -> None:
        """Turn NumPy's integers into Python's, which cannot overflow, and lists into tuples."""
        for what in _LENGTHS:
            values = getattr(self, what)
            if isinstance(values, tuple | list) and (
                type(values) is list or {*map(type, values)} != {int}
            ):
                object.__setattr__(self, what, tuple(map(as_int, values)))
        for what in ("channels", "groups"):
            if type(getattr(self, what)) is not int:
                object.__setattr__(self, what, as_int(getattr(self, what)))
        if isinstance(self.inputs, list):
            object.__setattr__(self, "inputs", tuple(self.inputs))

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return the shape of the layer's tensor for inputs of these shapes."""
        return OPERATORS[self.kind].shape(self, shapes)

    def check_size(self, shapes: Sequence[Shape], result: Shape) -> None:
        """Raise if the layer's tensor or sums are too large to be counted exactly."""
        if prod(result) > MAX_ELEMENTS:
            raise BfimnaError(
                f"layer {self.name!r}: a tensor of {result} is larger than {MAX_ELEMENTS} elements"
            )
        inner = shapes[0][0] // self.groups if self.kind in PRODUCTS else 1
        if prod(self.kernel) * inner > MAX_SUMMED:
            raise BfimnaError(
                f"layer {self.name!r} adds up more than {MAX_SUMMED} words for one output"
            )

    def check(self) -> None:
        """Raise for fields that are invalid whatever the inputs."""
        where = f"layer {shown(self.name)}"
        if not isinstance(self.name, str) or not isinstance(self.kind, str):
            raise BfimnaError(
                f"{where}: name and kind must be text, not {shown((self.name, self.kind))}"
            )
        if self.kind not in KINDS:
            raise BfimnaError(
                f"{where}: unknown kind {shown(self.kind)}; known: {', '.join(KINDS)}"
            )
        if not isinstance(self.inputs, tuple) or not all(isinstance(x, str) for x in self.inputs):
            raise BfimnaError(
                f"{where}: inputs must be a tuple of layers' names, not {shown(self.inputs)}"
            )
        count = KINDS[self.kind]
        if len(self.inputs) != count if count is not None else len(self.inputs) < 2:
            raise BfimnaError(
                f"{where} ({self.kind}) takes {count if count is not None else '2 or more'} "
                f"inputs, not {len(self.inputs)}"
            )
        self._check_numbers(where)

    def _check_numbers(self, where: str) -> None:
        declares = self.kind in ("input", "view", *WEIGHTED)
        for what, length in _LENGTHS.items():
            numbers, least = getattr(self, what), 0 if what == "padding" else 1
            if not isinstance(numbers, tuple) or len(numbers) != (length or len(numbers)):
                many = f"{length} " if length else ""
                raise BfimnaError(
                    f"{where}: {what} must be {many}whole numbers, not {shown(numbers)}"
                )
            for number in numbers:
                if type(number) is not int or not least <= number <= LARGEST:  # the call is costly
                    _check_number(f"{where}: {what}", number, least)
        _check_number(f"{where}: groups", self.groups, 1)
        _check_number(f"{where}: channels", self.channels, 1 if declares else 0)
        truth(f"{where}: ceil", self.ceil)
        if truth(f"{where}: signed", self.signed) and self.kind != "input":
            raise BfimnaError(f"{where}: signed is for inputs, not for a layer of kind {self.kind}")
        if type(self.lifetime) is not str or self.lifetime not in LIFETIMES:  # else costs too much
            one_of(f"lifetime of {where}", self.lifetime, LIFETIMES)


def _check_number(what: str, value: object, least: int) -> None:
    if whole_number(what, value, least) > LARGEST:
        raise BfimnaError(f"{what} must be at most {LARGEST}, not {shown(value)}")
