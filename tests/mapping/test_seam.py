"""A throw-away mapping and a throw-away kind: what each of them has to touch."""

from dataclasses import replace

import numpy as np
import pytest
from reproduction.studies.exactness import wrong_counts, wrong_tensors

import bfimna as bf
from bfimna.ap import counts as ap
from bfimna.ap import programs
from bfimna.emulator.infer import infer
from bfimna.emulator.quantise import random_images, synthetic
from bfimna.mapping.mapping import Mapping
from bfimna.mapping.paper import PaperProducts
from bfimna.mapping.plan import plan
from bfimna.network.graph import Builder


class TwoPerRow(PaperProducts):
    """Each row multiplies two pairs of a dot product, one after the other, and adds them up."""

    placement = "two products per CAP row"

    @classmethod
    def lower(cls, storage, chip, batch):
        lengths = [-(-product.k // 2) for product in storage.network.matmuls]
        return cls.packing(lengths, storage, chip, batch)

    def columns(self, bits, words):
        _, *after = super().columns(bits, words)
        total = self.storage.sum_bits(bits)
        return [("multiply (two products)", 2 * total + bits.left + bits.right + 1), *after]

    def _load(self, bits, exact):
        one = ap.load(bits.left + bits.right) + ap.clear_along(self.storage.sum_bits(bits))
        carry = ap.clear_along(1)
        return (one * 2 + carry).repeat(self.folds, self.operand_rows)

    def _multiply(self, bits, exact):
        total = self.storage.sum_bits(bits)
        one = ap.multiply(bits.left, bits.right, (True, False))
        one = one + ap.sign_extend(self.storage.growth)
        return (one * 2 + ap.add(total)).repeat(self.folds, self.operand_rows)

    def _reduce(self, bits, counts):
        return self.sums.reduce(self.storage.sum_bits(bits), counts)

    def _parts(self, step):
        length, part = -(-step.matmul.k // 2), int(self.sums.part[step.number])
        return [range(lo, min(lo + part, length)) for lo in range(0, length, part)]

    def accumulate(self, bench, step):
        width, operands = step.width, step.left_bits + step.right_bits
        total, second = range(width), range(width, 2 * width)
        left = range(2 * width, 2 * width + step.left_bits)
        right, carry = range(left.stop, left.stop + step.right_bits), 2 * width + operands
        folds, beside = (int(x[step.number]) for x in (self.folds, self.sums.side_by_side))
        half = -(-step.matmul.k // 2)
        for number, part in enumerate(self._parts(step)):
            array = bench.array(number, len(part), beside)
            for first, word, clear in (
                (part.start, total, total),
                (half + part.start, second, second),
            ):
                bench.load(array, "left", first, left, clear)
                more = range(carry, carry + (word is second))
                array_right = (array, "right", first, right, more)
                bench.load(*array_right)
                bench.account(array, "load", folds, number)
                array.run(programs.multiply(left, right, word[:operands], (True, False)))
                array.run(programs.sign_extend(word[operands - 1], word[operands:]))
                bench.account(array, "multiply", folds, number)
            array.run(programs.add(second, total, carry))
            bench.account(array, "multiply", folds, number)
            rows = programs.reduce(array, total)
            bench.account(array, "reduce", folds, number)
            planes = array.read_planes(total, rows)
            bench.account(array, "read", folds, number)
            bench.record_wear(array, folds)
            yield planes


TWO = Mapping("two per row", TwoPerRow.lower, lambda p, rows, batch: 1)


def network():
    b = Builder("seam", (3, 6, 6))
    x = b.relu(b.conv("odd", b.input, 4, 3, padding=1))  # dot products of 27
    b.linear("even", b.flatten(b.pool("pool", x, 2, 2)), 5)  # and of 36
    return b.network()


@pytest.mark.parametrize("rows", [9, 40, 4800])
@pytest.mark.parametrize("bits", [2, 5])
def test_another_mapping_is_priced_and_emulated_with_no_edit_elsewhere(bits, rows):
    net = network()
    precision = bf.Precision.fixed(net, bits)
    chip = bf.Chip(rows=rows, clusters=2, caps_per_cluster=3)
    own, images = synthetic(net, precision), random_images(net, precision, 2)
    out, report = infer(net, own, images, precision, chip=chip, mapping=TWO, keep=True)
    assert wrong_tensors(net, own, images, precision, out, report, chip) == []
    assert wrong_counts(net, precision, report, chip, 2, TWO) == []
    paper, two = (plan(net, chip, mapping, 2).at(precision) for mapping in (None, TWO))
    assert (two.folds <= paper.folds).all()
    assert two.phases["multiply"].rows.sum() < 0.55 * paper.phases["multiply"].rows.sum()


def test_a_difference_in_one_event_is_seen():
    net = network()
    precision, chip = bf.Precision.fixed(net, 3), bf.Chip(rows=40, clusters=2)
    own, images = synthetic(net, precision), random_images(net, precision, 1)
    _, report = infer(net, own, images, precision, chip=chip, mapping=TWO)
    assert wrong_counts(net, precision, report, chip, 1)  # the paper's mapping did not run


def test_a_plan_shows_what_stays_and_what_moves():
    net = network()
    chosen = plan(net, replace(bf.Chip.limited(), clusters=1))
    assert repr(chosen) == "<Plan: seam on LR, batch 1, mapping paper: 2 products in 2 folds>"
    table = chosen._repr_html_()
    for text in ("odd", "8 × 8", "a product per CAP row", "4 channels × 36 positions", "bit"):
        assert text in table
    two = plan(net, replace(bf.Chip.limited(), clusters=1), TWO)
    assert "two products per CAP row" in two._repr_html_()


def test_a_plan_of_many_precisions_is_that_of_each():
    net, chip = network(), bf.Chip.limited()
    many = [bf.Precision.fixed(net, bits) for bits in (1, 4, 9)]
    together = plan(net, chip).at(many)
    for k, precision in enumerate(many):
        one = plan(net, chip).at(precision)
        for phase, work in one.phases.items():
            for event in ap.EVENTS:
                shape = together.traffic.bus_bits.shape[:1] + work.rows.shape
                whole = np.broadcast_to(getattr(together.phases[phase].counts, event), shape)
                np.testing.assert_array_equal(whole[k], getattr(work.counts, event))
