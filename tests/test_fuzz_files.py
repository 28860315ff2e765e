"""Damaged tables, precisions, chips and configs: CI's share of `make fuzz`."""

import pytest

from . import fuzz_files


@pytest.mark.parametrize("kind", fuzz_files.FILES)
def test_undamaged_files_are_read(kind, tmp_path):
    suffix, text, read = fuzz_files.FILES[kind]
    path = tmp_path / f"whole{suffix}"
    path.write_text(text)
    read(path)


def test_damaged_files_are_read_or_refused(tmp_path):
    tally = fuzz_files.campaign(400, seed=0, folder=tmp_path)
    assert sum(tally.values()) == 400
    assert {kind for kind, how in tally if how == "refused"} == set(fuzz_files.FILES)
