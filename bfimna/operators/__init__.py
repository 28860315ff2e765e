"""Layer kinds: one file per family, each with shape rule, counts, traffic and emulated pass.

A new kind is an `Operator` in the `OPERATORS` of its family's file; a new family is one more entry
of `FAMILIES`.
"""

from bfimna.operators import (
    addressing,
    avgpool,
    elementwise,
    functions,
    lrn,
    maxpool,
    norm,
    one_word,
    products,
    softmax,
)
from bfimna.operators.operator import Operator

#: in the order in which counts and traffic of a network's layers are laid side by side
FAMILIES = (
    products,
    one_word,
    maxpool,
    avgpool,
    elementwise,
    functions,
    lrn,
    softmax,
    norm,
    addressing,
)

#: every kind of layer, by its name
OPERATORS: dict[str, Operator] = {
    operator.kind: operator for family in FAMILIES for operator in family.OPERATORS
}
#: kinds that lower to a matrix product
PRODUCTS = tuple(operator.kind for operator in products.OPERATORS)
#: those whose left operand is constants of their own
WEIGHTED = ("conv", "linear")
#: kinds that move and compute nothing
ADDRESSING = tuple(operator.kind for operator in addressing.OPERATORS)
#: kinds of pooling
POOLING = tuple(operator.kind for family in (maxpool, avgpool) for operator in family.OPERATORS)

__all__ = ["ADDRESSING", "FAMILIES", "OPERATORS", "POOLING", "PRODUCTS", "WEIGHTED", "Operator"]
