import mpmath
import pytest
import torch
from torch.testing import assert_close

import linnet
from linnet.losses import AbsoluteError, SquaredError
from linnet.losses.log_cosh import LogCosh

RESIDUALS = [0.0, 1e-200, 1e-9, 0.3, -0.999, 1.001, -7.0, 40.0, 1e6, -1e150]


@pytest.mark.parametrize("delta", [0.02, 1.0, 30.0])
def test_every_size_of_residual_against_60_digits(delta):
    prediction, target = torch.tensor(RESIDUALS, dtype=torch.float64)[None, :, None], torch.zeros(len(RESIDUALS), 1)
    loss = LogCosh(delta)
    value, gradient = loss.value_and_gradient(prediction, target.double())
    with mpmath.workdps(60):
        for i, residual in enumerate(RESIDUALS):
            z = abs(mpmath.mpf(residual) / mpmath.mpf(delta))
            exact = z + mpmath.log1p(mpmath.exp(-2 * z)) - mpmath.log(2) if z > 1 else mpmath.log(mpmath.cosh(z))
            # Division, function and product: a few roundings, each of half a unit in the last place.
            assert value[0, i].item() == pytest.approx(float(exact * mpmath.mpf(delta) ** 2), rel=1e-14, abs=1e-300)
            slope = mpmath.mpf(delta) * mpmath.tanh(mpmath.mpf(residual) / mpmath.mpf(delta))
            assert gradient[0, i, 0].item() == pytest.approx(float(slope), rel=1e-14, abs=1e-300)


def test_no_gradient_is_lost_far_out():
    prediction = torch.tensor([[[1e200], [-1e200], [0.0]]], dtype=torch.float64, requires_grad=True)
    LogCosh().value(prediction, torch.zeros(3, 1, dtype=torch.float64)).sum().backward()
    assert prediction.grad.flatten().tolist() == [1.0, -1.0, 0.0]


def test_limits_are_squared_and_absolute_error(examples):
    prediction, target = examples(LogCosh())
    wide, narrow = 1e6, 1e-9
    # log cosh z = ½z² − z⁴/12 + …, and |z| − log 2 up to exp(−2z).
    assert_close(LogCosh(wide).value(prediction, target), SquaredError().value(prediction, target), rtol=1e-9, atol=0)
    assert_close(
        LogCosh(narrow).value(prediction, target) / narrow, AbsoluteError().value(prediction, target), rtol=1e-7, atol=0
    )


def test_a_run_says_that_its_optimum_is_not_known(tmp_path, capsys):
    options = ["data=diabetes", "loss=log_cosh", "loss.delta=50", "trainer.max_epochs=2", "figures=false"]
    run = linnet.train([*options, f"hydra.run.dir={tmp_path / 'run'}"])
    assert "optimum/loss" not in run.metrics
    assert "no exact solver for LogCosh" in capsys.readouterr().out
    with pytest.raises(linnet.system.errors.InputError, match="no exact solver for LogCosh"):
        linnet.train([*options, "optimizer=exact", f"hydra.run.dir={tmp_path / 'exact'}"])
