"""The truth tables of the AP's programs, and the passes generated from them.

Column names: a, the operand that is kept; p, the running word; c, carry or borrow; b, a control
bit (the multiplier's); u and v, the two flags of the maximum ("b is settled: a was greater", "b was
greater").
"""

from bfimna.ap.lut import generate

Bits = tuple[int, ...]


def _add(a: int, p: int, c: int) -> Bits:
    return a, a ^ p ^ c, (a & p) | (a & c) | (p & c)


def _subtract(a: int, p: int, c: int) -> Bits:
    return a, a ^ p ^ c, (a & c) | ((1 - p) & (a | c))


def _maximum(a: int, b: int, u: int, v: int) -> Bits:
    if u:
        return a, a, u, v
    if v or a == b:
        return a, b, u, v
    return (a, 1, 1, 0) if a else (a, b, 0, 1)


def _if_control(step):  # type: ignore[no-untyped-def]
    return lambda b, *apc: (b, *step(*apc)) if b else (b, *apc)


# the carry stays 0 where the control bit is 0, so those rows never occur
_NO_CARRY = [(0, a, p, 1) for a in (0, 1) for p in (0, 1)]

FULL_ADD = generate("apc", _add)
FULL_SUBTRACT = generate("apc", _subtract)
CONTROLLED_ADD = generate("bapc", _if_control(_add), _NO_CARRY)
CONTROLLED_SUBTRACT = generate("bapc", _if_control(_subtract), _NO_CARRY)
MAXIMUM = generate("abuv", _maximum, [(a, b, 1, 1) for a in (0, 1) for b in (0, 1)])  # into b
# the first step of a maximum: no flag is up yet, which saves a pass; in the sign column of signed
# words, a 0 makes a word the greater
_FLAGS_UP = [(a, b, *f) for a in (0, 1) for b in (0, 1) for f in ((0, 1), (1, 0), (1, 1))]
MAXIMUM_TOP = generate("abuv", _maximum, _FLAGS_UP)
MAXIMUM_SIGN = generate("abuv", lambda a, b, u, v: (a, a & b, b & (1 - a), a & (1 - b)), _FLAGS_UP)

#: the tables of three or four columns whose passes the emulator runs as one compiled loop
STEPS = {
    "full_add": FULL_ADD,
    "full_subtract": FULL_SUBTRACT,
    "controlled_add": CONTROLLED_ADD,
    "controlled_subtract": CONTROLLED_SUBTRACT,
    "maximum": MAXIMUM,
    "maximum_top": MAXIMUM_TOP,
    "maximum_sign": MAXIMUM_SIGN,
}
