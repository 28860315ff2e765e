"""One layer of a network: its kind, its fields, and the tensor that it makes of its inputs."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal, get_args

from bfimna.errors import BfimnaError, as_int, one_of, shown, truth, whole_number
from bfimna.operators import ADDRESSING as ADDRESSING
from bfimna.operators import OPERATORS, PRODUCTS
from bfimna.operators.shapes import Shape

MAX_ELEMENTS = 2**40  # of one tensor: beyond it counts would leave the exact range of a float
MAX_SUMMED = 2**30  # words of one sum: beyond it a sum is wider than any AP program is counted for

#: every kind of layer, and how many inputs it takes (None: any number from 2)
KINDS: dict[str, int | None] = {kind: operator.inputs for kind, operator in OPERATORS.items()}
Lifetime = Literal["inference", "kept"]


#: fields that are tuples of whole numbers, and how many they hold (None: any number)
_LENGTHS = {"kernel": 2, "stride": 2, "padding": 4, "dilation": 2, "size": None}


LARGEST = 2**40  # number in a layer: far above any network's, far below what overflows a count


@dataclass(frozen=True)
class Tensor:
    """What a layer makes of one image.

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
    inputs : names of the layers whose tensors it takes.
    channels : output channels of a convolution, output features of a linear layer, channels of the
        input or of a view; 0 where they follow from the inputs.
    kernel, stride, dilation : (height, width). An LRN's kernel is (channels that it adds up, 1).
    padding : (top, left, bottom, right).
    groups : convolution groups; the input's channels for a depthwise convolution.
    ceil : pooling windows that overhang the border count (``ceil_mode``).
    size : an input's or a view's dimensions after the channels, (height, width) of an image. A view
        is any selection, repetition or reordering of its input's elements, and constants:
        transpose, reshape, pad, slice, upsample.
    lifetime : of its tensor, see `Tensor`.
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

    def __post_init__(self) -> None:
        """Make NumPy's integers Python's, which never wrap, and lists tuples; `check` judges."""
        for what in _LENGTHS:
            given = getattr(self, what)
            if isinstance(given, tuple | list) and (
                type(given) is list or {*map(type, given)} != {int}
            ):
                object.__setattr__(self, what, tuple(map(as_int, given)))
        for what in ("channels", "groups"):
            if type(getattr(self, what)) is not int:
                object.__setattr__(self, what, as_int(getattr(self, what)))
        if isinstance(self.inputs, list):
            object.__setattr__(self, "inputs", tuple(self.inputs))

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return the shape of the tensor that the layer makes of tensors of these shapes."""
        return OPERATORS[self.kind].shape(self, shapes)

    def check_size(self, shapes: Sequence[Shape], made: Shape) -> None:
        """Raise if the layer makes a tensor, or adds up words, beyond what is counted exactly."""
        if prod(made) > MAX_ELEMENTS:
            raise BfimnaError(
                f"layer {self.name!r}: a tensor of {made} is larger than {MAX_ELEMENTS} elements"
            )
        inner = shapes[0][0] // self.groups if self.kind in PRODUCTS else 1
        if prod(self.kernel) * inner > MAX_SUMMED:
            raise BfimnaError(
                f"layer {self.name!r} adds up more than {MAX_SUMMED} words for one output"
            )

    def check(self) -> None:
        """Raise if the layer by itself makes no sense."""
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
        declares = self.kind in ("input", "view", *PRODUCTS)
        for what, length in _LENGTHS.items():
            numbers, least = getattr(self, what), 0 if what == "padding" else 1
            if not isinstance(numbers, tuple) or len(numbers) != (length or len(numbers)):
                many = f"{length} " if length else ""
                raise BfimnaError(
                    f"{where}: {what} must be {many}whole numbers, not {shown(numbers)}"
                )
            for number in numbers:
                if type(number) is not int or not least <= number <= LARGEST:  # else costs too much
                    _check_number(f"{where}: {what}", number, least)
        _check_number(f"{where}: groups", self.groups, 1)
        _check_number(f"{where}: channels", self.channels, 1 if declares else 0)
        truth(f"{where}: ceil", self.ceil)
        one_of(f"lifetime of {where}", self.lifetime, get_args(Lifetime))


def _check_number(what: str, value: object, least: int) -> None:
    if whole_number(what, value, least) > LARGEST:
        raise BfimnaError(f"{what} must be at most {LARGEST}, not {shown(value)}")
