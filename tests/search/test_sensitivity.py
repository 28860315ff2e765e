"""Sensitivities from tables and files: what is read, what is refused, and where."""

import numpy as np
import pytest

import bfimna as bf
from bfimna.search import Budget, Sensitivity, read_sensitivity

SRAM, LR = bf.data.load_technology("sram-14nm-lstp"), bf.Chip.limited()


def small():
    b = bf.network.graph.Builder("small", (1, 8, 8))
    x = b.relu(b.conv("one", b.input, 4, 3, padding=1))
    x = b.relu(b.conv("two", x, 4, 3, padding=1))
    b.linear("three", b.flatten(x), 10)
    return b.network()


def written(tmp_path, text):
    path = tmp_path / "sensitivity.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_omega_by_width_is_taken_as_it_is(tmp_path):
    path = written(
        tmp_path, "layer,omega_int4,omega_int8,fixed_bits\none,4,1,\ntwo,2.5,,\nthree,,,6\n"
    )
    s = read_sensitivity(path)
    assert (s.omega("one", 4), s.omega("one", 8), s.omega("two", 4), s.fixed) == (
        4,
        1,
        2.5,
        {"three": 6},
    )
    assert s.basis({"one": 8, "two": 4}) == "known"
    assert s.basis({"two": 8}) == "interpolated"
    chosen = bf.search.choose(small(), s, Budget("energy_j", fraction=1), LR, SRAM)
    assert chosen["three"] == (6, 6)


def test_traces_and_errors_are_multiplied(tmp_path):
    text = "layer,mean_hessian_trace,weight_error_int4_l2sq\none,0.5,8\n"
    assert read_sensitivity(written(tmp_path, text)).omega("one", 4) == 4.0


def test_hawqs_own_table_gives_hawqs_sensitivities(tmp_path):
    network = bf.zoo.resnet18()
    columns = ["layer", "mean_hessian_trace", "weight_error_int8_l2sq", "weight_error_int4_l2sq"]
    text = bf.data.hawq_sensitivity("resnet18")[columns].to_csv(index=False)
    read = read_sensitivity(written(tmp_path, text), fixed={"conv1": 8, "fc": 8})
    assert read == bf.search.hawq_sensitivity(network)


def test_a_layer_that_is_missing_is_an_error_that_lists_all(tmp_path):
    s = read_sensitivity(written(tmp_path, "layer,omega_int4\ntwo,1\n"))
    half = Budget("energy_j", fraction=0.5)
    with pytest.raises(
        bf.BfimnaError, match=r"no sensitivity for 2 of small's layers: one, three;"
    ):
        bf.search.choose(small(), s, half, LR, SRAM)
    fixed = read_sensitivity(tmp_path / "sensitivity.csv", fixed={"one": 8, "three": 8})
    assert bf.search.choose(small(), fixed, half, LR, SRAM)["one"] == (8, 8)


