"""The inner loop of training on a GPU: groups of steps, recorded once as a CUDA graph and replayed.

A GPU takes a step of a small linear model in less time than Python takes to ask for it. A recorded group of steps is
asked for at once. It reads the rows of its minibatches, and the numbers of its updates, from memory that is filled
before each replay, so that one recording serves all groups of its shape.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from linnet.data import Examples
from linnet.models.linear import constants
from linnet.models.runs import Runs
from linnet.models.train_steps import ChunkResult, Clip, Objective, gradient_norm
from linnet.optimizers.hyperparameter import Hyperparameter
from linnet.optimizers.update_rule import UpdateRule
from linnet.penalties import Penalty

GROUP = 16
"""Steps of a group: enough for its launch to be hidden behind it, few enough to be recorded within milliseconds."""

Record = Callable[[Callable[[], None]], Callable[[], object]]
"""From a function without arguments, which only asks the device for work, to one that does the same again."""


class Shape(NamedTuple):
    """Steps of a group, examples of each minibatch, and whether the gradient norm of the last step is computed."""

    n_steps: int
    batch_size: int
    norm: bool


class CudaGraphs:
    """Records as CUDA graphs, which share their memory: what one leaves is read before the next is replayed."""

    def __init__(self) -> None:
        self.pool: Any = torch.cuda.graph_pool_handle()

    def __call__(self, function: Callable[[], None]) -> Callable[[], object]:
        graph = torch.cuda.CUDAGraph()
        # Other threads, as of loggers, may go on with theirs.
        with torch.cuda.graph(graph, pool=self.pool, capture_error_mode="thread_local"):
            function()
        return graph.replay


class RecordedSteps:
    """Training steps of K models on examples that stay where they are, in recorded groups.

    Args:
        objective, params, optimizer, state, penalty, clip: as of `train_chunk`; tensors are changed in place only.
        examples: on the device of the parameters.
        record: on a GPU `CudaGraphs()`.
    """

    def __init__(
        self, objective: Objective, params: Sequence[Tensor], optimizer: UpdateRule, state: dict[str, Any],
        penalty: Penalty, clip: Clip | None, examples: Examples, record: Record,
    ) -> None:  # fmt: skip
        self.objective, self.params, self.state, self.examples = objective, params, state, examples
        self.optimizer, self.on_host = moved(optimizer, params[0].device), optimizer
        self.penalty, self.clip, self.record = penalty, clip, record
        self._groups: dict[Shape, _Group] = {}

    def train_chunk(
        self, rows: Tensor, sizes: Sequence[int], factors: Sequence[Hyperparameter], steps: range, norm_every: int
    ) -> ChunkResult:
        """Do what `train_steps.train_chunk` does with the minibatches of these rows and sizes, to the last of them."""
        like = self.params[0]
        numbers = self._numbers(factors).to(like)
        rows, n_models = rows.to(like.device), like.shape[0]
        losses = like.new_empty(len(sizes), n_models)
        norms: dict[int, Tensor] = {}
        first = row = 0
        for shape in shapes(sizes, steps, norm_every):
            last, end = first + shape.n_steps, row + shape.n_steps * shape.batch_size
            group = self._groups.get(shape)
            if group is None:
                group = self._groups[shape] = _Group(self, shape, numbers)
            group.rows.copy_(rows[row:end])
            group.numbers.copy_(numbers[first:last])
            group.run(self.record)
            losses[first:last] = group.losses
            if shape.norm:
                assert group.norms is not None
                norms[steps[last - 1]] = group.norms.clone()
            first, row = last, end
        fetched = torch.cat([losses, *(norm.unsqueeze(0) for norm in norms.values())]).double().cpu()
        return ChunkResult(fetched[: len(losses)], dict(zip(norms, fetched[len(losses) :], strict=True)))

    def _numbers(self, factors: Sequence[Hyperparameter]) -> Tensor:
        """Return the numbers of all updates, `[T, n, K or 1]` float64, and count the updates."""
        found = []
        for factor in factors:
            if "step" in self.state:
                self.state["step"] += 1
            found.append(self.on_host.numbers(self.state.get("step", 0), factor))
        if all(isinstance(number, float) for numbers in found for number in numbers):
            return torch.tensor(found, dtype=torch.float64).unsqueeze(2)
        n_models = len(self.params[0])
        each = [torch.as_tensor(number, dtype=torch.float64).cpu() for numbers in found for number in numbers]
        return torch.stack([number.expand(n_models) for number in each]).view(len(found), -1, n_models)

    def take(self, rows: Tensor, numbers: Tensor, shape: Shape) -> tuple[Tensor, Tensor | None]:
        """Take the steps of a group, and return their losses `[T, K]` and the last gradient norm `[K]`, if asked for.

        Args:
            rows: of all minibatches, one after the other.
            numbers: of each update, `[T, n, K or 1]`.
            shape: of the group.
        """
        losses, norms = [], None
        batches = self.examples.batches(rows, [shape.batch_size] * shape.n_steps)
        for step, batch in enumerate(batches, start=1):
            value, grads = self.objective(batch)
            losses.append(value)
            if shape.norm and step == shape.n_steps:
                norms = gradient_norm(grads)
            if self.clip is not None:
                grads = self.clip(grads)
            given = tuple(numbers[step - 1])
            self.optimizer.apply(self.params, grads, self.state, given)
            if self.penalty.proximal:
                size = self.optimizer.step_size_of(0, self.state, given)
                self.penalty.proximal_step(self.params[0], size)
        return torch.stack(losses), norms


class _Group:
    """A group of one shape, with the memory that its recording reads and writes."""

    def __init__(self, steps: RecordedSteps, shape: Shape, numbers: Tensor) -> None:
        with torch.inference_mode(False):
            self.rows = torch.zeros(shape.n_steps * shape.batch_size, dtype=torch.int64, device=numbers.device)
            self.numbers = numbers.new_zeros(shape.n_steps, *numbers.shape[1:])
        self._steps, self._shape = steps, shape
        self._kept = constants(shape.batch_size, numbers)  # which a cache would give up
        self._replay: Callable[[], object] | None = None
        self._seen = False

    def run(self, record: Record) -> None:
        """Take the steps: the first time without a recording, so that all that is made once has been made."""
        if self._replay is None and self._seen:
            self._replay = record(self._take)
        (self._replay or self._take)()
        self._seen = True

    def _take(self) -> None:
        self.losses, self.norms = self._steps.take(self.rows, self.numbers, self._shape)


def shapes(sizes: Sequence[int], steps: range, norm_every: int) -> list[Shape]:
    """Return the groups that minibatches are taken in, in their order: whole groups, and steps alone between them.

    A gradient norm is that of the last step of a group, since its steps are the same in every chunk.
    """
    length = norm_every if 1 < norm_every <= GROUP else GROUP
    found = []
    i = 0
    while i < len(sizes):
        n = length if sizes[i : i + length] == [sizes[i]] * length else 1
        asked = [step % norm_every == 0 for step in steps[i : i + n]]
        if any(asked[:-1]):
            n, asked = 1, asked[:1]
        found.append(Shape(n, sizes[i], asked[-1]))
        i += n
    return found


def moved(part: Any, device: torch.device) -> Any:
    """Return a dataclass with its tensors on the device, where no step has to wait for their transfer."""
    if not dataclasses.is_dataclass(part):
        return part
    tensors = {
        field.name: value.to(device)
        for field in dataclasses.fields(part)
        if isinstance(value := getattr(part, field.name), Tensor)
    }
    return dataclasses.replace(part, **tensors) if tensors else part  # type: ignore[type-var]


def record_steps(model: Runs, state: dict[str, Any], clip: Clip | None, record: Record) -> RecordedSteps | None:
    """Return the steps of a training that has started, in recorded groups.

    None if a step may ask the device for an answer, or Python for another decision than in the step before: one of
    parts of other modules, by autograd, of a library's optimizer, or of resamples, some of which take no step.
    """
    optimizer, examples = model.optimizer, model.data.train
    ours = all(type(part).__module__.startswith("linnet.") for part in (optimizer, model.loss, model.penalty))
    if model.asks_autograd or model.resamples is not None or not ours or not examples.gathers_without_waiting:
        return None
    if not isinstance(optimizer, UpdateRule) or not dataclasses.is_dataclass(type(model.penalty)):
        return None
    parts = model.params, optimizer, state, model.penalty, clip
    return RecordedSteps(model.objective_and_gradients, *parts, examples, record)
