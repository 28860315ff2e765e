"""A model card is untrusted: what a simulator would execute does not reach a deck."""

import pytest

from bfimna.characterise.card import read_card
from bfimna.errors import BfimnaError

MODEL = ".model nch nmos level=54 vth0=0.4\n+ u0=0.03 $ mobility\n"


@pytest.fixture
def card(tmp_path):
    def read(text):
        path = tmp_path / "card.lib"
        path.write_text(text)
        return read_card(path)

    return read


def test_comments_are_left_out_since_a_simulator_runs_some_of_them(card):
    read = card("* a card\n*# shell touch owned\n" + MODEL + "; more\n.param a=1\n")
    assert read.text == ".model nch nmos level=54 vth0=0.4 u0=0.03\n.param a=1\n"
    assert read.devices == {"nch"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (".control\nshell touch owned\n.endc", "'.control' may not stand in a model card"),
        (".include /etc/passwd", "'.include' may not stand"),
        (".lib other.lib tt", "'.lib' may not stand"),
        (".csparam x=1", "'.csparam' may not stand"),
        ("shell touch owned", "'shell' may not stand"),
        ("V1 a 0 1", "'v1' may not stand"),
        ("M1 d g s b nch", "'m1' may not stand"),  # outside a subcircuit
        (".subckt x d g s b\nA1 d g owner\n.ends", "'a1' may not stand"),
        (".model owner d_process (process_file='/bin/sh')", "type 'd_process'; allowed: nmos"),
        (".param a=`touch owned`", "unexpected character"),
        ('.param a="x"', "unexpected character"),
    ],
)
def test_a_line_that_may_do_more_than_describe_devices_is_refused(card, line, message):
    with pytest.raises(BfimnaError, match=r"card.lib line \d") as raised:
        card(MODEL + line + "\n")
    assert message in str(raised.value)


def test_a_subcircuit_of_devices_is_allowed(card):
    text = ".subckt cell d g s b w=1\nM1 d g s b nch W={w*1u}\nR1 d s 1e9\n.ends\n" + MODEL
    assert card(text).devices == {"cell", "nch"}


def test_a_file_without_models_is_no_card(card):
    with pytest.raises(BfimnaError, match="not a model card"):
        card("* nothing\n")
