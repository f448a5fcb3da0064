"""The groups of steps that a GPU records, taken here without a recording: the same updates as step by step."""

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from linnet.data import Data, Examples, Source, prepare
from linnet.data.standardizer import Normalisation
from linnet.data.storage.stored_examples import ByteExamples, Float16Examples
from linnet.losses import (
    AbsoluteError,
    CrossEntropy,
    GaussianNLL,
    Huber,
    LogCosh,
    PoissonNLL,
    SquaredError,
)
from linnet.losses.cross_entropy_naive import CrossEntropyNaive
from linnet.models import LinearNetwork, LinearRegression, SoftmaxRegression
from linnet.models.linear import predict, rows_first
from linnet.models.recorded_steps import GROUP, RecordedSteps, Shape, moved, record_steps, shapes
from linnet.models.train_steps import Clip
from linnet.optimizers import SGD, Adagrad, Adam, AdamW, Momentum, RMSprop
from linnet.penalties import L1, L2, ElasticNet
from linnet.schedules import Cosine, Step
from linnet.training.stacking import stack

N, D, C, BATCH, EPOCHS = 419, 5, 3, 8, 3
"""53 minibatches of an epoch, the last of them short: whole groups, steps alone, and gradient norms between."""
CASES: list[dict[str, Any]] = [
    {"loss": CrossEntropy(0.1), "optimizer": SGD(0.3), "schedule": Cosine(0.1, 1)},
    {"loss": CrossEntropyNaive(), "optimizer": Momentum(0.1, 0.9, nesterov=True), "penalty": L2(0.01)},
    {"loss": CrossEntropy(), "optimizer": AdamW(0.01, weight_decay=0.1), "clip": Clip(0.5, "norm")},
    {"loss": SquaredError(), "optimizer": Adam(0.02), "penalty": L1(0.01), "schedule": Step(1, 0.5)},
    {"loss": Huber(0.5), "optimizer": RMSprop(0.01), "penalty": ElasticNet(0.02, 0.5)},
    {"loss": AbsoluteError(), "optimizer": Adagrad(0.1), "clip": Clip(0.1, "value")},
    {"loss": LogCosh(), "optimizer": Momentum(0.05, 0.5), "penalty": L1(0.02)},
    {"loss": GaussianNLL(2.0), "optimizer": SGD(0.1), "penalty": L1(0.01)},
    {"loss": PoissonNLL(), "optimizer": Adam(0.02), "penalty": L2(0.1)},
]


def unrecorded(function):
    """Record nothing."""
    return function


class Curves:
    """A logger that keeps everything."""

    histogram_every_n_epochs = 0

    def __init__(self) -> None:
        self.points: list[tuple[str, list[int], list[float]]] = []

    def log_series(self, name: str, steps: Any, values: Any, every: int = 1) -> None:
        self.points.append((name, list(steps), list(values)))

    def log_histograms(self, *_: Any) -> None: ...


def source(classes: bool) -> Source:
    random = torch.Generator().manual_seed(2)
    x = torch.randn(N, D, generator=random, dtype=torch.float64)
    y = torch.randint(0, C, (N,), generator=random) if classes else x[:, :1].abs() + torch.rand(N, 1, generator=random)
    weight = None if classes else torch.rand(N, generator=random, dtype=torch.float64) + 0.5
    names = tuple("abc") if classes else ()
    task: Any = "classification" if classes else "regression"
    return Source(task, Examples(x, y, weight), None, "", class_names=names)


def model_of(case: dict[str, Any], dtype: str) -> LinearNetwork:
    kind, outputs = (SoftmaxRegression, C) if case["loss"].task == "classification" else (LinearRegression, 1)
    parts = {key: part for key, part in case.items() if key != "clip"}
    return kind(D, outputs, dtype=dtype, **parts)


def trained(model: LinearNetwork, data: Data, clip: Clip | None, record: Any) -> tuple[LinearNetwork, Curves]:
    model.recorder, model.clip = Curves(), clip
    model.begin(data)
    if record is not None:
        assert model.optimizer_state is not None
        model._recorded = record_steps(model, model.optimizer_state, clip, record)
        assert isinstance(model._recorded, RecordedSteps)
    for epoch in range(EPOCHS):
        model.begin_epoch(epoch, EPOCHS)
        for rows in data.order(lambda: model.steps_done):
            model.train_on(rows, log_every=10)
    return model, model.recorder


def assert_equal(found: tuple[LinearNetwork, Curves], expected: tuple[LinearNetwork, Curves], dtype: str) -> None:
    # A number that is a tensor multiplies in another operation than one that is not, which may round otherwise.
    tolerance = {"rtol": 2e-4, "atol": 1e-6} if dtype == "float32" else {"rtol": 1e-12, "atol": 1e-14}
    for name, parameter in expected[0].named_parameters():
        torch.testing.assert_close(found[0].get_parameter(name), parameter, **tolerance)
    for (name, steps, values), (other, at, numbers) in zip(expected[1].points, found[1].points, strict=True):
        assert (name, steps) == (other, at)
        assert numbers == pytest.approx(values, rel=tolerance["rtol"], abs=tolerance["atol"])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: type(case["loss"]).__name__)
def test_equals_steps_one_by_one(case, dtype):
    classes = case["loss"].task == "classification"
    found, expected = (
        trained(
            model_of(case, dtype), prepare(source(classes), BATCH, 0.0, False, 0, seed=3, dtype=dtype),
            case.get("clip"), record,
        )
        for record in (unrecorded, None)
    )  # fmt: skip
    assert_equal(found, expected, dtype)
    assert found[0].steps_done == expected[0].steps_done
    states = [each.optimizer.state_dict(each.optimizer_state) for each, _ in (found, expected)]
    assert states[0].get("step") == states[1].get("step")


