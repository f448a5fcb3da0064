"""Passes over the examples of softmax regression in blocks of rows, on a CPU or a GPU.

Objective and gradient are in float64. Products with the Hessian are in float32 (TF32 on a GPU), since they decide only
about speed, and take features in the basis of their principal directions, each of deviation 1: so rounding is as small
beside a direction that varies little as beside one that varies much.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor

from linnet.solvers.problem import WeightedRows

LOW = torch.float32
BLOCK_NUMBERS = {"cpu": 2_000_000, "cuda": 16_000_000}
"""Predictions in float64 at a time; those in float32 are four times as many."""
LEAST_SPREAD = 1e-12
"""Share of the largest variance of a direction below which one is taken to be rounding."""


class Point(NamedTuple):
    """Mean loss, its derivatives by weight `[C, D]` and bias `[C]`, all float64, at some weight and bias."""

    loss: float
    weight: Tensor
    bias: Tensor


class SoftmaxRows:
    """Examples of softmax regression on a device, and the probabilities of the point that was evaluated last.

    Args:
        rows: features `[N, D]` of any floating dtype, class numbers `[N]`, weights `[N]` above 0 of mean 1, or None.
        n_classes: C; each has an example.
        bias: whether there is one.
        device: where to compute.
    """

    def __init__(self, rows: WeightedRows, n_classes: int, *, bias: bool, device: torch.device) -> None:
        self.x, self.y = rows.x.detach().to(device), rows.y.detach().to(device)[:, None]
        self.weight = None if rows.weight is None else rows.weight.detach().to(device, torch.float64)[:, None]
        self.device, self.n_classes, self.bias = device, n_classes, bias
        self.n_examples, self.n_features = self.x.shape
        self.block = max(1, min(self.n_examples, BLOCK_NUMBERS[device.type] // n_classes))
        self.probabilities = torch.empty(self.n_examples, n_classes, dtype=LOW, device=device)
        self.missed = torch.empty(self.n_examples, dtype=LOW, device=device)  # 1 − p of the label, with all its digits
        self.passes = self.products = 0
        self._whiten()

    def _whiten(self) -> None:
        total = torch.zeros(self.n_features, dtype=torch.float64, device=self.device)
        gram = torch.zeros(self.n_features, self.n_features, dtype=torch.float64, device=self.device)
        self.norms = torch.empty(self.n_examples, dtype=torch.float64, device=self.device)
        for rows in self.blocks():
            x = self.x[rows].double()
            self.norms[rows] = x.square().sum(1).sqrt()
            weighted = x if self.weight is None else x * self.weight[rows]
            total += weighted.sum(0)
            gram += weighted.T @ x
        self.second_moment = float(torch.linalg.eigvalsh(gram / self.n_examples)[-1]) if self.n_features else 0.0
        self.mean = total / self.n_examples if self.bias else torch.zeros_like(total)
        spread, directions = torch.linalg.eigh(gram / self.n_examples - torch.outer(self.mean, self.mean))
        least = max(LEAST_SPREAD * float(spread.amax()), torch.finfo(LOW).tiny) if self.n_features else 1.0
        self.spread = spread.clamp(min=least)
        self.to_white, self.from_white = directions / self.spread.sqrt(), directions * self.spread.sqrt()
        self.white = torch.empty(self.n_examples, self.n_features, dtype=LOW, device=self.device)
        for rows in self.blocks():
            self.white[rows] = ((self.x[rows].double() - self.mean) @ self.to_white).to(LOW)

    def blocks(self, times: int = 1) -> Iterator[slice]:
        """Yield slices of `times` blocks of rows."""
        size = self.block * times
        for start in range(0, self.n_examples, size):
            yield slice(start, min(start + size, self.n_examples))

    def zeros(self) -> tuple[Tensor, Tensor]:
        """Weight `[C, D]` and bias `[C]` of zeros, float64."""
        weight = torch.zeros(self.n_classes, self.n_features, dtype=torch.float64, device=self.device)
        return weight, weight.new_zeros(self.n_classes)

    def softmax(self, rows: slice, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return features, probabilities `[rows, C]`, losses `[rows]` and ranges of logits `[rows]`, in float64."""
        x = self.x[rows].double()
        z = torch.addmm(bias, x, weight.T)
        z.sub_(z.amax(1, keepdim=True))
        label, span = z.gather(1, self.y[rows])[:, 0], -z.amin(1)
        total = z.exp_().sum(1, keepdim=True)
        return x, z.div_(total), total.log_()[:, 0] - label, span

    def of_sum_zero_(self, rows: slice, part: Tensor) -> Tensor:
        """Set the label's number in `[rows, C]`, in place, to minus the sum of the others, and multiply by the weights.

        So are derivatives by the logits: near p = 1 the label's own, as p − 1, would lose digits.
        """
        y = self.y[rows]
        part.scatter_(1, y, 0.0).scatter_(1, y, -part.sum(1, keepdim=True))
        return part if self.weight is None else part.mul_(self.weight[rows])

    def evaluate(self, weight: Tensor, bias: Tensor) -> Point:
        """Compute mean loss and gradient in float64, and keep the probabilities for `product`."""
        self.passes += 1
        slope, shift = self.zeros()
        loss = torch.zeros((), dtype=torch.float64, device=self.device)
        for rows in self.blocks():
            x, probabilities, values, _ = self.softmax(rows, weight, bias)
            self.probabilities[rows] = probabilities
            loss += (values if self.weight is None else values * self.weight[rows, 0]).sum()
            theta = self.of_sum_zero_(rows, probabilities)
            missed = -theta.gather(1, self.y[rows])
            self.missed[rows] = (missed if self.weight is None else missed / self.weight[rows])[:, 0].to(LOW)
            slope += theta.T @ x
            shift += theta.sum(0)
        shift = shift if self.bias else torch.zeros_like(shift)
        return Point(float(loss) / self.n_examples, slope / self.n_examples, shift / self.n_examples)

    def product(self, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        """Multiply the Hessian of the mean loss, at the point evaluated last, by a change of weight and bias."""
        self.products += 1
        size = float(torch.maximum(weight.abs().amax(), bias.abs().amax())) or 1.0  # so that float32 has range enough
        white = (weight @ self.from_white / size).to(LOW).T.contiguous()
        offset = ((bias + weight @ self.mean) / size).to(LOW)
        slope, shift = self.zeros()
        for rows in self.blocks(4):
            x, p = self.white[rows], self.probabilities[rows]
            z = torch.addmm(offset, x, white)
            z = self.of_sum_zero_(rows, z.sub_(torch.linalg.vecdot(z, p)[:, None]).mul_(p))
            slope += z.T @ x
            shift += z.sum(0)
        slope, shift = slope * (size / self.n_examples), shift * (size / self.n_examples)
        change = slope @ self.from_white.T + torch.outer(shift, self.mean)
        return change, shift if self.bias else torch.zeros_like(shift)


def laplacian(outer: Tensor) -> Tensor:
    """Return the mean of diag(p) − ppᵀ from that of ppᵀ, `[C, C]`, symmetric, without the rounding of its diagonal."""
    outer = (outer + outer.T) / 2
    outer.fill_diagonal_(0.0)
    return torch.diag(outer.sum(1)) - outer


@contextmanager
def fast_products(device: torch.device) -> Iterator[None]:
    """Let products in float32 use TF32 inside the block, on a GPU."""
    if device.type != "cuda":
        yield
        return
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
