"""Minimise over the bias for given weights: C unknowns, and no pass over the features."""

import torch
from torch import Tensor

from linnet.solvers.convex_losses import Softmax
from linnet.solvers.problem import Problem

STEPS = 60
HIDDEN = 1e-8
"""Share of the objective that its rounding errors stay below, even those of large predictions that cancel."""
ROUNDING = 1e-15
"""Share of the mean size of slopes, or of the objective, that is rounding and no more."""


def best_intercept(
    problem: Problem, weight: Tensor, bias: Tensor, z: Tensor | None = None, enough: float = 0.0
) -> Tensor:
    """Improve the bias `[C]` for weight `[C, D]`, float64, by damped Newton steps until rounding is reached.

    A dual point needs Σ_i θ_i = 0, and ∂F/∂bias = 0 is just that.

    Args:
        z: predictions there, `[C, N]`, where they are known.
        enough: size of the derivatives by the bias that need not be undercut.
    """
    if not problem.bias:
        return bias
    convex_loss, y = problem.convex_loss, problem.targets
    if isinstance(convex_loss, Softmax) and convex_loss.allowed is None and not weight.any():
        share = convex_loss.mean(convex_loss.labels(y, problem.n_outputs, torch.float64))[:, 0].log()
        return share - share.mean()
    z = problem.predict(weight, bias) if z is None else z
    values, theta = convex_loss.value_and_theta(z, y)
    objective, majorise = float(values.mean()), 1.0
    for _ in range(STEPS):
        hessian = convex_loss.mean_hessian(convex_loss.curvature(z, y, majorise))
        # Least squares: softmax does not feel a shift of all logits, and its Hessian is singular there.
        slope = theta.mean(1)
        if float(slope.abs().max()) <= max(enough, ROUNDING * float(theta.abs().mean(1).max())):
            break
        step = -torch.linalg.pinv(hessian, rtol=1e-14, hermitian=True) @ slope
        scale, promised = 1.0, float(slope @ step)
        while scale > 1e-6:
            values, trial = convex_loss.value_and_theta(z + scale * step[:, None], y)
            value = float(values.mean())
            # F is convex, so a flatter slope is that of a lower point, even where rounding errors of F hide it.
            flatter = abs(float(trial.mean(1) @ step)) <= -0.5 * promised
            if value <= objective + 1e-4 * scale * promised or (
                flatter and value <= objective + HIDDEN * abs(objective)
            ):
                break
            if -promised <= ROUNDING * abs(objective):
                return bias
            scale *= 0.5
        else:
            return bias
        bias, z, theta, objective = bias + scale * step, z + scale * step[:, None], trial, value
        majorise = max(majorise / 10, 1e-12) if scale == 1 else min(1.0, majorise * 10)
    return bias
