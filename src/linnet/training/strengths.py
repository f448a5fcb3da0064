"""The path of penalty strengths of a configuration, `search=path`."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from linnet.penalties import L1, L2, ElasticNet
from linnet.solvers.strengths import largest_strength, strength_path
from linnet.system.errors import InputError
from linnet.training.components import build_data, build_model

RATIO, RATIO_WIDE, RATIO_L2 = 1e-4, 1e-2, 1e-6
"""Of the weakest strength to the strongest: where l1 is in the penalty, there for no more examples than features, as
glmnet has them; of l2 alone."""


def strengths(config: Mapping[str, Any], count: int, ratio: float | None) -> list[float]:
    """Return the penalty strengths to try for a run's data, from the strongest to the weakest.

    Args:
        config: of the run, checked, whatever its penalty's strength.
        count: of strengths.
        ratio: of the weakest to the strongest; None: as above.

    Raises:
        InputError: there is no such path for this loss, penalty or data.
    """
    data = build_data(config)
    model = build_model(config, data)
    penalty = model.penalty
    if not isinstance(penalty, (L1, L2, ElasticNet)) or data.train.streamed:
        raise InputError("search=path needs penalty=l1, l2 or elastic_net, and all training examples in memory")
    train = data.train_in_float64
    try:
        largest = largest_strength(
            train, model.loss, replace(penalty, strength=1.0), bias=model.bias is not None,
            n_outputs=model.weight.shape[1],
        )  # fmt: skip
    except ValueError as error:
        raise InputError(f"search=path: {error}") from error
    if largest == 0:
        raise InputError("search=path: no feature has anything to do with the targets: there is no strength to try")
    usual = RATIO_WIDE if len(train) <= train.n_features else RATIO
    return strength_path(largest, count, ratio or (usual if penalty.l1 else RATIO_L2))
