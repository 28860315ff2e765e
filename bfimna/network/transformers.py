"""Transformers by their public shapes: DeiT, ViT, BERT, GPT-2, Llama 3 and Qwen 3.

All that a model adds or multiplies by position (embeddings, a causal mask, the sines of rotary
embeddings) is an input that is kept across inferences; what a language model embeds its tokens in
is its first input. Model document, section 5.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np

from bfimna.errors import unknown, whole_number
from bfimna.network.graph import Network
from bfimna.network.transformer_builder import TransformerBuilder
from bfimna.operators.constants import Constants

PATCH = 16  # pixels along a side
IMAGE = (3, 224, 224)
DEPTH = 12  # layers of all but the decoders
LONGEST = 2**20  # tokens
#: names of language models with the tokens that they run, or that are cached before these
WITH_LENGTHS = re.compile(
    r"(?P<model>bert_base|gpt2|llama3_8b|qwen3_8b)"
    r"(-(?P<tokens>[0-9]{1,9}))?(-after-(?P<context>[0-9]{1,9}))?"
)


@dataclass(frozen=True)
class Decoder:
    """Shape of a language model of the Llama family.

    Attributes
    ----------
    depth : layers.
    width : features of a token.
    heads, kv_heads : of queries, and of keys and values.
    head : features of a head.
    hidden : features between the products of an MLP.
    vocabulary : tokens that the last layer scores.
    normed_heads : whether an RMS norm follows the queries and keys of each head.
    """

    depth: int
    width: int
    heads: int
    kv_heads: int
    head: int
    hidden: int
    vocabulary: int
    normed_heads: bool = False


LLAMA3_8B = Decoder(32, 4096, 32, 8, 128, 14336, 128256)
QWEN3_8B = Decoder(36, 4096, 32, 8, 128, 12288, 151936, normed_heads=True)


def _tokens(tokens: object, usual: int) -> int:
    return usual if tokens is None else whole_number("tokens", tokens, 1, LONGEST)


def _named(name: str, tokens: int, usual: int) -> str:
    return name if tokens == usual else f"{name}-{tokens}"


@lru_cache
def _vision(name: str, width: int, heads: int, special: int) -> TransformerBuilder:
    """Build a vision transformer with so many tokens before the patches."""
    b, side = TransformerBuilder(name, IMAGE), IMAGE[1] // PATCH
    tokens = side**2 + special
    patches = b.conv("patches", b.input, width, PATCH, PATCH)
    b.kept("positions", width, (1, tokens))  # the special tokens' own embeddings included

    def after_zeros(x: np.ndarray) -> np.ndarray:
        before = ((0, 0), (0, 0), (special, 0))
        return np.pad(x.reshape(width, 1, -1), before, constant_values=-1)

    placed = b.view("tokens", patches, (width, 1, tokens), after_zeros)
    x = b.add("embedded", placed, "positions")
    for k in range(DEPTH):
        x = b.pre_norm(f"layer.{k}", x, heads, width, tokens)
    b.linear("head", b.first("class", b.layernorm("norm", x), width), 1000)
    return b


@lru_cache
def _bert(tokens: int | None = None) -> TransformerBuilder:
    tokens, width = _tokens(tokens, 128), 768
    b = TransformerBuilder(_named("bert_base", tokens, 128), (width, 1, tokens), signed=True)
    b.kept("positions", width, (1, tokens))  # with the embedding of the first segment
    x = b.layernorm("norm", b.add("embedded", b.input, "positions"))
    for k in range(DEPTH):
        at = f"layer.{k}"
        attended = b.self_attention(f"{at}.attention", x, 12, width, tokens)
        x = b.layernorm(f"{at}.norm1", b.add(f"{at}.add1", attended, x))
        inner = b.mlp(f"{at}.mlp", x, 4 * width, width)
        x = b.layernorm(f"{at}.norm2", b.add(f"{at}.add2", inner, x))
    b.then("pooler.tanh", "lookup", b.linear("pooler", b.first("first", x, width), width))
    return b


@lru_cache
def _gpt2(tokens: int | None = None) -> TransformerBuilder:
    tokens, width, heads = _tokens(tokens, 128), 768, 12
    b = TransformerBuilder(_named("gpt2", tokens, 128), (width, 1, tokens), signed=True)
    b.kept("positions", width, (1, tokens))
    b.kept("mask", tokens, (1, tokens))
    mask = b.repeated("mask.heads", "mask", tokens, heads, tokens)
    x = b.add("embedded", b.input, "positions")
    for k in range(DEPTH):
        x = b.pre_norm(f"layer.{k}", x, heads, width, tokens, mask)
    b.conv("head", b.layernorm("norm", x), 50257, 1)
    return b


@lru_cache
def decoder(
    name: str, model: Decoder, tokens: int | None = None, context: int = 0
) -> TransformerBuilder:
    """Build a language model of the Llama family; see `llama3_8b`."""
    tokens, context = _tokens(tokens, 512), whole_number("context", context, 0, LONGEST)
    name = _named(name, tokens, 512) + (f"-after-{context}" if context else "")
    b, every = TransformerBuilder(name, (model.width, 1, tokens), signed=True), context + tokens
    for part in ("cos", "sin"):
        b.kept(part, model.head, (1, tokens))
        for heads in {model.heads, model.kv_heads}:
            b.repeated(f"{part}.{heads}", part, model.head, heads, tokens)
    mask = ""
    if tokens > 1:  # a single token attends to all before it
        b.kept("mask", every, (1, tokens))
        mask = b.repeated("mask.heads", "mask", every, model.heads, tokens)
    x = b.input
    for k in range(model.depth):
        at = f"layer.{k}"
        normed = b.rmsnorm(f"{at}.norm1", x)
        attended = _grouped_attention(b, at, normed, model, tokens, context, mask)
        x = b.add(f"{at}.add1", b.conv(f"{at}.output", attended, model.width, 1), x)
        gated = b.gated(at, b.rmsnorm(f"{at}.norm2", x), model.hidden)
        x = b.add(f"{at}.add2", b.conv(f"{at}.down", gated, model.width, 1), x)
    b.conv("head", b.rmsnorm("norm", x), model.vocabulary, 1)
    return b


def _grouped_attention(
    b: TransformerBuilder, at: str, source: str, model: Decoder, tokens: int, context: int,
    mask: str,
) -> str:  # fmt: skip
    """Append attention whose groups of queries share keys and values, some of them cached."""
    head, shared, parts = model.head, model.kv_heads, []
    for part, heads in (("query", model.heads), ("key", shared)):
        own = b.conv(f"{at}.{part}", source, heads * head, 1)
        own = b.split(f"{at}.{part}.heads", own, heads, head, tokens)
        if model.normed_heads:
            own = b.rmsnorm(f"{at}.{part}.norm", own)
        shape = head, heads, tokens
        parts.append(b.rotary(f"{at}.{part}", own, shape, f"cos.{heads}", f"sin.{heads}"))
    query, key = parts
    own = b.conv(f"{at}.value", source, shared * head, 1)
    value = b.by_token(f"{at}.by_key", own, shared, head, tokens)
    if context:
        new = b.reversed(f"{at}.key.by_key", key, (tokens, shared, head))
        both = []
        for part, latest in (("key", new), ("value", value)):
            before = b.kept(f"{at}.{part}.cache", context, (shared, head))
            both.append(b.then(f"{at}.{part}.all", "concat", before, latest))
        keys, value = both
        key = b.reversed(f"{at}.keys", keys, (head, shared, context + tokens))
    return b.attend(at, (query, key, value), model.heads, head, tokens, mask)


_BUILDERS: dict[str, Callable[..., TransformerBuilder]] = {
    "deit_tiny": partial(_vision, "deit_tiny", 192, 3, 2),
    "deit_small": partial(_vision, "deit_small", 384, 6, 2),
    "vit_b16": partial(_vision, "vit_b16", 768, 12, 1),
    "bert_base": _bert,
    "gpt2": _gpt2,
    "llama3_8b": partial(decoder, "llama3_8b", LLAMA3_8B),
    "qwen3_8b": partial(decoder, "qwen3_8b", QWEN3_8B),
}


@lru_cache
def deit_tiny() -> Network:
    """Return DeiT-Ti with class and distillation token, one head.

    >>> deit_tiny().weights, deit_tiny().macs
    (5647872, 1260811776)
    """
    return _BUILDERS["deit_tiny"]().network()


@lru_cache
def deit_small() -> Network:
    """Return DeiT-S with class and distillation token, one head."""
    return _BUILDERS["deit_small"]().network()


@lru_cache
def vit_b16() -> Network:
    """Return ViT-B/16 at 224 × 224."""
    return _BUILDERS["vit_b16"]().network()


@lru_cache
def bert_base(tokens: int | None = None) -> Network:
    """Return BERT-base with its pooler, on so many embedded tokens (128 unless given).

    >>> bert_base(512).name, bert_base(512).macs
    ('bert_base-512', 48318971904)
    """
    return _bert(tokens).network()


@lru_cache
def gpt2(tokens: int | None = None) -> Network:
    """Return GPT-2 (124 M) on so many embedded tokens (128 unless given); it scores every token.

    >>> gpt2().weights, gpt2(1024).macs
    (123532032, 145824153600)
    """
    return _gpt2(tokens).network()


@lru_cache
def llama3_8b(tokens: int | None = None, context: int = 0) -> Network:
    """Return Llama 3 8B on embedded tokens; it scores every token.

    Parameters
    ----------
    tokens : that are run; 512 unless given.
    context : tokens before these, whose keys and values are cached.

    >>> llama3_8b().weights, llama3_8b().macs
    (7504658432, 3911104593920)
    >>> llama3_8b(1, context=4095).name, llama3_8b(1, context=4095).shapes["layer.0.scores"]
    ('llama3_8b-1-after-4095', (4096, 32, 1))
    """
    return _BUILDERS["llama3_8b"](tokens, context).network()


@lru_cache
def qwen3_8b(tokens: int | None = None, context: int = 0) -> Network:
    """Return Qwen 3 8B; see `llama3_8b`."""
    return _BUILDERS["qwen3_8b"](tokens, context).network()


NETWORKS: dict[str, Callable[..., Network]] = {
    f.__name__: f for f in (deit_tiny, deit_small, vit_b16, bert_base, gpt2, llama3_8b, qwen3_8b)
}


def of_length(name: str) -> Network | None:
    """Return the language model of a name with its lengths, or None for any other name.

    >>> of_length("llama3_8b-1-after-4095").shapes["layer.0.keys"], of_length("gpt2-x")
    ((128, 8, 4096), None)
    """
    match = WITH_LENGTHS.fullmatch(name)
    model, tokens, context = match.group("model", "tokens", "context") if match else ("", "", "")
    if context and model in ("bert_base", "gpt2"):  # built without a cache
        return None
    lengths = [int(tokens) if tokens else None, *([int(context)] if context else [])]
    return NETWORKS[model](*lengths) if tokens or context else None


def addresses(name: str, *arguments: int) -> dict[str, Constants]:
    """Return what the views of one of these networks address, as constants for the emulator.

    Parameters
    ----------
    arguments : of the network's function.

    >>> addresses("bert_base", 2)["first"].index[:3]
    array([0, 2, 4])
    """
    if name not in _BUILDERS:
        raise unknown("transformer", name, _BUILDERS)
    return _BUILDERS[name](*arguments).addresses()
