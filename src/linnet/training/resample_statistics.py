"""What a run keeps of its resamples for intervals: errors of what folds left out, and the skewness of coefficients."""

from collections.abc import Collection, Sequence

import numpy as np
import torch
from torch import Tensor

from linnet.data import Data
from linnet.data.resampling.resamples import Folds
from linnet.models import LinearNetwork
from linnet.models.bootstrap_metrics import metric_intervals, sums_of
from linnet.models.model_resamples import ModelResamples
from linnet.solvers.bootstrap import acceleration, deleted_coefficients, expanded_quantile
from linnet.solvers.problem_analysis import ProblemAnalysis
from linnet.tracking.bootstrapped import bootstrapped
from linnet.tracking.units import in_units_of_data, units

MOST_NUMBERS = 2**27
"""Jackknife values of the coefficients beyond which their skewness is not computed: 1 GiB."""


def held_out_errors(
    model: LinearNetwork, data: Data, resamples: ModelResamples, kept: Sequence[Sequence[Tensor]],
    diverged: Collection[int] = (),
) -> Tensor | None:  # fmt: skip
    """Return the error of each training example by the model of the fold that leaves it out, float64 `[N, C]`.

    It is |y − prediction| of each target, or 1 − the probability of the class `[N, 1]`; NaN of examples that no fold
    leaves out, or one that diverged.

    Returns:
        None where the resamples are not one partition into folds, so that several models leave an example out, or the
        examples have weights, so that they are not as new ones are.
    """
    if data.train.weight is not None or not isinstance(data.resamples, Folds) or len(data.resamples.fold) > 1:
        return None
    errors: Tensor | None = None
    for k, (rows, chunks) in enumerate(zip(resamples.held_out, kept, strict=True)):
        if k in diverged or not chunks:
            continue
        outputs = torch.cat([chunk[0] for chunk in chunks]).double()
        y = data.train.y.index_select(0, rows).to(outputs.device)
        if model.loss.task == "classification":
            error = 1 - outputs.softmax(dim=1).gather(1, y[:, None])
        else:
            error = (y.double() - model.loss.mean(outputs[None])[0]).abs()
        if errors is None:
            errors = torch.full((len(data.train), error.shape[1]), torch.nan, dtype=torch.float64)
        errors[rows.cpu()] = error.cpu()
    return errors


def coefficient_acceleration(data: Data, analysis: ProblemAnalysis | None) -> Tensor | None:
    """Return the acceleration of the least squares coefficients for BCa intervals, float64 `[C, 1 + D]`, bias first.

    It is that of the jackknife, in closed form. Without a bias the first column is NaN.

    Returns:
        None where it is not known: another loss, a penalty, weights of examples, or too many numbers.
    """
    if analysis is None or analysis.errors is None or analysis.coefficients is None:
        return None
    coefficients, errors = analysis.coefficients[0].numpy(), analysis.errors
    train = data.train_as_read
    x, y = train.x.double().cpu().numpy(), train.y.double().cpu().numpy()
    if len(x) * coefficients.size > MOST_NUMBERS:
        return None
    first = int(errors.inverse_factor[0, 0] == 0)  # no bias
    design = torch.nn.functional.pad(torch.from_numpy(x - errors.means), (1, 0), value=1.0).numpy()
    residuals = y - x @ coefficients[:, 1:].T - coefficients[:, 0]
    changes = deleted_coefficients(design[:, first:], residuals, errors.inverse_factor[first:, first:])
    if first:
        return torch.nn.functional.pad(torch.from_numpy(acceleration(changes)), (1, 0), value=torch.nan)
    changes[:, :, 0] -= changes[:, :, 1:] @ errors.means  # the bias is that of features as they came
    return torch.from_numpy(acceleration(changes))


def interval_quantile(data: Data, analysis: ProblemAnalysis | None) -> Tensor | None:
    """Return the quantile of BCa intervals of the coefficients, float64 `[1]`; None where these are not known."""
    if analysis is None or analysis.errors is None:
        return None
    quantile = expanded_quantile(len(data.train), int(analysis.errors.df_residual))
    return torch.tensor([quantile], dtype=torch.float64)


@torch.no_grad()
def bootstrap_metrics(
    batched: LinearNetwork, data: Data, analysis: ProblemAnalysis | None, known: Tensor | None
) -> dict[str, float]:
    """Return the metrics of the bootstrap of a run's coefficients, see `linnet.tracking.bootstrapped`.

    Args:
        batched: the models of the resamples, and last the run's.
        data, analysis: of the run.
        known: the acceleration of the coefficients, None if it is not known.
    """
    weight, bias = (None if tensor is None else tensor.double().cpu().numpy() for tensor in batched.shared_parameters())
    assert weight is not None
    weight, bias = in_units_of_data(weight, np.zeros(weight.shape[:2]) if bias is None else bias, units(data))
    coefficients = np.concatenate([bias[:, :, None], weight], axis=2)
    estimate = coefficients[-1]
    if batched.solution is not None and analysis is not None and analysis.coefficients is not None:
        estimate = analysis.coefficients[0].numpy()  # the same, not rounded by way of standardised features
    quantile = interval_quantile(data, analysis)
    found = bootstrapped(
        coefficients[:-1], estimate, None if known is None else known.numpy(),
        None if quantile is None else float(quantile),
    )  # fmt: skip
    return found.metrics(("bias", *data.feature_names))


def intervals_of_test_metrics(model: LinearNetwork, data: Data, prediction: Tensor | None) -> dict[str, float]:
    """Return bootstrap intervals of the run's test metrics, "bootstrap/test/bca_low/mse", …; {} without a test split.

    Args:
        model: of the run.
        data: with the test examples, over which the metrics are resampled.
        prediction: of them `[N, C]`; None: they are predicted.
    """
    if data.test is None or data.test.streamed:
        return {}
    found = model.evaluate(data.test)[1] if prediction is None else prediction
    expected = model.loss.mean(found[None])[0] if model.loss.task == "regression" else found
    sums = sums_of(model.loss.task, expected.detach(), data.test.y)
    intervals = {} if sums is None else metric_intervals(sums)
    return {f"bootstrap/test/{end}/{name}": value for name, ends in intervals.items() for end, value in ends.items()}
