"""Ridge regression of one fold for many strengths, from one eigen-decomposition of its moments, with bounds."""

from typing import NamedTuple

import torch
from torch import Tensor

from linnet.solvers.resampled.moments import Moments, relative_rounding
from linnet.solvers.rounding import UNIT_ROUNDOFF


class Solutions(NamedTuple):
    """Solutions of a fold, for S strengths.

    weight, bias: `[S, C, D]` and `[S, C]`, for the columns that the moments are of.
    distance: proven bound of √(2 (objective − infimum)), `[S]`, rounding included. It also bounds the root mean square
        over the fold's examples of the error of their predictions. inf where nothing is proven.
    """

    weight: Tensor
    bias: Tensor
    distance: Tensor


def ridge_path(
    moments: Moments, n_features: int, strengths: Tensor, deviation: Tensor | None, n_rows: int, *, bias: bool
) -> Solutions:
    """Minimise 1/Σw Σ w ½‖W z + b − y‖² + λ/2 ‖W‖² for each λ, with z = x / deviation.

    F is strongly convex, with μ = λ + the least eigenvalue of the features' second moments, so that a point of gradient
    g has F − inf F ≤ ‖g‖² / (2μ).

    Args:
        moments: of the columns [x, y], P = D + C; about the means if there is a bias.
        n_features: D.
        strengths: λ, `[S]`, at least 0.
        deviation: what the fold's own standardisation divides features by, `[D]`; inf: the feature is 0. None: ones.
        n_rows: how many rows the moments are sums of.
        bias: whether there is a bias, which is not penalised.
    """
    d, total = n_features, moments.total
    if deviation is None and not strengths.any():  # any units will do: those in which no feature is larger
        lengths = (moments.sums.diagonal()[:d] / total).sqrt()
        deviation = torch.where(lengths > 0, lengths, 1.0)
    unit = moments.sums.new_ones(d) if deviation is None else deviation
    gram = moments.sums[:d, :d] / total / torch.outer(unit, unit)  # [D, D]
    cross = moments.sums[:d, d:] / total / unit[:, None]  # [D, C]
    values, vectors = torch.linalg.eigh(gram)
    # Directions without variation get no weight where there is no penalty either.
    shrunk = values.clamp(min=0) + strengths[:, None]  # [S, D]
    inverse = torch.where(shrunk > 0, 1 / shrunk, 0.0)

    def solved(right: Tensor) -> Tensor:
        return torch.einsum("de,se,sec->sdc", vectors, inverse, vectors.T @ right)

    weight = solved(cross[None])  # [S, D, C]
    ridge = strengths[:, None, None]
    weight = weight + solved(cross - gram @ weight - ridge * weight)
    weight = weight / unit[:, None]  # as it is returned; certified as this
    standardised = torch.where(unit.isinf()[:, None], 0.0, weight * unit[:, None])

    rounding = relative_rounding(n_rows)
    root = (moments.squares.clamp(min=0) / total).sqrt()
    size, target = root[:d] / unit, root[d:]
    lengths = standardised.abs()
    residual = (cross - gram @ standardised - ridge * standardised).abs()
    terms = cross.abs() + gram.abs() @ lengths + ridge * lengths
    doubt = size[:, None] * ((size @ lengths)[:, None, :] + target)
    gradient = residual + (d + 8) * UNIT_ROUNDOFF * terms + (rounding + 8 * UNIT_ROUNDOFF) * doubt
    uncertain = (rounding + 16 * d * UNIT_ROUNDOFF) * float(size.square().sum())
    least = strengths + max(float(values[0]) - uncertain, 0.0)
    distance = gradient.square().sum((1, 2)).sqrt() / least.sqrt()
    distance = torch.where(least > 0, distance, torch.inf)
    weight = weight.transpose(1, 2).contiguous()
    intercept = moments.mean[d:] - weight @ moments.mean[:d] if bias else weight.new_zeros(weight.shape[:2])
    return Solutions(weight, intercept, torch.where(distance.isnan(), torch.inf, distance))
