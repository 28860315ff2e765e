"""What of a technology follows its logic supply, and how its delay does."""

from bfimna.errors import BfimnaError, is_number, shown

#: fields that follow the logic supply, and the writes, which do so on volatile cells only
LOGIC_TIMES = (
    "compare_s",
    "compare_s_per_cell",
    "read_s",
    "read_s_per_cell",
    "shift_s",
    "vertical_mat_s",
    "segment_switch_s",
    "mode_switch_s",
    "latch_s",
    "key_register_s",
)
WRITE_TIMES = ("write_s", "write_s_per_cell", "load_s", "load_s_per_cell")
LOGIC_ENERGIES = (
    "compare_j_per_row",
    "compare_j_per_attached_cell",
    "compare_j_per_key_cell",
    "broadcast_j_per_key_cell",
    "read_j_per_row",
    "read_j_per_attached_cell",
    "shift_j_per_tag",
    "match_saves_j_per_row",
    "segment_switch_j_per_cell",
    "mode_switch_j_per_row",
    "latch_j_per_bit",
    "pick_j_per_bit",
    "key_register_j_per_bit",
    "controller_j_per_cycle",
)
#: powers that leak
LEAKAGES = ("leakage_w_per_cell", "latch_w_per_bit", "key_register_w_per_bit", "controller_w")
WRITE_ENERGIES = (
    "write_j_per_cell",
    "write_j_per_attached_cell",
    "write_j_per_line_cell",
    "write_j_per_gate_cell",
    "write_j_per_held_cell",
    "load_j_per_cell",
    "load_j_per_attached_cell",
)


def check_delays(what: str, delays: object) -> None:
    """Raise unless these are pairs of a supply and a delay, lowest supply first."""
    pairs = delays if isinstance(delays, tuple) else (None,)
    valid = all(
        isinstance(pair, tuple) and len(pair) == 2 and all(is_number(x) and x > 0 for x in pair)
        for pair in pairs
    )
    volts = [pair[0] for pair in pairs] if valid else []
    if not valid or volts != sorted(set(volts)):
        raise BfimnaError(
            f"{what}: delays must be pairs (supply in V, delay over the nominal), lowest supply "
            f"first, not {shown(delays)}"
        )


def delay(supply_v: float, threshold_v: float, alpha: float) -> float:
    """Return a gate's delay by the alpha-power law, up to a constant.

    >>> delay(0.6, 0.3, 1.0)
    2.0
    """
    return supply_v / (supply_v - threshold_v) ** alpha