def test_many_models_are_equal_bit_for_bit():
    """Their numbers are tensors in both."""

    def models() -> LinearNetwork:
        cases = ({"optimizer": Adam(0.01 * k, beta1=0.1 * k), "penalty": ElasticNet(0.01 * k)} for k in (1, 2, 3))
        return stack([model_of({"loss": CrossEntropy(), **case}, "float32") for case in cases])

    data = [prepare(source(True), BATCH, 0.0, False, 0, seed=3, dtype="float32") for _ in range(2)]
    recorders = []
    for each, record in zip(data, (unrecorded, None), strict=True):
        model = models()
        loggers = [Curves() for _ in range(3)]
        model.loggers_of = lambda k, loggers=loggers: [loggers[k]]  # type: ignore[method-assign]
        recorders.append((trained(model, each, None, record)[0], loggers))
    (found, curves), (expected, others) = recorders
    assert torch.equal(found.weight, expected.weight)
    assert [each.points for each in curves] == [each.points for each in others]


@pytest.mark.parametrize(
    "examples",
    [
        lambda x, y: ByteExamples((x * 30).to(torch.uint8), y, torch.float32),
        lambda x, y: Float16Examples(x.half(), y, torch.float32, Normalisation()),
        lambda x, y: Float16Examples(x.half(), y, torch.float32, Normalisation().standardised(x.mean(0), x.std(0))),
    ],
    ids=["bytes", "halves", "standardised"],
)
def test_stored_examples(examples):
    read = source(True).train
    made = examples(read.x.abs(), read.y)
    both = []
    for record in (unrecorded, None):
        data = Data(source(True), made, None, None, BATCH, seed=3)
        both.append(trained(model_of({"loss": CrossEntropy(), "optimizer": SGD(0.3)}, "float32"), data, None, record))
    assert_equal(both[0], both[1], "float32")


class TestShapes:
    def test_cover_the_steps_in_order_with_every_norm(self):
        for norm_every in (1, 3, 10, 16, 17, 1000):
            for start in (1, 5, 11):
                sizes = [8] * 50 + [3]
                steps = range(start, start + len(sizes))
                found = shapes(sizes, steps, norm_every)
                assert [size for shape in found for size in [shape.batch_size] * shape.n_steps] == sizes
                ends = torch.tensor([shape.n_steps for shape in found]).cumsum(0).tolist()
                asked = [steps[end - 1] for end, shape in zip(ends, found, strict=True) if shape.norm]
                assert asked == [step for step in steps if step % norm_every == 0]

    def test_are_few(self):
        epochs = [shapes([256] * 210 + [240], range(211 * k + 1, 211 * (k + 1) + 1), 10) for k in range(20)]
        assert len({shape for epoch in epochs for shape in epoch}) <= 5
        assert max(map(len, epochs)) <= 211 // 10 + 20

    def test_whole_groups_without_norms(self):
        assert shapes([4] * (2 * GROUP), range(1, 2 * GROUP + 1), 10**9) == [Shape(GROUP, 4, False)] * 2


def test_predictions_in_the_other_order_of_memory():
    random = torch.Generator().manual_seed(4)
    x, weight = torch.randn(300, D, generator=random).double(), torch.randn(1, 1000, D, generator=random).double()
    bias, y = torch.randn(1, 1000, generator=random).double(), torch.randint(0, 1000, (300,), generator=random)
    for some in (slice(None), slice(100)):  # more and fewer than FEW_PREDICTIONS
        for given in (bias, None):
            found = rows_first(x[some], weight[0], given, 0.5)
            assert found.is_contiguous()
            torch.testing.assert_close(found, predict(x[some], weight, given, 0.5), rtol=1e-13, atol=1e-13)
            loss = CrossEntropy(0.1)
            for one, other in zip(
                loss._of_rows(found, y[some]), loss.value_and_gradient(found.clone(), y[some]), strict=True
            ):
                torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-14)


class NoAnswers(TorchDispatchMode):
    """Refuses operations that on a GPU wait for its answer, which a recording cannot hold."""

    WAITING = (
        "_local_scalar_dense", "item", "is_nonzero", "nonzero", "masked_select", "index", "equal", "allclose",
        "bincount", "_unique2", "unique_dim",
    )  # fmt: skip

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        assert name not in self.WAITING, f"a recorded step asks for {name}"
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("case", CASES, ids=lambda case: type(case["loss"]).__name__)
def test_recorded_steps_wait_for_no_answer(case):
    def watched(function):
        def replay():
            with NoAnswers():
                function()

        return replay

    data = prepare(source(case["loss"].task == "classification"), BATCH, 0.0, False, 0, seed=3, dtype="float32")
    trained(model_of(case, "float32"), data, case.get("clip"), watched)


def test_the_watch_sees_an_answer():
    for context in (torch.no_grad, torch.inference_mode):
        for asks in (float, bool, lambda one: one[one > 0], lambda one: one.nonzero()):
            one = torch.ones(1)
            with pytest.raises(AssertionError, match="asks for"), context(), NoAnswers():
                asks(one)


@dataclass(frozen=True)
class Part:
    rate: Any
    fixed: float = 0.5


def test_hyperparameters_are_moved():
    device = torch.device("meta")
    found = moved(Part(torch.tensor([0.1, 0.2])), device)
    assert (found.rate.device, found.rate.shape, found.fixed) == (device, (2,), 0.5)
    for kept in (Part(0.1), object()):
        assert moved(kept, device) is kept
