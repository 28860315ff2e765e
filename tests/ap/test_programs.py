"""Programs refuse words without columns, of wrong widths, or that overlap."""

import pytest

import bfimna as bf
from bfimna.ap import programs
from bfimna.ap.array import Array


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: programs.saturate(range(4), 0, 5), "bits must be a whole number"),
        (lambda: programs.saturate(range(4), 4, 5), "no more than 4 bits"),
        (lambda: programs.saturate(range(4), 3, 2), r"saturate: column ranges overlap in \[2\]"),
        (lambda: programs.relu(range(4, 4)), "relu: a word without columns"),
        (lambda: programs.add(range(-1, 3), range(4, 8), 8), "add: column -1; columns count"),
        (lambda: programs.subtract(range(2), range(2, 5), 8), "subtract: words of .* want equal"),
        (lambda: programs.maximum(range(2), range(2, 4), 4, 4), r"maximum: .* overlap in \[4\]"),
        (lambda: programs.maximum(range(2), range(2, 5), 5, 6), "maximum: words of .* want equal"),
        (
            lambda: programs.multiply(range(2), range(2, 4), range(4, 8), (True, True)),
            "needs a borrow column",
        ),
        (
            lambda: programs.multiply(range(2), range(2, 4), range(4, 8), borrow=7),
            r"multiply: column ranges overlap in \[7\]",
        ),
        (lambda: programs.requantise(range(8, 12), range(3), -1, 2, 20), "shift must be"),
        (lambda: programs.requantise(range(8, 12), range(3), 6, 2, 20), "no more than 2 bits"),
        (lambda: programs.requantise(range(8, 12), range(4), 0, 2, 9), "requantise: .* overlap"),
        (lambda: programs.scale_up(range(2, 6), range(6, 9)), "scale_up: column -2"),
        (lambda: programs.scale_up(range(4, 6), range(3)), "scale_up: .* overlap in"),
        (lambda: programs.look_up(range(2), range(2, 4), (0, 1)), "2 results for a word of 2"),
        (lambda: programs.copy(range(2), range(2, 5)), "want equal ones"),
        (lambda: programs.copy(range(2), range(1, 3)), r"copy: column ranges overlap in \[1\]"),
        (lambda: programs.sign_extend(3, range(2, 5)), "sign_extend: .* overlap"),
        (lambda: programs.reduce(Array(1, 3), range(4), 4), "reduce: rows must be a whole number"),
        (
            lambda: programs.reduce_1d(Array(1, 3), range(3), range(3, 6), 6, 2, False),
            "reduce_1d: words of 4 columns needed and one beside them, not of 3, and 3 beside",
        ),
    ],
)
def test_invalid_words_are_refused(call, message):
    with pytest.raises(bf.BfimnaError, match=message):
        call()


def test_equal_programs_are_one():
    first, again = (programs.add(range(3), range(3, 6), 6) for _ in range(2))
    assert first is again
    assert hash(first) == hash(tuple(first))
