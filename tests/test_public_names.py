"""What `import bfimna` offers, how little it loads, and names that have changed."""

import subprocess
import sys
from importlib import import_module

import pytest

import bfimna as bf
from bfimna.errors import RENAMED

HEAVY = ("pandas", "pyarrow", "matplotlib", "scipy", "numba", "onnx", "yaml")


def test_import_loads_no_heavy_package():
    code = f"import sys, bfimna; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_every_public_name_is_listed_and_exists():
    assert set(bf.__all__) <= set(dir(bf))
    assert all(getattr(bf, name) is not None for name in bf.__all__)
    assert bf.infer is bf.emulator.infer
    with pytest.raises(AttributeError, match="module 'bfimna' has no attribute 'inferr'"):
        bf.inferr  # noqa: B018


@pytest.mark.parametrize("old", RENAMED)
def test_a_renamed_name_warns_and_works(old):
    module, _, name = old.rpartition(".")
    new_module, _, new_name = RENAMED[old].rpartition(".")
    with pytest.warns(DeprecationWarning, match=f"{old} is now {RENAMED[old]}") as warned:
        value = getattr(import_module(module), name)
    assert value is getattr(import_module(new_module), new_name)
    assert warned[0].filename == __file__


def test_renamed_attributes_warn_and_work():
    network = bf.digits.network()
    for old, new in (("gemms", "matmuls"), ("gemm_names", "matmul_names")):
        with pytest.warns(DeprecationWarning, match=f"Network.{old} is now Network.{new}"):
            assert getattr(network, old) is getattr(network, new)
    with pytest.warns(DeprecationWarning, match=r"Precision\.of is now Precision\.by_layer"):
        old_way = bf.Precision.of(network, {"conv1": 5}, default=7)
    assert old_way == bf.Precision.by_layer(network, {"conv1": 5}, default=7)
    report = bf.simulate(network, 8, "LR", "sram-14nm-lstp")
    with pytest.warns(DeprecationWarning, match=r"Report\.placement is now Report\.schedule"):
        assert report.placement is report.schedule
