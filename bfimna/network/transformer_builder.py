"""Builds transformers of layers: attention, MLPs, norms, rotary embeddings.

Tokens are the positions of an image of height 1, (features, 1, tokens), so that linear layers are
1 × 1 convolutions. Heads are groups: attention takes keys and queries as (d, heads, tokens), has
its scores as (keys, heads, queries), over whose channels a softmax runs, and takes values as
(keys, heads, d). In between lie views, which only address; what each addresses is recorded, for the
emulator.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from bfimna.errors import BfimnaError
from bfimna.network.graph import Builder
from bfimna.network.layer import Layer
from bfimna.operators.constants import Constants
from bfimna.operators.shapes import Shape

#: from the positions of a view's input, in its shape, to those of its elements
Order = Callable[[np.ndarray], np.ndarray]


class TransformerBuilder(Builder):
    """Builds transformers layer by layer; each method returns the last layer's name."""

    def __init__(self, name: str, shape: Shape, signed: bool = False) -> None:
        super().__init__(name, shape)
        self.layers = [replace(self.layers[0], signed=signed)]
        self._orders: dict[str, Order] = {}

    def addresses(self) -> dict[str, Constants]:
        """Return what each view of the network addresses, as constants for the emulator."""
        network = self.network()
        inputs = {name: network.shapes[network[name].inputs[0]] for name in self._orders}
        places = {name: np.arange(np.prod(shape)).reshape(shape) for name, shape in inputs.items()}
        return {
            name: Constants(index=np.ascontiguousarray(order(places[name])).ravel())
            for name, order in self._orders.items()
        }

    def then(self, name: str, kind: str, *sources: str) -> str:
        """Append a layer of a kind without fields."""
        return self.append(Layer(name, kind, sources))

    def kept(self, name: str, channels: int, size: tuple[int, ...]) -> str:
        """Append an input that is kept across inferences, of signed words."""
        return self.append(
            Layer(name, "input", channels=channels, size=size, lifetime="kept", signed=True)
        )

    def view(self, name: str, source: str, shape: Shape, order: Order) -> str:
        """Append another order of a tensor's elements."""
        self._orders[name] = order
        return self.append(Layer(name, "view", (source,), shape[0], size=shape[1:]))

    def split(self, name: str, source: str, heads: int, head: int, tokens: int) -> str:
        """View features as heads, (heads · d, 1, tokens) → (d, heads, tokens)."""
        shape = heads, head, tokens
        order: Order = lambda x: x.reshape(shape).transpose(1, 0, 2)  # noqa: E731
        return self.view(name, source, (head, heads, tokens), order)

    def by_token(self, name: str, source: str, heads: int, head: int, tokens: int) -> str:
        """View features as heads, (heads · d, 1, tokens) → (tokens, heads, d)."""
        shape = heads, head, tokens
        order: Order = lambda x: x.reshape(shape).transpose(2, 0, 1)  # noqa: E731
        return self.view(name, source, (tokens, heads, head), order)

    def reversed(self, name: str, source: str, shape: Shape) -> str:
        """View a tensor's dimensions in reverse order; `shape` is the result's."""
        return self.view(name, source, shape, np.transpose)

    def repeated(self, name: str, source: str, channels: int, heads: int, tokens: int) -> str:
        """View a tensor as the same for every head, (channels, 1, tokens) → (.., heads, ..)."""
        shape = channels, heads, tokens
        return self.view(name, source, shape, lambda x: np.broadcast_to(x, shape))

    def first(self, name: str, source: str, channels: int) -> str:
        """View the first token alone."""
        return self.view(name, source, (channels, 1, 1), lambda x: x[..., :1])

    def layernorm(self, name: str, source: str) -> str:
        """Append a layer norm, its factor and its offset."""
        normed = self.then(name, "layernorm", source)
        return self.then(f"{name}.bias", "bias", self.then(f"{name}.weight", "scale", normed))

    def rmsnorm(self, name: str, source: str) -> str:
        """Append an RMS norm and its factor."""
        return self.then(f"{name}.weight", "scale", self.then(name, "rmsnorm", source))

    def attend(
        self, at: str, operands: tuple[str, str, str], heads: int, head: int, tokens: int,
        mask: str = "",
    ) -> str:  # fmt: skip
        """Append attention.

        Parameters
        ----------
        operands : queries and keys, (d, heads, tokens), and values, (keys, heads, d).
        tokens : that ask.
        mask : of the scores' shape, added to them.
        """
        query, key, value = operands
        scores = self.then(f"{at}.scores", "matmul", key, query)
        if mask:
            scores = self.then(f"{at}.masked", "add", scores, mask)
        weights = self.then(f"{at}.softmax", "softmax", scores)
        values = self.then(f"{at}.values", "matmul", value, weights)
        shape = head * heads, 1, tokens
        order: Order = lambda x: x.transpose(1, 0, 2)  # noqa: E731
        return self.view(f"{at}.joined", values, shape, order)

    def self_attention(
        self, at: str, source: str, heads: int, width: int, tokens: int, mask: str = ""
    ) -> str:
        """Append attention in which every head has keys and values of its own."""
        head = width // heads
        if head * heads != width:
            raise BfimnaError(f"{self.name!r}: {heads} heads do not divide {width} features")
        query, key, value = (
            self.conv(f"{at}.{part}", source, width, 1) for part in ("query", "key", "value")
        )
        shape = heads, head, tokens
        operands = (
            self.split(f"{at}.queries", query, *shape),
            self.split(f"{at}.keys", key, *shape),
            self.by_token(f"{at}.by_key", value, *shape),
        )
        joined = self.attend(at, operands, *shape, mask)
        return self.conv(f"{at}.output", joined, width, 1)

    def mlp(self, at: str, source: str, hidden: int, width: int) -> str:
        """Append two products with a GELU between, which is looked up."""
        inner = self.then(f"{at}.gelu", "lookup", self.conv(f"{at}.fc1", source, hidden, 1))
        return self.conv(f"{at}.fc2", inner, width, 1)

    def gated(self, at: str, source: str, hidden: int) -> str:
        """Append SwiGLU: one product, through a SiLU that is looked up, times another."""
        gate = self.then(f"{at}.silu", "lookup", self.conv(f"{at}.gate", source, hidden, 1))
        return self.then(f"{at}.gated", "mul", gate, self.conv(f"{at}.up", source, hidden, 1))

    def pre_norm(
        self, at: str, source: str, heads: int, width: int, tokens: int, mask: str = ""
    ) -> str:
        """Append a layer whose norms come before attention and MLP."""
        normed = self.layernorm(f"{at}.norm1", source)
        attended = self.self_attention(f"{at}.attention", normed, heads, width, tokens, mask)
        x = self.add(f"{at}.add1", attended, source)
        normed = self.layernorm(f"{at}.norm2", x)
        return self.add(f"{at}.add2", self.mlp(f"{at}.mlp", normed, 4 * width, width), x)

    def rotary(self, at: str, source: str, shape: Shape, cosines: str, sines: str) -> str:
        """Append a rotary embedding: x · cos + (x, its halves swapped) · ±sin."""
        half = shape[0] // 2
        order: Order = lambda x: np.roll(x, half, axis=0)  # noqa: E731
        swapped = self.view(f"{at}.swapped", source, shape, order)
        straight = self.then(f"{at}.cos", "mul", source, cosines)
        return self.add(f"{at}.rotated", straight, self.then(f"{at}.sin", "mul", swapped, sines))
