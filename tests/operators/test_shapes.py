"""Elements that windows cover: the closed form against elements counted one by one."""

import time

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import bfimna as bf
from bfimna.operators.shapes import covered

FEW = st.integers(1, 12)


@settings(max_examples=400, deadline=None)
@given(FEW, FEW, FEW, FEW, st.integers(-9, 9), st.integers(1, 99))
def test_windows_take_each_place_once(count, stride, length, dilation, first, extent):
    places = first + np.arange(count)[:, None] * stride + np.arange(length) * dilation
    wanted = len(np.unique(places[(places >= 0) & (places < extent)]))
    assert covered((count, stride), (length, dilation), first, extent) == wanted
    assert covered((length, dilation), (count, stride), first, extent) == wanted


def test_windows_that_no_memory_holds_cost_nothing():
    """A file of 4 kB asked for such ones: the places, one by one, would be 2 TB."""
    layers = (
        bf.Layer("input", "input", channels=1, size=(2**20, 1)),
        bf.Layer("pool", "maxpool", ("input",), kernel=(2**19, 1)),
        bf.Layer("conv", "conv", ("pool",), 2),
    )
    network = bf.Network("wide", layers)
    begin = time.process_time()
    report = bf.simulate(network, 8, "LR", "sram-14nm-lstp")
    assert time.process_time() - begin < 2
    assert 0 < report.latency_s < float("inf")
