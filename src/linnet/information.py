"""Self-information, entropy, cross-entropy and KL divergence (Dive into Deep Learning, 4.1.3).

Distributions lie along the last dimension, `[..., n]`; leading dimensions broadcast and remain in the result.
Arguments are tensors, or anything `torch.as_tensor` takes, which becomes float64. Results are in `unit`s of "nats"
(natural logarithm, the default) or "bits" (base 2); 1 nat is 1/log 2 ≈ 1.4427 bits. Terms with a zero
probability take their limits: 0 log 0 = 0, and p log(p/0) = inf for p > 0.

Gradients are those of the formulas with the entries of p and q as independent variables, ∂H(p)/∂p = −log p − 1,
∂KL(p‖q)/∂p = log(p/q) + 1, ∂KL(p‖q)/∂q = −p/q, and so are second derivatives: what is divided out to make a sum exactly
1 counts as constant. For changes that leave the sum as it is, which distributions are bound to, they are derivatives.
At zeros they are the limits, also infinite ones: ∂H(p)/∂p = inf at p = 0, ∂KL(p‖q)/∂q = 0 at p = 0 for every q. Only
∂H(p, q)/∂p at p = q = 0 has none, and is 0.

Every function raises ValueError for what is not a probability or not a distribution, and for an unknown unit.
"""

import math
from typing import TypeAlias

import torch
from numpy.typing import ArrayLike
from torch import Tensor

Probabilities: TypeAlias = Tensor | ArrayLike

_NATS_PER_UNIT = {"nats": 1.0, "bits": math.log(2)}


def self_information(probability: Probabilities, unit: str = "nats") -> Tensor:
    """−log P: the surprise at an event of that probability, elementwise; 0 for a certain one, inf for an impossible."""
    probability = _as_probability(probability)
    return _in_unit(0.0 - probability.log(), unit)  # 0 − log 1 is 0, where −log 1 would be −0


def entropy(p: Probabilities, unit: str = "nats") -> Tensor:
    """H(p) = −Σ p log p: the expected surprise, and the shortest mean code length. From 0 to log n.

    Args:
        p: distributions, `[..., n]`.
        unit: "nats" or "bits".

    Returns:
        Entropies, `[...]`.

    Source: Shannon, "A Mathematical Theory of Communication" (1948).
    """
    return _in_unit(torch.special.entr(_as_distribution(p)).sum(-1), unit)


def binary_entropy(p: Probabilities, unit: str = "nats") -> Tensor:
    """H of two outcomes of probability p and 1 − p, elementwise in p; at most 1 bit, at p = ½."""
    p = _as_probability(p)
    return _in_unit(torch.special.entr(p) + torch.special.entr(1 - p), unit)


def cross_entropy(p: Probabilities, q: Probabilities, unit: str = "nats") -> Tensor:
    """H(p, q) = −Σ p log q = H(p) + KL(p‖q): the expected surprise of one who believes q where p is true.

    Args:
        p: true distributions, `[..., n]`.
        q: believed distributions, `[..., n]`.
        unit: "nats" or "bits".

    Returns:
        Cross-entropies, `[...]`; inf where q excludes what p allows.
    """
    p, q = _as_pair(p, q)
    return _in_unit(_x_log_y(p, q).neg().sum(-1), unit)


def kl_divergence(p: Probabilities, q: Probabilities, unit: str = "nats") -> Tensor:
    """KL(p‖q) = Σ p log(p/q): the surprise that believing q costs beyond H(p). Not symmetric, and 0 only for p = q.

    Args:
        p: true distributions, `[..., n]`.
        q: believed distributions, `[..., n]`.
        unit: "nats" or "bits".

    Returns:
        Divergences, `[...]`; never negative, inf where q excludes what p allows.

    Source: Kullback and Leibler, "On Information and Sufficiency" (1951).
    """
    p, q = _as_pair(p, q)
    # A difference of logarithms, since p/q overflows for a tiny q.
    nats = (-torch.special.entr(p) - _x_log_y(p, q)).sum(-1)
    # Gibbs: the sum is ≥ 0, but for its rounding, which is taken off and leaves the derivatives as they are.
    return _in_unit(torch.where(nats < 0, nats - nats.detach(), nats), unit)


def perplexity(p: Probabilities, q: Probabilities) -> Tensor:
    """Return the perplexity exp H(p, q), from H in nats: the number of equally likely outcomes with that entropy."""
    return cross_entropy(p, q).exp()


def _x_log_y(x: Tensor, y: Tensor) -> Tensor:
    """Return x log y, 0 at x = 0; its derivative by y, x/y, is 0 there for every y, also for 0."""
    neither = (x == 0) & (y == 0)
    return torch.xlogy(x, torch.where(neither, torch.ones_like(y), y))


def _in_unit(nats: Tensor, unit: str) -> Tensor:
    if unit not in _NATS_PER_UNIT:
        raise ValueError(f"unit is {unit!r}: choose from {', '.join(_NATS_PER_UNIT)}")
    return nats / _NATS_PER_UNIT[unit]


def _as_floating(values: Probabilities) -> Tensor:
    if isinstance(values, Tensor) and values.is_floating_point():
        return values
    return torch.as_tensor(values, dtype=torch.float64)


def _as_probability(values: Probabilities) -> Tensor:
    values = _as_floating(values)
    outside = ~((values >= 0) & (values <= 1))  # catches NaN too
    if outside.any():
        raise ValueError(f"not a probability: {values[outside].flatten()[0].item():g} lies outside [0, 1]")
    return values


def _as_distribution(values: Probabilities) -> Tensor:
    p = _as_floating(values)
    if p.dim() == 0:
        raise ValueError(f"a distribution is a list of probabilities, not the single number {p.item():g}")
    if (p < 0).any():
        raise ValueError(f"a distribution has no negative entries: found {p.min().item():g}")
    total = p.sum(-1, keepdim=True)
    # Rounding in the sum grows with the dtype's eps; 1e-6 lets float32 probabilities through that came as float64.
    off = ~((total - 1).abs() <= max(math.sqrt(torch.finfo(p.dtype).eps), 1e-6))  # catches NaN too
    if off.any():
        raise ValueError(f"a distribution sums to 1: found a sum of {total[off][0].item():.9g}")
    # So that what tolerance let through does not bias the result. A derivative through the total would be inf · 0 for
    # all entries as soon as one is 0.
    return p / total.detach()


def _as_pair(p: Probabilities, q: Probabilities) -> tuple[Tensor, Tensor]:
    p, q = _as_distribution(p), _as_distribution(q)
    if p.shape[-1] != q.shape[-1]:
        raise ValueError(f"p of shape {tuple(p.shape)} and q of shape {tuple(q.shape)} have different outcomes")
    return p, q
