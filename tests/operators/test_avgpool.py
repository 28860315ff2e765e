"""Average pooling: a stream and a reduction over rows, by hand, and over rows that are split."""

from dataclasses import replace

import pytest

from bfimna import Chip, Precision
from bfimna.ap import counts as ap
from bfimna.network.graph import Builder

from ..emulated import check_counts, compare
from ..networks import placed


@pytest.mark.parametrize("bits", [5, 16])
def test_a_stream_s_mean_by_hand(bits):
    """3 × 3 words without a sign: a sum of 4 columns more, which is multiplied by b / 2^c."""
    b = Builder("mean", (2, 9, 9))
    b.conv("end", b.pool("mean", b.relu(b.conv("c", b.input, 2, 1)), 3, 3, kind="avgpool"), 1, 1)
    work = placed(b.network(), bits, ap_kind="1d").phases["pool"].counts
    width, m = bits + 4, bits + 1
    want = ap.load(bits) * 9 + ap.add(width) * 8 + ap.clear_along(4 + 4 + 1) + ap.load(m)
    if bits == 5:  # product and carry beside the sum
        want = want + ap.multiply(width, m) + ap.clear_along(width + m)
    else:  # 3 · 20 + 17 columns are more than 72: each column of the sum is cleared and taken over
        want = want + ap.multiply(width + 1, m, (True, False)) + ap.clear_along(m + 2)
        want = want + ap.clear(1) * width
    want = (want + ap.read(bits)).settled(own_cycle=True)
    for event in ap.EVENTS:
        times = 1 if event in ap.CYCLES else 2 * 9
        assert getattr(work, event) == pytest.approx(times * getattr(want, event)), event


def test_every_word_of_a_window_takes_a_row_of_a_mean_over_rows():
    b = Builder("global", (32, 7, 7))
    b.linear("fc", b.flatten(b.pool("mean", b.conv("c", b.input, 32, 1), 7, 7, kind="avgpool")), 10)
    work = placed(b.network()).phases["reduce"]
    names = [b.network().layers[k].name for k in work.layers]
    assert dict(zip(names, work.rows.tolist(), strict=True)) == {
        "c": 32 * 49 * 32, "fc": 10 * 32, "mean": 32 * 49
    }  # fmt: skip


@pytest.mark.parametrize(("side", "limit"), [(7, 1400), (112, 3100)])
def test_large_means_are_taken_over_rows(side, limit):
    """A stream of 112 × 112 words takes 2.3 million cycles."""
    b = Builder("global", (32, side, side))
    x = b.pool("mean", b.relu(b.conv("c", b.input, 32, 1)), side, side, kind="avgpool")
    b.linear("fc", b.flatten(x), 10)
    assert float(placed(b.network()).phases["pool"].counts.cycles[0]) < limit
    stream = placed(b.network(), ap_kind="1d").phases["pool"].counts.cycles
    assert float(stream[0]) > 90 * side**2


def test_a_large_mean_over_split_rows():
    """48 × 48 words on arrays of 1000 rows: three parts of 768."""
    b = Builder("global", (1, 48, 48))
    b.pool("mean", b.conv("c", b.input, 2, 1), 48, 48, kind="avgpool")
    network, chip = b.network(), replace(Chip.paper(), name="short", rows=1000)
    precision = Precision.fixed(network, 4)
    report = compare(network, precision, chip=chip)
    check_counts(network, precision, report, chip, 2)
    assert report.activity["mean", "reduce"].counts.shifts > 0
