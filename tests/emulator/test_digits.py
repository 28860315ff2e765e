"""The trained digits network: committed data as documented, and accuracy on the emulator."""

import numpy as np
import pytest
from reproduction.studies import oracle

from bfimna import BfimnaError, Precision, data
from bfimna.emulator import digits
from bfimna.emulator.infer import infer
from bfimna.emulator.integer import check, integer_format

from .. import onnx_integers


def test_test_images_are_scikit_learn_s():
    datasets = pytest.importorskip("sklearn.datasets")
    source = datasets.load_digits()
    test = np.arange(len(source.target)) % 5 == 0
    np.testing.assert_array_equal(data.digits()["images"], digits.pixels(source.images[test]))
    np.testing.assert_array_equal(digits.labels(), source.target[test])


@pytest.mark.parametrize("name", digits.trained())
def test_integers_fit_their_bits(name):
    check(integer_format(digits.network(), digits.precision(name)), digits.parameters(name))


@pytest.mark.parametrize(("name", "least"), [("int8", 0.97), ("int4", 0.95), ("int2", 0.75)])
def test_accuracy_on_the_emulator_and_in_two_oracles(name, least):
    network, bits, own = digits.network(), digits.precision(name), digits.parameters(name)
    x = digits.images(bits)
    logits, _ = infer(network, own, x, bits)
    expected = oracle.infer(network, own, x, bits)["fc"][:, :, 0, 0]
    np.testing.assert_array_equal(logits, expected)
    np.testing.assert_array_equal(logits, onnx_integers.infer(network, own, x, bits))
    assert digits.accuracy(logits) > least


def test_post_training_bits_lose_little_at_8_bits():
    network, bits = digits.network(), Precision.fixed(digits.network(), 8)
    own = digits.post_training(bits)
    check(integer_format(network, bits), own)
    logits = oracle.infer(network, own, digits.images(bits), bits)["fc"][:, :, 0, 0]
    assert digits.accuracy(logits) > 0.97


def test_unknown_precision_is_named():
    with pytest.raises(BfimnaError, match="Known: int2, int3"):
        digits.precision("int5")


@pytest.mark.parametrize(
    ("logits", "labels"),
    [
        (np.full((360, 10), np.nan), None),
        (np.where(np.eye(360, 10) == 1, np.inf, 0.0), None),
        (np.zeros((1, 10)), None),
        (np.zeros((360, 10)), np.array([0])),
        (np.zeros((360, 10)), np.full(360, 0.5)),
        (np.zeros(10), None),
        (np.zeros((360, 0)), None),
        (np.zeros((0, 10)), np.zeros(0, int)),
    ],
)
def test_accuracy_takes_finite_logits_and_one_digit_per_image(logits, labels):
    with pytest.raises(BfimnaError, match=r"logits|digits"):
        digits.accuracy(logits, labels)


@pytest.mark.parametrize(
    "wrong",
    [
        {"parameters": None},
        {"network": None},
        {"precision": "int4"},
        {"chip": "LR"},
        {"threads": float("nan")},
        {"threads": -1},
        {"emulator": "x"},
        {"images": [[1], [1, 2]]},
        {"images": np.zeros((1, 1, 8, 8))},
        {"images": None},
    ],
)
def test_misuse_of_infer_is_an_error(wrong):
    bits = digits.precision("int4")
    own = {"network": digits.network(), "parameters": digits.parameters("int4"),
           "images": digits.images(bits)[:1], "precision": bits}  # fmt: skip
    with pytest.raises(BfimnaError):
        infer(**{**own, **wrong})


@pytest.mark.parametrize(("right", "images"), [(0, 7), (40, 40), (342, 360)])
def test_the_ends_of_an_accuracy_s_interval_solve_wilson_s_equation(right, images):
    """At either end, the measured share lies 1.645 standard deviations from the true one."""
    share = right / images
    low, high = digits.accuracy_interval(share, images)
    assert 0 <= low <= share + 1e-12
    assert share - 1e-12 <= high <= 1
    for end in (low, high):
        deviation = abs(share - end)
        allowed = 1.6448536 * (end * (1 - end) / images) ** 0.5
        assert deviation == pytest.approx(allowed, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize(("share", "images", "named"), [
    (97.5, 40, "97.5"), (float("nan"), 40, "nan"), (0.5, 0, "images"), (0.5, 2.5, "2.5"),
])  # fmt: skip
def test_an_accuracy_that_is_no_share_has_no_interval(share, images, named):
    with pytest.raises(BfimnaError, match=named):
        digits.accuracy_interval(share, images)
