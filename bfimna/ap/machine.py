"""How loops over packed words become machine code that is kept, and the words' own instructions."""

from collections.abc import Callable
from types import CodeType
from typing import Any

import numpy as np

from bfimna.errors import missing_extra

try:  # the only import of Numba
    from numba import njit, types
    from numba.extending import intrinsic
except ImportError:
    raise missing_extra("Numba", "emulate") from None

U = np.uint64


def kept(function: Callable[..., Any], made_of: str = "") -> Callable[..., Any]:
    """Compile on first use; keep the machine code where there is a writable place for it.

    Parameters
    ----------
    made_of : what stands for the functions of other files that it calls. Numba looks at a
        function's own file only: so the name under which the code is kept says the rest.
    """
    if made_of:
        function.__qualname__ = f"{function.__name__}_{made_of}"
    try:
        return njit(nogil=True, cache=True)(function)
    except RuntimeError:  # numba finds no writable folder
        return njit(nogil=True)(function)


def content(code: CodeType) -> bytes:
    """Return what a function does, as bytes that are the same in every process.

    >>> content((lambda x: x + 1).__code__) == content((lambda x: x + 2).__code__)
    False
    """
    inner = (content(c) if isinstance(c, CodeType) else repr(c).encode() for c in code.co_consts)
    return b"".join([code.co_code, repr(code.co_names).encode(), *inner])


@intrinsic
def popcount(_context, _word):
    """Count the ones of a 64-bit word, by the processor's own instruction."""

    def generate(_context, builder, _signature, arguments):
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


@intrinsic
def pointer(_context, words, _at):
    """Point to a word of an array: no reference is counted, no index checked.

    Point to arrays that a caller from Python holds, not to those made in compiled code: they are
    freed after their last use by name.
    """

    def generate(context, builder, signature, arguments):
        found = context.make_array(signature.args[0])(context, builder, arguments[0])
        return builder.gep(found.data, [arguments[1]])

    return types.CPointer(words.dtype)(words, types.intp), generate
