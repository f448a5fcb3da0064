"""Log what the exact solution of a training problem means for a run."""

import logging

from linnet.data import Data
from linnet.models import LinearNetwork
from linnet.optimizers import SGD, Momentum, TorchSGD
from linnet.solvers.convex_losses import is_known
from linnet.solvers.cost import RATE
from linnet.solvers.l1.extended_solution import UNRESOLVED
from linnet.solvers.optimum import Optimum
from linnet.solvers.problem_analysis import ProblemAnalysis
from linnet.solvers.smoothness import Curvature, curvature

log = logging.getLogger(__name__)

NEGLIGIBLE = 0.5
"""Solve time below which the optimum is always computed, in seconds: starting the process takes ten times as long."""


def report(analysis: ProblemAnalysis, model: LinearNetwork, data: Data, *, solved: bool, exact: bool) -> None:
    """Log the best possible objective, and for a run that trains what `report_curvature` says.

    Args:
        solved: whether the bound is small enough to call it the best possible one.
        exact: whether the run is solved instead of trained.
    """
    optimum = analysis.optimum
    if not optimum.attained:
        log.info(f"no finite optimum exists: {optimum.certificate}")
    elif not solved:
        log.info(f"best possible objective: not solved, {reached(optimum)}")
    else:
        log.info(f"best possible objective {optimum.objective:.8g}, proven to {optimum.suboptimality_bound:.1e}")
    if optimum.certificate.endswith(UNRESOLVED):
        log.warning("warning: rounding hides what the penalty decides: other weights may be as good as these")
    if analysis.statistics and model.bias is None:
        log.info("the model has no bias: optimum/r2 compares with predicting 0, not with predicting the mean")
    if analysis.withheld is not None:
        log.info(f"no standard errors: {analysis.withheld}")
    if analysis.curvature is not None and not exact:
        report_curvature(analysis.curvature, model, standardized=data.scaling is not None)


def report_curvature(curved: Curvature, model: LinearNetwork, *, standardized: bool) -> None:
    """Log how many steps gradient descent takes and which learning rates are stable, and warn of one that is not."""
    stable = curved.largest_stable_step
    if curved.smallest == 0:
        condition = "condition number of the Hessian infinite, as the objective is flat in some direction"
    else:
        condition = f"condition number of the Hessian {'' if curved.exact else 'at most '}{curved.condition:.3g}"
        condition += f", so gradient descent takes {'' if curved.exact else 'at most '}about {curved.steps():.2g} steps"
    log.info(f"{condition}; largest stable learning rate {stable:.4g}")
    optimizer = model.optimizer
    if isinstance(optimizer, (SGD, Momentum, TorchSGD)):
        momentum = float(getattr(optimizer, "momentum", 0.0))
        if getattr(optimizer, "nesterov", False):
            limit = stable * (1 + momentum) / (1 + 2 * momentum)
        else:
            limit = stable * (1 + momentum)
        if float(optimizer.lr) > limit:
            risk = "diverges" if curved.exact else "may diverge"
            log.warning(
                f"warning: optimizer.lr={float(optimizer.lr):g} is beyond {limit:.4g}, where gradient descent {risk}; "
                f"try optimizer.lr={limit / 2:.2g}{'' if standardized else ', or data.standardize=true'}"
            )


def report_cheap_curvature(data: Data, model: LinearNetwork) -> None:
    """Log what `report_curvature` says where that is cheap to compute."""
    n, d = len(data.train), data.train.n_features
    if data.train.streamed or not is_known(model.loss) or not model.penalty.is_elastic_net:
        return
    if 2 * n * d * d / RATE < NEGLIGIBLE / 5 and not data.overfit_batches:
        bias, weight = model.bias is not None, data.train.weight
        curved = curvature(data.train.x, model.loss, model.penalty, bias=bias, sample_weight=weight)
        if curved is not None:
            report_curvature(curved, model, standardized=data.scaling is not None)


def reached(optimum: Optimum) -> str:
    """Return how far an optimum that is not solved was found, in words."""
    return (
        f"an objective of {optimum.objective:.8g} was reached, and proven only that none is below {optimum.lower:.8g}"
    )
