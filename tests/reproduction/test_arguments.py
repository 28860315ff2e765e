"""Arguments of studies are checked where they enter, in one line: what stands there, what may."""

import pytest
from reproduction import dependencies
from reproduction.studies import design_space, measured, points, program_cycles

from bfimna import BfimnaError

SRAM, NAN = "sram-14nm-lstp", float("nan")


@pytest.mark.parametrize(
    ("study", "arguments", "message"),
    [
        (design_space.batches, ([], "int8", SRAM), "networks is empty; want one element"),
        (design_space.batches, ("alexnet", "int8", SRAM), "networks must be a list, in square"),
        (design_space.batches, (3, "int8", SRAM), "networks must be a list, in square"),
        (design_space.batches, (["alexnet"] * 2, "int8", SRAM), "networks has 'alexnet' twice"),
        (design_space.supply, ("alexnet", "int8", [None]), r"technologies\[0\] must be a name"),
        (design_space.design_space, (["alexnet"], [SRAM], [4], 0), "seeds must be a whole number"),
        (points.points, ("", ["alexnet"], [], [SRAM]), "precisions is empty"),
        (measured.faults, (["int2"], [0.0]), r"rates\[0\] must be a number above 0, at most 1"),
        (measured.faults, (["int2"], [NAN]), r"rates\[0\] must be a number above 0, at most 1"),
        (measured.faults, (["int2"], [1e-3], 0), "every must be a whole number from 1 to 360"),
        (measured.endurance, (["int2"], ["x"], ["alexnet"], NAN), "frames_per_s must be a fin"),
        (program_cycles.programs, (0,), "words must be a whole number from 1 to 65536, not 0"),
        (program_cycles.programs, (10**9,), "words must be a whole number from 1 to 65536"),
        (program_cycles.programs, (576, 17), "bits must be a whole number from 1 to 16, not 17"),
    ],
)  # fmt: skip
def test_a_study_refuses_what_it_cannot_use(study, arguments, message):
    with pytest.raises(BfimnaError, match=message) as error:
        study(*arguments)
    assert "\n" not in str(error.value)


def test_a_notebook_without_its_tag_is_named(tmp_path):
    notebook = tmp_path / "n.ipynb"
    notebook.write_text('{"cells": [{"cell_type": "code", "source": "a = 1", "metadata": {}}]}')
    with pytest.raises(BfimnaError, match=r"n\.ipynb: no cell has the tag 'parameters'"):
        dependencies.parameters(notebook)
    notebook.write_text(notebook.read_text().replace("{}", '{"tags": ["parameters"]}'))
    with pytest.raises(BfimnaError, match="does not assign 'b'"):
        dependencies.check_takes(notebook, ["a", "b"])