def test_hawqs_table_with_a_row_less_is_not_fixed_at_8_bits(monkeypatch):
    whole = bf.data.hawq_sensitivity("resnet18")
    monkeypatch.setattr(
        bf.data, "hawq_sensitivity", lambda name: whole[whole.layer != "layer2.0.conv2"]
    )
    with pytest.raises(bf.BfimnaError, match=r"no sensitivity for 1 of .*layer2\.0\.conv2"):
        bf.search.hawq_sensitivity(bf.zoo.resnet18())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("layer,omega_int4\none,1\none,2\n", r"line 3: layer 'one' is given twice, .*line 2"),
        ("layer,omega_int4\none,x\n", r"line 2: omega_int4 must be a number, not 'x'"),
        ("layer,omega_int4\none,-1\n", r"line 2: layer 'one': the quantisation errors must be"),
        ("layer,omega_int4\none,nan\n", r"line 2: .* finite and above 0"),
        ("layer,omega_int4\none\n", r"line 2: 1 cells for 2 columns"),
        ("layer,omega_int4\none,\n", r"line 2: layer 'one' has no number"),
        ("layer,omega_int4\n,1\n", r"line 2: a row without a layer's name"),
        ("layer,omega_int4,fixed_bits\none,1,8\n", r"line 2: .* has fixed_bits and omega_int4"),
        ("layer,omega_int4,fixed_bits\none,,99\n", r"line 2: fixed_bits .* from 1 to 16, not '99'"),
        ("layer,omega_int17\none,1\n", r"line 1: column 'omega_int17': want bits from 1 to 16"),
        ("layer,omega_int" + "9" * 5000 + "\none,1\n", r"line 1: unknown column 'omega_int999"),
        ("layer;omega_int4\none;1\n", r"line 1: unknown column 'layer;omega_int4'"),
        ("layer,omega4\none,1\n", r"line 1: unknown column 'omega4'; allowed: layer"),
        ("layer,omega_int4,omega_int4\none,1,1\n", r"line 1: column 'omega_int4' is given twice"),
        ("omega_int4\n1\n", r"line 1: no column 'layer'"),
        ("layer,weight_error_int4_l2sq\none,1\n", r"line 1: want layer"),
        ("layer,omega_int4\n\"one,1\n", r"line 2: unexpected end of data"),
        ("layer,omega_int4\n", r"a sensitivity needs at least one layer"),
        ("", r"line 1: no column 'layer'"),
    ],
)  # fmt: skip
def test_errors_name_the_line_and_what_is_allowed(tmp_path, text, says):
    with pytest.raises(bf.BfimnaError, match=says) as caught:
        read_sensitivity(written(tmp_path, text))
    assert "\n" not in str(caught.value)
    assert "sensitivity.csv" in str(caught.value)


def test_no_file_and_no_text(tmp_path):
    with pytest.raises(bf.BfimnaError, match="no such file"):
        read_sensitivity(tmp_path / "none.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(bf.BfimnaError, match="not UTF-8"):
        read_sensitivity(tmp_path / "binary.csv")


def test_numpys_small_integers_do_not_overflow():
    small_bits = np.arange(2, 17, dtype=np.int8)
    s = Sensitivity({"conv": np.float32(1)}, {"conv": {np.int16(16): np.float32(1)}})
    for bits in small_bits:
        assert s.omega("conv", bits) == 4.0 ** (16 - int(bits))
    assert s.omega("conv", np.int16(8)) == s.omega("conv", 8) == 4.0**8
    table = s.table(["conv"], small_bits)
    assert (np.diff(table) < 0).all()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (
            lambda s: s.omega("cnov", 4),
            "unknown layer of the sensitivity 'cnov'; did you mean 'conv'",
        ),
        (lambda s: s.omega("conv", 0), "bits of layer 'conv' must be a whole number from 1 to 16"),
        (lambda s: s.omega("conv", 4.5), "bits of layer 'conv' must be a whole number"),
        (lambda s: s.total({"other": 4}), "unknown layer of the sensitivity 'other'"),
        (lambda s: s.basis({"other": 4}), "unknown layer of the sensitivity 'other'"),
        (lambda s: Sensitivity({"c": "x"}, {"c": {4: 1}}), "trace must be a finite number"),
        (lambda s: Sensitivity({}, {"c": {4: 1}}), "trace must be a finite number .* None"),
        (lambda s: Sensitivity({"c": 1}, {"c": 4}), "errors must be finite and above 0, by bits"),
        (lambda s: Sensitivity({"c": 1}, {"c": {4: 1}}, {"d": 0}), "bits of layer 'd' must be"),
        (lambda s: Sensitivity({}, {}), "at least one layer"),
    ],
)
def test_misuse_is_said_in_one_line(call, says):
    with pytest.raises(bf.BfimnaError, match=says):
        call(Sensitivity({"conv": 1.0}, {"conv": {4: 1.0}}))


def test_resnet50_is_not_taken_for_hawqs():
    for search in (bf.search.reproduce_hawq, bf.search.reproduced_schemes):
        with pytest.raises(bf.BfimnaError, match="version 1, here 'resnet50_v1'"):
            search("resnet50")
