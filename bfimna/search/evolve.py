"""An optimiser for grids too large to sweep: Optuna's NSGA-II, an optional extra."""

from collections.abc import Generator, Mapping, Sequence
from typing import Any

from bfimna.errors import BfimnaError

try:
    import optuna
except ImportError:
    raise BfimnaError(
        "this grid of chips is searched by Optuna: pip install 'bfimna[search]', or give a grid "
        "small enough for method='exact'"
    ) from None

#: objectives (all to be small) and excess over each constraint (0 or less: met)
Answer = tuple[Sequence[float], Mapping[str, float]]


def proposals(
    grid: Mapping[str, Sequence[Any]], samples: int, seed: int
) -> Generator[dict[str, Any], Answer | None, None]:
    """Propose points of a grid; the answer to each is sent back, and guides the next.

    Parameters
    ----------
    grid : values by axis.
    samples : proposals.
    seed : the same one proposes the same.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    axes: dict[str, optuna.distributions.BaseDistribution] = {
        axis: optuna.distributions.CategoricalDistribution(range(len(values)))
        for axis, values in grid.items()
    }
    sampler = optuna.samplers.NSGAIISampler(seed=seed)
    study = optuna.create_study(directions=["minimize"] * 3, sampler=sampler)
    for _ in range(samples):
        trial = study.ask(axes)
        answer = yield {axis: grid[axis][k] for axis, k in trial.params.items()}
        assert answer is not None  # only what starts a generator is
        objectives, excess = answer
        for name, value in excess.items():
            trial.set_constraint(name, value)
        study.tell(trial, list(objectives))
