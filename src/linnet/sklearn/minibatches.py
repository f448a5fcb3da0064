"""Train an estimator's model by minibatches: the updates, and so the weights, of `linnet train` on the same rows.

Imports Lightning, which takes seconds: the estimators import this module where they train.
"""

from typing import Any, Literal

import torch

from linnet.data import Data, Examples, Source
from linnet.data.batch import Batch
from linnet.data.standardizer import Standardizer
from linnet.data.storage.sparse_examples import SparseExamples, sparse_standardizer
from linnet.losses import Loss
from linnet.models import LinearNetwork, LinearRegression, SoftmaxRegression
from linnet.optimizers import Optimizer
from linnet.penalties import Penalty
from linnet.sklearn.exact import Fit
from linnet.solvers.relative import Rows
from linnet.solvers.sparse.features import compressed_rows, is_sparse
from linnet.training.loop import LoopOptions, train_loop

REASON = "trained by minibatches: nothing is proven"
Task = Literal["regression", "classification"]


class Learner:
    """A model with the state of its optimizer, which learns from rows and goes on with further ones.

    Args:
        task: of the loss.
        n_features, n_outputs: D and C.
        dtype: of training, "float32" or "float64".
        loss, penalty, optimizer: the parts of training.
        bias: whether there is one.
        seed: of the initial weights and of the order of minibatches.
    """

    def __init__(
        self,
        task: Task,
        n_features: int,
        n_outputs: int,
        dtype: str,
        *,
        loss: Loss,
        penalty: Penalty,
        optimizer: Optimizer,
        bias: bool,
        seed: int,
    ) -> None:
        kind = SoftmaxRegression if task == "classification" else LinearRegression
        self.model: LinearNetwork = kind(
            n_features, n_outputs, bias=bias, dtype=dtype, loss=loss, penalty=penalty, optimizer=optimizer,
            init_seed=seed,
        )  # fmt: skip
        self.task, self.dtype, self.bias, self.seed, self.calls = task, getattr(torch, dtype), bias, seed, 0
        self.n_outputs, self.scaling = n_outputs, None

    def learn(self, rows: Rows, *, batch_size: int, max_epochs: int, standardize: bool = False) -> Fit:
        """Take one pass over the rows per epoch and return the coefficients.

        The order of the rows depends on the seed, the number of calls before this one, and the epoch.

        Args:
            rows: features as an array or CSR, targets and weights.
            standardize: scale features by statistics of these rows; only for the first and only call.

        Raises:
            Diverged: the loss grows without limit.
        """
        scaling, examples = self._examples(rows, standardize)
        names = tuple(map(str, range(self.n_outputs))) if self.task == "classification" else ()
        source = Source(self.task, examples, None, "", class_names=names)
        data = Data(source, examples, None, None, batch_size, self.seed + self.calls, scaling)
        result = train_loop(self.model, data, LoopOptions(max_epochs=max_epochs))
        self.calls += 1
        weight = self.model.weight.detach()[0].double()
        bias = torch.zeros(self.n_outputs, dtype=torch.float64)
        if self.model.bias is not None:
            bias = self.model.bias.detach()[0].double()
        if scaling is not None:
            weight, bias = scaling.undo(weight, bias)
        return Fit(weight.clone(), bias.clone(), float("nan"), REASON, result.epochs)

    def _examples(self, rows: Rows, standardize: bool) -> tuple[Standardizer | None, Examples]:
        """Return the examples in the dtype of training, and the scaling that was applied."""
        y = rows.y.to(self.dtype) if rows.y.is_floating_point() else rows.y
        weight = None if rows.weight is None else rows.weight.to(self.dtype)
        if is_sparse(rows.x):
            matrix = compressed_rows(rows.x)
            scaling = sparse_standardizer(matrix, rows.weight, bias=self.bias) if standardize else None
            return scaling, SparseExamples.of(matrix, y, weight, dtype=self.dtype, scaling=scaling)
        x: Any = rows.x
        if not standardize:
            return None, Examples(x.to(self.dtype), y, weight)
        found = Standardizer.of(lambda: [Batch(x, y, weight=rows.weight)], centre=self.bias)
        return found, Examples(found.apply(x, self.dtype), y, weight)
