"""Damaged tables, precisions, chips and configs: CI's share of `make fuzz`."""

import fuzz_files


def test_damaged_files_are_read_or_refused(tmp_path):
    tally = fuzz_files.campaign(400, seed=0, folder=tmp_path)
    assert sum(tally.values()) == 400
    assert {kind for kind, how in tally if how == "refused"} == set(fuzz_files.FILES)
