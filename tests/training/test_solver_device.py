"""Which device looks for an optimum, and that the way there and back mixes no tensors of two devices."""

import pytest
import torch
from pretended_gpu import There, pretended_gpu

from linnet.losses import CrossEntropy
from linnet.penalties import L2
from linnet.solvers.blockwise.solve import METHOD
from linnet.solvers.relative import Rows
from linnet.solvers.solve import solve
from linnet.training.components import build_data, build_model
from linnet.training.optimality import analyse_problem
from linnet.training.setup import check_objective
from linnet.training.solver_device import solver_device

SOFTMAX = ("data=digits", "optimizer=exact", "penalty=l2", "penalty.strength=0.01")


def test_analysis_of_a_run_on_a_gpu(checked) -> None:
    config = checked(*SOFTMAX, "trainer=gpu")
    data = build_data(config)
    model = build_model(config, data)
    known = analyse_problem(checked(*SOFTMAX), data, model, keep=False)
    with pretended_gpu():
        for _ in range(2):  # the second time the examples are there
            check_objective(config, data, model)
            found = analyse_problem(config, data, model, keep=False)
            assert isinstance(data.train.x, There) and isinstance(data.test.x, There)
        train, x = data.train, data.train.x
        data.move_to(torch.device("cuda"))
        assert data.train is train and data.train_in_float64.x is x  # by which a path knows its examples again
        with pytest.raises(RuntimeError, match="same device"):
            data.train.x @ torch.ones(64, dtype=torch.float64)
    assert found.optimum.method == METHOD and known.optimum.method != METHOD
    assert not isinstance(found.optimum.weight, There)
    assert found.optimum.objective == pytest.approx(known.optimum.objective, abs=1e-11)
    assert found.optimum.suboptimality_bound <= 1e-11
    assert found.curvature.largest == pytest.approx(known.curvature.largest, rel=1e-10)


def test_a_class_without_an_example_goes_back_to_the_processor() -> None:
    y = torch.arange(12) % 3
    with pretended_gpu():
        given = Rows(torch.arange(24.0).view(12, 2).double().sin().to("cuda"), y.to("cuda"))
        found = solve(
            given, CrossEntropy(), L2(1.0), bias=True, tolerance=1e-3, n_outputs=4, device=torch.device("cuda")
        )
    assert not found.attained and METHOD not in found.method


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("trainer=gpu",), "cuda"),
        (("trainer.accelerator=auto",), "cpu"),  # so few numbers are not worth the way
        ((), "cpu"),
        (("trainer=gpu", "penalty=l1"), "cpu"),
        (("trainer=gpu", "loss.label_smoothing=0.1"), "cpu"),
    ],
)
def test_device(words, expected, checked, monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    config = checked(*SOFTMAX, *words)
    data = build_data(config)
    assert solver_device(config, data, build_model(config, data)).type == expected
