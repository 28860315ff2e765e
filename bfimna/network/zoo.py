"""Networks by name: CNNs at 224 × 224, with torchvision's names and shapes, and transformers."""

from collections.abc import Callable, Sequence
from functools import lru_cache

from bfimna.errors import unknown
from bfimna.network import transformers
from bfimna.network.graph import Builder, Network
from bfimna.network.transformers import (
    bert_base,
    deit_small,
    deit_tiny,
    gpt2,
    llama3_8b,
    qwen3_8b,
    vit_b16,
)

__all__ = [
    "CNNS", "NETWORKS", "alexnet", "bert_base", "deit_small", "deit_tiny", "gpt2", "llama3_8b",
    "load", "qwen3_8b", "resnet18", "resnet50", "resnet50_v1", "vgg16", "vit_b16",
]  # fmt: skip

IMAGENET = (3, 224, 224)


@lru_cache
def alexnet() -> Network:
    """Return AlexNet (torchvision's, without groups).

    >>> alexnet().weights, alexnet().macs
    (61090496, 714188480)
    """
    b = Builder("alexnet", IMAGENET)
    x = b.relu(b.conv("features.0", b.input, 64, 11, 4, 2))
    x = b.pool("features.2", x, 3, 2)
    x = b.relu(b.conv("features.3", x, 192, 5, 1, 2))
    x = b.pool("features.5", x, 3, 2)
    for name, channels in (("features.6", 384), ("features.8", 256), ("features.10", 256)):
        x = b.relu(b.conv(name, x, channels, 3, 1, 1))
    x = b.flatten(b.pool("features.12", x, 3, 2))
    x = b.relu(b.linear("classifier.1", x, 4096))
    x = b.relu(b.linear("classifier.4", x, 4096))
    b.linear("classifier.6", x, 1000)
    return b.network()


@lru_cache
def vgg16() -> Network:
    """Return VGG16.

    >>> vgg16().weights, vgg16().macs
    (138344128, 15470264320)
    """
    b = Builder("vgg16", IMAGENET)
    x, index = b.input, 0
    for channels, repeats in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(repeats):
            x = b.relu(b.conv(f"features.{index}", x, channels, 3, 1, 1))
            index += 2
        x = b.pool(f"features.{index}", x, 2, 2)
        index += 1
    x = b.flatten(x)
    x = b.relu(b.linear("classifier.0", x, 4096))
    x = b.relu(b.linear("classifier.3", x, 4096))
    b.linear("classifier.6", x, 1000)
    return b.network()


def _resnet(name: str, blocks: tuple[int, ...], bottleneck: bool, stride_first: bool) -> Network:
    b = Builder(name, IMAGENET)
    x = b.pool("maxpool", b.relu(b.conv("conv1", b.input, 64, 7, 2, 3)), 3, 2, 1)
    for stage, repeats in enumerate(blocks, start=1):
        width = 32 * 2**stage
        for block in range(repeats):
            stride = 2 if stage > 1 and block == 0 else 1
            at = f"layer{stage}.{block}"
            if bottleneck:
                first, second = (stride, 1) if stride_first else (1, stride)
                y = b.relu(b.conv(f"{at}.conv1", x, width, 1, first))
                y = b.relu(b.conv(f"{at}.conv2", y, width, 3, second, 1))
                y = b.conv(f"{at}.conv3", y, 4 * width, 1)
            else:
                y = b.relu(b.conv(f"{at}.conv1", x, width, 3, stride, 1))
                y = b.conv(f"{at}.conv2", y, width, 3, 1, 1)
            if block == 0 and (stage > 1 or bottleneck):
                x = b.conv(f"{at}.downsample.0", x, width * (4 if bottleneck else 1), 1, stride)
            x = b.relu(b.add(f"{at}.add", y, x), f"{at}.relu")
    x = b.flatten(b.pool("avgpool", x, 7, 1, kind="avgpool"))
    b.linear("fc", x, 1000)
    return b.network()


@lru_cache
def resnet18() -> Network:
    """Return ResNet18.

    >>> resnet18().weights, resnet18().macs
    (11678912, 1814073344)
    """
    return _resnet("resnet18", (2, 2, 2, 2), bottleneck=False, stride_first=False)


@lru_cache
def resnet50() -> Network:
    """Return ResNet50, the stride in a stage's first 3 × 3 convolution.

    >>> resnet50().weights, resnet50().macs
    (25502912, 4089184256)
    """
    return _resnet("resnet50", (3, 4, 6, 3), bottleneck=True, stride_first=False)


@lru_cache
def resnet50_v1() -> Network:
    """Return HAWQ-V3's ResNet50, the stride in a stage's first 1 × 1 convolution."""
    return _resnet("resnet50_v1", (3, 4, 6, 3), bottleneck=True, stride_first=True)


CNNS: dict[str, Callable[..., Network]] = {
    f.__name__: f for f in (alexnet, vgg16, resnet18, resnet50, resnet50_v1)
}
NETWORKS = {**CNNS, **transformers.NETWORKS}


def load(name: object, others: Sequence[str] = ()) -> Network:
    """Return the network of this name; of a language model also with its length in tokens.

    Parameters
    ----------
    others : names that an error lists beside those of the zoo.

    Examples
    --------
    >>> load("bert_base-512").shapes["layer.0.attention.scores"]
    (512, 12, 512)
    >>> load("resnet20")
    Traceback (most recent call last):
    ...
    bfimna.errors.BfimnaError: unknown network 'resnet20'; did you mean 'resnet50'? Known: ...
    """
    if isinstance(name, str) and (language_model := transformers.of_length(name)):
        return language_model
    if not isinstance(name, str) or name not in NETWORKS:
        raise unknown("network", name, [*NETWORKS, *others])
    return NETWORKS[name]()
