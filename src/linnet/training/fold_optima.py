"""Solve the training problem of each resample, for a run with `optimizer=exact`."""

import logging
import math

import torch
from torch import Tensor

from linnet.data import Data
from linnet.data.own_features import own_features
from linnet.models import LinearNetwork
from linnet.solvers.convex_losses import Quadratic, convex_loss_of
from linnet.solvers.resampled.folds import FoldOptima, solve_folds
from linnet.solvers.resampled.hat_matrix import factored, generalised_cross_validation
from linnet.system.errors import InputError
from linnet.training.optimality import EXACT_TOLERANCE, SOLVED, origin_of

log = logging.getLogger(__name__)


def solve_resamples(batched: LinearNetwork, data: Data, solution: tuple[Tensor, Tensor]) -> dict[str, float]:
    """Give the models of all resamples, and the run's, their optima as solution; return metrics of these.

    Keys: `cv/gap`, the largest proven bound of a resample's objective less its infimum; for squared error with a
    penalty on squares, or none, `cv/gcv`, generalised cross-validation: an estimate of `cv/mse` from the fit to all
    examples, in the square of the targets' unit.

    Args:
        batched: one model for each resample, and last the run's; none of them is trained then.
        data: of the run, with its resamples.
        solution: weight `[C, D]` and bias `[C]` of the run's model.

    Raises:
        InputError: a resample has no finite optimum, or none can be found.
    """
    assert data.resamples is not None
    train, bias = data.train_in_float64, batched.bias is not None
    features = own_features(data, data.resamples.train, bias=bias)  # in float64, whatever the run trains in
    try:
        found = solve_folds(
            train, data.resamples, batched.loss, [batched.penalty], bias=bias, n_outputs=batched.weight.shape[1],
            tolerance=EXACT_TOLERANCE, features=features, origin=origin_of(data, train.n_features), start=solution,
        )  # fmt: skip
    except (ValueError, RuntimeError, MemoryError) as error:
        raise InputError(f"optimizer=exact: {error}: use penalty=l2, fewer folds, or another optimizer") from error
    _refuse_unsolved(found)
    batched.solution = torch.cat([found.weight[0], solution[0][None]]), torch.cat([found.bias[0], solution[1][None]])
    n_folds, gap = len(data.resamples), float(found.gap.max())
    log.info(f"optima of {n_folds} resamples, proven to {gap:.1e}: {n_folds - found.solved} of them in closed form")
    return {"cv/gap": gap, **_generalised(data, batched)}


def _refuse_unsolved(found: FoldOptima) -> None:
    unsolved = (found.gap[0] > SOLVED * found.scale).nonzero()[:, 0].tolist()
    if unsolved:
        raise InputError(
            f"optimizer=exact: resample {unsolved[0]} is not solved, only proven to be within "
            f"{float(found.gap[0, unsolved[0]]):.2g} of its optimum: use another penalty or optimizer"
        )


def _generalised(data: Data, model: LinearNetwork) -> dict[str, float]:
    convex_loss = convex_loss_of(model.loss)
    if not isinstance(convex_loss, Quadratic) or float(model.penalty.l1):
        return {}
    train, strength = data.train_in_float64, float(model.penalty.l2) / convex_loss.scale
    weight = None if train.weight is None else train.weight.double()
    if weight is not None and not weight.all():
        return {}
    fit = factored(
        train.x.double(), train.y.double(), weight, bias=model.bias is not None, any_units=strength == 0
    )  # fmt: skip
    score = float(generalised_cross_validation(fit, torch.tensor([strength], dtype=torch.float64)))
    return {"cv/gcv": score} if math.isfinite(score) else {}
