"""An approximate inverse of the Hessian of softmax regression: one block for each class.

The block of class c is Σ_i p_ic (1 − p_ic) x_i x_iᵀ / N + l2 · I, of a sample of the examples in which those count that
are uncertain about c. Where features are whitened, that leaves few steps of conjugate gradients at any strength:
classes differ more in which examples are uncertain about them than they depend on each other.
"""

import torch
from torch import Tensor

from linnet.solvers.blockwise.rows import LOW, SoftmaxRows, laplacian

SAMPLE = 8
"""Examples of a class's block, in units of the features."""
CHUNK_NUMBERS = 400_000_000
"""Features of samples, or probabilities of classes, in memory at a time."""
RIDGE = 1e-5
"""Share of its mean that is added to the diagonal of a block."""
SINGULAR = 1e-6
"""Share of its mean that is added to the diagonal of the mean Hessian by the bias."""


class ClassBlocks:
    """The approximate inverse; `update` moves it to the point that was evaluated last.

    Args:
        rows: the examples.
        l2: strength of the penalty.
    """

    def __init__(self, rows: SoftmaxRows, l2: float) -> None:
        self.rows, self.l2 = rows, l2
        # Fixed numbers in (0, 1), one for each example: fractional parts of multiples of the golden ratio.
        multiples = torch.arange(1, rows.n_examples + 1, dtype=torch.float64, device=rows.device) * 0.6180339887498949
        self.uniform = (multiples - multiples.floor()).clamp(min=1e-9).to(LOW)

    def update(self) -> None:
        """Move to the point whose probabilities `rows` holds."""
        rows = self.rows
        curved = self.update_bias().diagonal().clamp(min=torch.finfo(LOW).tiny).to(LOW)
        penalty = (self.l2 / rows.spread).to(LOW)
        n_classes, n_features = rows.n_classes, rows.n_features
        size = min(rows.n_examples, SAMPLE * n_features + 1)
        step = max(1, min(n_classes, CHUNK_NUMBERS // (size * n_features + 4 * rows.n_examples + n_features**2)))
        self.inverse = torch.empty(n_classes, n_features, n_features, dtype=LOW, device=rows.device)
        self.centres = torch.zeros(n_classes, n_features, dtype=LOW, device=rows.device)
        for first in range(0, n_classes, step):
            some = slice(first, min(first + step, n_classes))
            x, share = self._sample(some, size)
            block = (x * share[..., None]).mT @ x
            if rows.bias:
                self.centres[some] = (share[:, None] @ x)[:, 0]
                block -= self.centres[some, :, None] * self.centres[some, None, :]
            block *= curved[some, None, None]
            diagonal = block.diagonal(dim1=1, dim2=2)
            diagonal += penalty + RIDGE * diagonal.mean(1, keepdim=True).clamp(min=torch.finfo(LOW).tiny)
            eye = torch.eye(n_features, dtype=LOW, device=rows.device).expand_as(block)
            self.inverse[some] = torch.linalg.solve_triangular(_factor(block), eye, upper=False)

    def update_bias(self) -> Tensor:
        """Move the part for the bias alone; return the mean of diag(p) − ppᵀ, `[C, C]` in float64."""
        rows = self.rows
        outer = torch.zeros(rows.n_classes, rows.n_classes, dtype=torch.float64, device=rows.device)
        for some in rows.blocks(4):
            p = rows.probabilities[some]
            weighted = p if rows.weight is None else p * rows.weight[some].to(LOW)
            outer += weighted.T @ p
        mean = laplacian(outer / rows.n_examples)
        size = mean.diagonal().sum().clamp(min=torch.finfo(LOW).tiny)
        lifted = mean + size / len(mean)  # the common shift, of eigenvalue 0, has that of `size` here
        lifted.diagonal().add_(SINGULAR * size / len(mean))
        self.inverse_mean = torch.cholesky_inverse(torch.linalg.cholesky_ex(lifted)[0])
        return mean

    def _sample(self, classes: slice, size: int) -> tuple[Tensor, Tensor]:
        """Return whitened features `[c, S, D]` and shares `[c, S]`, of sum 1, of examples that count for some classes.

        Drawn by priority, the uncertainty over a number in (0, 1) (Duffield, Lund and Thorup, "Priority sampling for
        estimation of arbitrary subset sums", 2007): the same every time.
        """
        rows = self.rows
        p = rows.probabilities[:, classes].T.contiguous()
        first, labels = classes.start, rows.y[:, 0]
        own = ((labels >= first) & (labels < classes.stop)).nonzero()[:, 0]
        others = 1 - p
        others[labels[own] - first, own] = rows.missed[own]
        uncertain = p * others
        if rows.weight is not None:
            uncertain *= rows.weight[:, 0].to(LOW)
        if size == rows.n_examples:
            share, x = uncertain, rows.white.expand(len(p), -1, -1)
        else:
            priority, chosen = (uncertain / self.uniform).topk(size, 1, sorted=False)
            least = priority.amin(1, keepdim=True)
            share = uncertain.gather(1, chosen).maximum(least).where(priority > least, 0.0)
            x = rows.white[chosen.flatten()].view(len(p), size, -1)
        total = share.sum(1, keepdim=True)
        return x, torch.where(total > 0, share / total.clamp(min=torch.finfo(LOW).tiny), 1 / size)

    def __call__(self, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        """Apply the inverse to a gradient, weight `[C, D]` and bias `[C]` in float64."""
        rows = self.rows
        white = (weight - torch.outer(bias, rows.mean)) @ rows.to_white - bias[:, None] * self.centres
        size = float(white.abs().amax()) or 1.0
        half = self.inverse @ (white / size).to(LOW)[..., None]
        step = (self.inverse.mT @ half)[..., 0].double() * size
        change = step @ rows.to_white.T
        if not rows.bias:
            return change, torch.zeros_like(bias)
        return change, self.inverse_mean @ bias - (step * self.centres).sum(1) - change @ rows.mean


def _factor(blocks: Tensor) -> Tensor:
    """Compute Cholesky factors of `[c, D, D]`; of those that rounding made indefinite, of their diagonals."""
    factor, failed = torch.linalg.cholesky_ex(blocks)
    whole = (failed == 0) & factor.isfinite().all(2).all(1)
    diagonal = torch.diag_embed(blocks.diagonal(dim1=1, dim2=2).clamp(min=torch.finfo(LOW).tiny).sqrt())
    return torch.where(whole[:, None, None], factor, diagonal)
