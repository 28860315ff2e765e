"""The steps that the emulator executes: a schedule of one precision, with a network's constants."""

from collections.abc import Mapping
from dataclasses import replace
from math import ceil, prod

import numpy as np

from bfimna.mapping.lowered import ProductStep
from bfimna.mapping.schedule import Schedule
from bfimna.mapping.storage import Storage
from bfimna.network.layer import PRODUCTS
from bfimna.operators import OPERATORS
from bfimna.operators.constants import Constants
from bfimna.operators.operator import Choice, Step
from bfimna.operators.words import Word


def stored_words(storage: Storage, bits: np.ndarray) -> dict[str, Word]:
    """Return the word that each tensor is stored in.

    Parameters
    ----------
    bits : of each tensor, at one precision: `Storage.bits`.
    """
    columns = storage.network.shapes, bits.tolist(), storage.signed.tolist()
    return {name: Word(*word) for name, *word in zip(*columns, strict=True)}


def steps(schedule: Schedule, constants: Mapping[str, object]) -> dict[str, ProductStep | Step]:
    """Return what each layer runs, by name: of those that compute and are not done in place.

    Layers that take their word in place stand in the `chain` of the step that leaves it.

    Parameters
    ----------
    constants : the layers' `Constants`, by name, where they take some.
    """
    plan, network = schedule.plan, schedule.plan.network
    stored, chip = stored_words(plan.storage, schedule.words.bits), plan.chip
    choices = _choices(schedule)
    in_place = dict(zip(network.shapes, plan.storage.in_place.tolist(), strict=True))
    taken: dict[str, ProductStep | Step] = {}
    chains: dict[str, tuple[Step, ...]] = {}  # by the layer before
    for layer in reversed(network.layers):
        chain, target = chains.get(layer.name, ()), stored[layer.name]
        dense = ceil(plan.batch * prod(network.shapes[layer.name]) / chip.product_rows)
        if layer.kind in PRODUCTS:
            taken[layer.name] = _product_step(schedule, layer.name, stored, chain, dense)
        elif OPERATORS[layer.kind].run is not None:
            own = constants.get(layer.name, Constants())
            assert isinstance(own, Constants)
            step = Step(
                layer=layer,
                operator=OPERATORS[layer.kind],
                constants=own,
                sources=tuple(replace(stored[name], bits=target.bits) for name in layer.inputs),
                target=target,
                chain=chain,
                shape=network.shapes[layer.name],
                folds=dense,
                columns=chip.columns,
                choice=choices.get(layer.name),
                adder=plan.mapping.adder,
            )
            if in_place[layer.name]:
                chains[layer.inputs[0]] = (replace(step, chain=()), *chain)
            else:
                taken[layer.name] = step
    return taken


def _product_step(
    schedule: Schedule, name: str, stored: dict[str, Word], chain: tuple[Step, ...], dense: int
) -> ProductStep:
    plan = schedule.plan
    number = plan.network.matmul_index[name]
    product = plan.network.matmuls[number]
    return ProductStep(
        matmul=product,
        products=plan.products,
        number=number,
        left_bits=int(schedule.bits.left[number]),
        right_bits=int(schedule.bits.right[number]),
        width=int(plan.storage.sum_bits(schedule.bits)[number]),
        left=None if product.left.constant else stored[product.left.source],
        source=stored[product.right.source],
        target=stored[name],
        chain=chain,
        keeps_sum=bool(plan.storage.keeps_sum[number]),
        dense_folds=dense,
        columns=plan.chip.columns,
    )


def _choices(schedule: Schedule) -> dict[str, Choice]:
    """Return what the widths decide about how layers run, by layer."""
    choices: dict[str, Choice] = {}
    for operator, batch in schedule.plan.batches:
        if operator.choose is not None:
            chosen = operator.choose(batch, schedule.words.bits[batch.index])
            choices |= {x.name: one for x, one in zip(batch.layers, chosen, strict=True)}
    return choices
