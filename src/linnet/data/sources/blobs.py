"""Classes around known means, for which the best possible accuracy is known."""

import math
from typing import Annotated

import torch
from annotated_types import Ge
from scipy.integrate import quad
from scipy.special import ndtr

from linnet.config.data_source import data_source
from linnet.config.option_types import Count, CountOrZero, DType, NoiseKind, NonNegative, Seed
from linnet.data.sources.synthetic import draw_noise
from linnet.data.storage.checksum import checksum
from linnet.data.storage.examples import Examples, Source
from linnet.system.errors import InputError
from linnet.system.seeds import generator


@data_source("classification", validation="made")
def gaussian_blobs(
    n_classes: Annotated[int, Ge(2)],
    n_features: Count,
    separation: NonNegative,
    noise: NonNegative,
    noise_kind: NoiseKind,
    n_train: Count,
    n_val: CountOrZero,
    n_test: CountOrZero,
    dtype: DType,
    seed: Seed,
) -> Source:
    """Return classes of equal probability; class k has mean separation·e_k and independent noise in each feature.

    Args:
        n_classes, n_features: C and D, with D ≥ C since each mean has an axis of its own.
        separation: distance of each mean from the origin.
        noise: standard deviation of Gaussian noise, or the b of Laplace noise exp(−|ε|/b)/2b.

    Raises:
        InputError: if n_features < n_classes.
    """
    if n_features < n_classes:
        raise InputError(f"data.n_features={n_features}: expected at least data.n_classes={n_classes}")
    if noise == 0:
        raise InputError("data.noise=0: blobs without noise are points, give a number above 0")
    means = separation * torch.eye(n_classes, n_features, dtype=torch.float64)
    deviation = noise if noise_kind == "gaussian" else math.sqrt(2) * noise

    def draw(name: str, size: int) -> Examples | None:
        if size == 0:
            return None
        rng = generator(seed, f"data/{name}")
        y = torch.randint(n_classes, (size,), generator=rng)
        x = means[y] + draw_noise((size, n_features), deviation, noise_kind, rng)
        return Examples(x.to(getattr(torch, dtype)), y)

    train, val, test = draw("train", n_train), draw("val", n_val), draw("test", n_test)
    assert train is not None
    return Source(
        task="classification", train=train, val=val, test=test,
        class_names=tuple(f"blob {k}" for k in range(n_classes)),
        bayes_accuracy=bayes_accuracy(n_classes, separation, noise, noise_kind),
        checksum=checksum(train, val, test),
    )  # fmt: skip


def bayes_accuracy(n_classes: int, separation: float, noise: float, kind: str) -> float:
    """Accuracy of the Bayes classifier, which picks the class of highest likelihood and breaks ties at random.

    Coordinates beyond the C-th are noise for every class alike and drop out of the likelihood ratio.

    Args:
        n_classes: number of classes C, in [1, inf).
        separation: distance s of every class mean from the origin, in [0, inf).
        noise: standard deviation of Gaussian noise, or scale b of Laplace noise exp(−|x|/b) / 2b; in (0, inf).
        kind: "gaussian" or "laplace".

    Returns:
        Probability of a correct answer, from 1/C at separation 0 to 1; only separation / noise matters.
    """
    return (_gaussian if kind == "gaussian" else _laplace)(n_classes, separation / noise)


def _gaussian(n_classes: int, distance: float) -> float:
    """∫ φ(z) Φ(z + s/σ)^(C−1) dz.

    All means have the same norm, so the likelihood of class k rises with x_k alone and the largest coordinate wins.
    In units of σ the true one is z + s/σ; each of the other C − 1 is below it with probability Φ(z + s/σ).
    """

    def density(z: float) -> float:
        return float(math.exp(-z * z / 2) / math.sqrt(2 * math.pi) * ndtr(z + distance) ** (n_classes - 1))

    # Beyond ten standard deviations lies a mass of 2e-23, less than the rounding of the result.
    accuracy, _ = quad(density, -10, 10, epsabs=1e-13, epsrel=1e-12, limit=200)
    return min(float(accuracy), 1.0)


def _laplace(n_classes: int, distance: float) -> float:
    """Return the Bayes accuracy in closed form, with d = s/b, q = ½ e^(−d), n = C − 1.

    The log-likelihood of class k is, up to terms shared by all, (|x_k| − |x_k − s|) / b = clip(2x_k − s, −s, s) / b.
    So the class with the largest U_k = clip(x_k, 0, s) / b wins. With Laplace noise e in units of b:

        true class    U = clip(e + d, 0, d)   P(U = d) = ½   P(U = 0) = q   density ½ e^(u−d) between
        another class U = clip(e, 0, d)       P(U = d) = q   P(U = 0) = ½   P(U < u) = 1 − ½ e^(−u) for 0 < u <= d

    Both ends have positive probability, hence ties. The true class is chosen
    - at the top, tied with a Binomial(n, q) number M of others: ½ E[1 / (1 + M)] = ½ (1 − (1−q)^C) / (C q),
    - between, above all others and without ties: ∫_0^d ½ e^(u−d) (1 − ½ e^(−u))^n du,
    - at the bottom, only if all are there: q (½)^n / C.

    With v = ½ e^(−u) the integral is (q/2) I_n, I_n = ∫_q^½ (1−v)^n / v² dv. Splitting off one factor (1 − v),
    I_n = I_(n−1) − J_(n−1) where J_m = ∫_q^½ (1−v)^m / v dv = J_(m−1) − ((1−q)^m − 2^(−m)) / m, from
    I_0 = 1/q − 2 and J_0 = d. Hence q I_n = 1 − 2q − q (J_0 + … + J_(n−1)).
    """
    q = math.exp(-distance) / 2
    others = n_classes - 1

    top = -math.expm1(n_classes * math.log1p(-q)) / (n_classes * q) / 2 if q > 0 else 0.5  # q underflows near d = 745

    tail, tail_sum = distance, 0.0  # J_m, and the sum of those before it
    for m in range(1, others + 1):
        tail_sum += tail
        tail -= ((1 - q) ** m - 0.5**m) / m
    between = (1 - 2 * q - q * tail_sum) / 2

    bottom = q * 0.5**others / n_classes
    return min(top + between + bottom, 1.0)
