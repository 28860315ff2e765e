"""One layer of a network: its kind, and the shape that it makes of its inputs' shapes.

A tensor is (channels, height, width) of one image; a vector has height and width 1, a sequence
height 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from bfimna.errors import BfimnaError, as_int, shown, truth, whole_number

Shape = tuple[int, int, int]

MAX_ELEMENTS = 2**40  # of one tensor: beyond it counts would leave the exact range of a float
MAX_SUMMED = 2**30  # words of one sum: beyond it a sum is wider than any AP program is counted for

GEMM = ("conv", "linear")
POOL = ("maxpool", "avgpool")
#: every kind of layer, and how many inputs it takes (None: any number from 2)
KINDS: dict[str, int | None] = {
    "input": 0,
    "conv": 1,
    "linear": 1,
    "relu": 1,
    "maxpool": 1,
    "avgpool": 1,
    "flatten": 1,
    "add": 2,
    "mul": 2,
    "scale": 1,
    "bias": 1,
    "clip": 1,
    "leakyrelu": 1,
    "hardsigmoid": 1,
    "hardswish": 1,
    "lookup": 1,
    "lrn": 1,
    "concat": None,
    "view": 1,
}
#: kinds that move and compute nothing: their readers address the stored words in another order
ADDRESSING = ("input", "flatten", "concat", "view")


#: fields that are tuples of whole numbers, and how many they hold
_LENGTHS = {"kernel": 2, "stride": 2, "padding": 4, "dilation": 2, "size": 2}


LARGEST = 2**40  # number in a layer: far above any network's, far below what overflows a count


def window_steps(
    size: int, before: int, after: int, kernel: int, stride: int, dilation: int, ceil: bool
) -> int:
    """Return how many windows fit along an axis padded `before` and `after`; 0 where none does.

    With `ceil` one that overhangs the end counts, if it begins on the input or its front padding.

    >>> window_steps(5, 0, 0, 2, 2, 1, False), window_steps(5, 0, 0, 2, 2, 1, True)
    (2, 3)
    """
    steps, rest = divmod(size + before + after - dilation * (kernel - 1) - 1, stride)
    if steps < 0:
        return 0
    return steps + 1 + (ceil and rest > 0 and (steps + 1) * stride < size + before)


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
    size : (height, width) of an input's or a view's tensor. A view is any selection, repetition or
        reordering of its input's elements, and constants: transpose, reshape, pad, slice, upsample.
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
    size: tuple[int, int] = (1, 1)

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
        if self.kind in ("input", "view"):
            return (self.channels, *self.size)
        if self.kind == "concat":
            return self._concatenated(shapes)
        if self.kind == "mul":
            return self._multiplied(shapes)
        if self.kind == "add" and len(set(shapes)) > 1:
            raise BfimnaError(f"layer {self.name!r} adds tensors of different shapes: {shapes}")
        channels, height, width = shapes[0]
        if self.kind == "flatten":
            return (channels * height * width, 1, 1)
        if self.kind == "linear":
            if (height, width) != (1, 1):
                raise BfimnaError(f"layer {self.name!r} is linear on {shapes[0]}: flatten it first")
            return (self.channels, 1, 1)
        if self.kind in ("conv", *POOL):
            if self.kind == "conv" and (channels % self.groups or self.channels % self.groups):
                raise BfimnaError(
                    f"layer {self.name!r}: {channels} → {self.channels} channels cannot be split "
                    f"into {self.groups} groups"
                )
            extent = tuple(self._extent(axis, shapes[0]) for axis in (0, 1))
            return (self.channels or channels, *extent)  # type: ignore[return-value]
        return shapes[0]

    def _concatenated(self, shapes: Sequence[Shape]) -> Shape:
        if len({shape[1:] for shape in shapes}) > 1:
            raise BfimnaError(f"layer {self.name!r} joins tensors of different sizes: {shapes}")
        return (sum(shape[0] for shape in shapes), *shapes[0][1:])

    def _multiplied(self, shapes: Sequence[Shape]) -> Shape:
        small, large = sorted(shapes, key=prod)
        if small not in (large, (large[0], 1, 1)):
            raise BfimnaError(
                f"layer {self.name!r} multiplies {large} by {small}: want the same shape, or one "
                "factor a channel"
            )
        return large

    def _extent(self, axis: int, shape: Shape) -> int:
        before, after = self.padding[axis], self.padding[axis + 2]
        steps = window_steps(
            shape[1 + axis], before, after, self.kernel[axis], self.stride[axis],
            self.dilation[axis], self.ceil,
        )  # fmt: skip
        if not steps:
            reach = self.dilation[axis] * (self.kernel[axis] - 1) + 1
            padded = shape[1 + axis] + before + after
            raise BfimnaError(
                f"layer {self.name!r}: a window of {reach} does not fit {padded} padded pixels of "
                f"its input {shape}"
            )
        return steps

    def check_size(self, shapes: Sequence[Shape], made: Shape) -> None:
        """Raise if the layer makes a tensor, or adds up words, beyond what is counted exactly."""
        if prod(made) > MAX_ELEMENTS:
            raise BfimnaError(
                f"layer {self.name!r}: a tensor of {made} is larger than {MAX_ELEMENTS} elements"
            )
        inner = shapes[0][0] // self.groups if self.kind in GEMM else 1
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
        wanted = KINDS[self.kind]
        if len(self.inputs) != wanted if wanted is not None else len(self.inputs) < 2:
            raise BfimnaError(
                f"{where} ({self.kind}) takes {wanted if wanted is not None else '2 or more'} "
                f"inputs, not {len(self.inputs)}"
            )
        self._check_numbers(where)

    def _check_numbers(self, where: str) -> None:
        given = self.kind in ("input", "view", *GEMM)
        for what, length in _LENGTHS.items():
            numbers, least = getattr(self, what), 0 if what == "padding" else 1
            if not isinstance(numbers, tuple) or len(numbers) != length:
                raise BfimnaError(
                    f"{where}: {what} must be {length} whole numbers, not {shown(numbers)}"
                )
            for number in numbers:
                if type(number) is not int or not least <= number <= LARGEST:  # else costs too much
                    _check_number(f"{where}: {what}", number, least)
        _check_number(f"{where}: groups", self.groups, 1)
        _check_number(f"{where}: channels", self.channels, 1 if given else 0)
        truth(f"{where}: ceil", self.ceil)


def _check_number(what: str, value: object, least: int) -> None:
    if whole_number(what, value, least) > LARGEST:
        raise BfimnaError(f"{what} must be at most {LARGEST}, not {shown(value)}")
