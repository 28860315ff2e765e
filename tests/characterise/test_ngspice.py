"""The simulator: missing, too old, logs that report what its exit code hides, kept results."""

import pytest

from bfimna.characterise import ngspice
from bfimna.characterise.ngspice import ConvergenceError, Simulator, version
from bfimna.errors import BfimnaError

DECK = "* a resistor\nV1 a 0 2\nR1 a 0 4\n.control\nop\nprint i(v1)\nquit\n.endc\n.end\n"


def program(folder, text):
    """Write a command that stands for ngspice."""
    path = folder / "spice"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("echo '** ngspice-26 : Circuit level simulation program'", "ngspice 26 is too old: 39"),
        ("echo hello", "names no version"),
        ("exit 3", "names no version"),
    ],
)
def test_an_unsuitable_ngspice_is_named(tmp_path, text, message):
    with pytest.raises(BfimnaError, match=message):
        version(program(tmp_path, text))


def test_a_missing_ngspice_is_named_with_its_package():
    with pytest.raises(BfimnaError, match="not installed: apt-get install ngspice"):
        version("ngspice-that-nobody-has")


@pytest.mark.parametrize(
    ("log", "kind", "message"),
    [
        (
            "doAnalyses: TRAN:  Timestep too small; time = 1.5e-10, timestep = 1e-20: trouble with "
            'node "ml3"',
            ConvergenceError,
            "no convergence at node ml3, time 1.5e-10 s",
        ),
        ("Warning: singular matrix:  check node q1", ConvergenceError, "no convergence at node"),
        ("could not find a valid modelname", BfimnaError, "the card lacks a device"),
        ("Error on line 3 or its substitute:\n  r1 a", BfimnaError, "stopped: 'Error on line 3"),
        ("run simulation(s) aborted", BfimnaError, "stopped: 'run simulation"),
        ("nothing at all", BfimnaError, "simulated nothing"),
    ],
)
def test_a_log_of_an_aborted_run_raises_although_the_exit_code_is_0(tmp_path, log, kind, message):
    command = program(tmp_path, f"echo ngspice-39; cat <<'END'\n{log}\nEND")
    with pytest.raises(kind) as raised:
        Simulator(tmp_path / "kept", command).run("a deck", DECK, "")
    assert message in str(raised.value)
    assert not (tmp_path / "kept").exists()


def test_a_run_without_end_is_given_up(tmp_path, monkeypatch):
    command = program(tmp_path, "case $1 in --version) echo ngspice-39;; *) exec sleep 30;; esac")
    monkeypatch.setattr(ngspice, "SECONDS", 0.3)
    with pytest.raises(ConvergenceError, match="no end within"):
        Simulator(tmp_path, command).run("a deck", DECK, "")


def test_a_result_is_kept_by_deck_and_card_and_a_damaged_one_is_made_anew(cache, tmp_path):
    simulator = Simulator(tmp_path / "kept")
    first = simulator.run("a resistor", DECK, "")
    assert first["i(v1)"] == -0.5
    assert simulator.run("a resistor", DECK, "") == first
    assert (simulator.runs, simulator.hits) == (1, 1)
    simulator.run("a resistor", DECK, ".param a=1\n")
    assert simulator.runs == 2
    for path in (tmp_path / "kept").iterdir():
        path.write_text("{")
    assert simulator.run("a resistor", DECK, "") == first
    assert simulator.runs == 3


def test_a_folder_that_keeps_nothing_is_named(cache, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(BfimnaError, match="cannot keep results"):
        Simulator(tmp_path / "file").run("a resistor", DECK, "")
