"""Covariate shift: training and test inputs come from different distributions, targets from both in the same way."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from linnet.config.data_source import data_source
from linnet.config.option_types import Count, CountOrZero, DType, NoiseKind, NonNegative, Positive, Seed, Weighting
from linnet.data.batch import TrueParameters
from linnet.data.sources.shift_weights import density_ratio, effective_sample_size, normalize_weights
from linnet.data.sources.synthetic import draw_noise
from linnet.data.storage.checksum import checksum
from linnet.data.storage.examples import Examples, Source
from linnet.losses import CrossEntropy
from linnet.penalties import L2
from linnet.solvers.solve import solve
from linnet.system.errors import InputError
from linnet.system.seeds import generator

PENALTY = L2(1e-5)
"""Of the classifier, so that it has an optimum where training and target inputs do not overlap."""

Ratio = Callable[[Tensor], Tensor]
"""β of inputs `[N, 1]`: `[N]`."""


@data_source("regression", validation="made")
def covariate_shift(
    degree: Count,
    train_mean: float,
    train_std: Positive,
    target_mean: float,
    target_std: Positive,
    noise: NonNegative,
    noise_kind: NoiseKind,
    weighting: Weighting,
    max_weight: Positive | None,
    n_train: Count,
    n_val: CountOrZero,
    n_test: CountOrZero,
    n_target: Count,
    dtype: DType,
    seed: Seed,
) -> Source:
    """y = x³ − x + ε, with x from one normal distribution for training and validation, and from another for testing.

    Source: Shimodaira, Improving predictive inference under covariate shift by weighting the log-likelihood function,
    2000, section 2; Dive into Deep Learning 4.7.3.

    Args:
        degree: the features are xⁱ for i = 1 … degree; from 3 on, a linear model of them can be right.
        train_mean, train_std: of the inputs of training and validation examples.
        target_mean, target_std: of the inputs of the target, among them the test examples.
        noise, noise_kind: of ε, see `draw_noise`.
        weighting: of training and validation examples: "none"; "estimated" by logistic regression between training
            inputs and `n_target` further inputs of the target, on x and x² as the logarithm of a ratio of normal
            densities is quadratic; "known", the ratio of the densities.
        max_weight: the largest ratio, larger ones are cut; None: all as they are.

    Raises:
        InputError: the weights of a part are all 0, or not finite.
    """
    kind, most = getattr(torch, dtype), math.inf if max_weight is None else max_weight

    def inputs(size: int, mean: float, std: float, rng: torch.Generator) -> Tensor:
        return mean + std * torch.randn(size, 1, generator=rng, dtype=torch.float64)

    def draw(name: str, size: int, mean: float, std: float) -> tuple[Tensor, Tensor]:
        rng = generator(seed, f"data/{name}")
        x = inputs(size, mean, std, rng)
        return x, x**3 - x + draw_noise(x.shape, noise, noise_kind, rng)

    train, val = draw("train", n_train, train_mean, train_std), draw("val", n_val, train_mean, train_std)
    test = draw("test", n_test, target_mean, target_std)
    if weighting == "estimated":
        target = inputs(n_target, target_mean, target_std, generator(seed, "data/target"))
        ratio = _estimated_ratio(train[0], target)
    else:
        ratio = _known_ratio((train_mean, train_std), (target_mean, target_std))

    def examples(drawn: tuple[Tensor, Tensor], weighted: bool) -> Examples | None:
        x, y = drawn
        if not len(x):
            return None
        weight = None
        if weighted and weighting != "none":
            try:
                weight = normalize_weights(ratio(x).clamp(max=most)).to(kind)
            except ValueError as error:
                raise InputError(
                    f"data.weighting={weighting}: {error}, bring data.target_mean={target_mean} nearer to "
                    f"data.train_mean={train_mean}, or make data.train_std={train_std} larger"
                ) from error
        return Examples((x ** torch.arange(1, degree + 1)).to(kind), y.to(kind), weight)

    parts = examples(train, True), examples(val, True), examples(test, False)
    assert parts[0] is not None
    summary: tuple[str, ...] = ()
    if parts[0].weight is not None:
        counts = effective_sample_size(parts[0].weight)
        summary = (f"{weighting} density ratios as weights: {n_train} training examples count like {counts:.1f}",)
    return Source(
        task="regression", train=parts[0], val=parts[1], test=parts[2], truth=_truth(degree),
        checksum=checksum(*parts), summary=summary,
    )  # fmt: skip


def _known_ratio(train: tuple[float, float], target: tuple[float, float]) -> Ratio:
    """Return the ratio of two normal densities, each given by its mean and standard deviation."""

    def log_density(x: Tensor, mean: float, std: float) -> Tensor:
        return -0.5 * ((x[:, 0] - mean) / std).square() - math.log(std)

    return lambda x: density_ratio(log_density(x, *target) - log_density(x, *train), 1, 1)


def _estimated_ratio(train: Tensor, target: Tensor) -> Ratio:
    """Return the density ratio estimated by logistic regression between two samples of inputs, `[N, 1]` each."""

    def features(x: Tensor) -> Tensor:
        return torch.cat([x, x.square()], dim=1)

    is_target = torch.arange(len(train) + len(target)) >= len(train)
    both = Examples(features(torch.cat([train, target])), is_target.long())
    found = solve(both, CrossEntropy(), PENALTY, bias=True, n_outputs=2)

    def ratio(x: Tensor) -> Tensor:
        logits = features(x) @ found.weight.T + found.bias
        return density_ratio(logits[:, 1] - logits[:, 0], len(train), len(target))

    return ratio


def _truth(degree: int) -> TrueParameters | None:
    """Return the parameters that made the targets, where there are features for them."""
    if degree < 3:
        return None
    weight = torch.zeros(1, degree, dtype=torch.float64)
    weight[0, 0], weight[0, 2] = -1, 1
    return TrueParameters(weight, torch.zeros(1, dtype=torch.float64))
