"""Passes over the examples that serve the softmax models of several folds at once."""

from typing import NamedTuple

import torch
from torch import Tensor

LOW, HIGH = torch.float32, torch.float64
BLOCK = 2048
"""Examples at a time: their predictions by the models of some folds stay in a processor's cache."""
SAMPLE = 4
"""Examples that stand for all in a Hessian, in units of coefficients: few more are worth their time."""

MOMENT = 1000
"""Examples that second moments are taken of."""


class FoldPoint(NamedTuple):
    """Mean losses of F models `[F]` and their derivatives by weight `[F, C, D]` and bias `[F, C]`, all float64."""

    loss: Tensor
    weight: Tensor
    bias: Tensor


class FoldRows:
    """Examples of softmax regression in the order of their folds, moved by their mean where there is a bias.

    Args:
        x: features `[N, D]`.
        y: class numbers `[N]`.
        weight: of the examples `[N]`, above 0; None for ones.
        blocks: the fold that holds each example out `[N]`; −1: none does.
        n_classes: C.
        bias: whether there is one.
    """

    def __init__(
        self, x: Tensor, y: Tensor, weight: Tensor | None, blocks: Tensor, n_classes: int, *, bias: bool
    ) -> None:
        order = blocks.argsort(stable=True)
        self.blocks, self.y, self.n_classes, self.bias = blocks[order], y[order], n_classes, bias
        self.centre = x.double().mean(0) if bias else x.new_zeros(x.shape[1], dtype=HIGH)
        few = x[:: max(1, len(x) // MOMENT)].double()
        self.second_moment = float(torch.linalg.eigvalsh(few.T @ few / len(few))[-1])  # nearly
        self.x = {HIGH: x.double()[order].sub_(self.centre)}
        self.x[LOW] = self.x[HIGH].to(LOW)
        self.weight = None if weight is None else weight[order].double()
        self.n_examples, self.n_features = x.shape
        n_folds = int(self.blocks.max()) + 1
        self.ends = torch.searchsorted(self.blocks, torch.arange(n_folds + 2)).tolist()  # of one more, without any
        shares = torch.ones(len(x), dtype=HIGH) if self.weight is None else self.weight
        self.total = shares.sum() - torch.stack(
            [shares[a:b].sum() for a, b in zip(self.ends[:-1], self.ends[1:], strict=True)]
        )
        self.passes = 0

    def zeros(self, n_folds: int) -> tuple[Tensor, Tensor]:
        """Weight `[F, C, D]` and bias `[F, C]` of zeros, float64."""
        return torch.zeros(n_folds, self.n_classes, self.n_features, dtype=HIGH), torch.zeros(
            n_folds, self.n_classes, dtype=HIGH
        )

    def evaluate(self, weight: Tensor, bias: Tensor, folds: slice, dtype: torch.dtype) -> FoldPoint:
        """Compute losses and gradients of models of some folds, `[F, C, D]` and `[F, C]`, in one pass in `dtype`."""
        self.passes += 1
        n_folds, n_classes = bias.shape
        flat, offset = weight.flatten(0, 1).to(dtype), bias.flatten()[:, None].to(dtype)
        loss, shift = torch.zeros(n_folds, dtype=HIGH), torch.zeros(len(flat), dtype=HIGH)
        slope = torch.zeros(flat.shape, dtype=HIGH)
        for start in range(0, self.n_examples, BLOCK):
            stop = min(start + BLOCK, self.n_examples)
            x, label = self.x[dtype][start:stop], self.y[None, None, start:stop].expand(n_folds, 1, -1)
            z = torch.addmm(offset, flat, x.T).view(n_folds, n_classes, -1)
            z.sub_(z.amax(1, keepdim=True))
            of_label = z.gather(1, label)
            total = z.exp_().sum(1, keepdim=True)
            values = total.log().sub_(of_label)[:, 0]
            z.div_(total).scatter_(1, label, 0.0)
            z.scatter_(1, label, -z.sum(1, keepdim=True))  # p − 1 keeps its digits near p = 1
            if self.weight is not None:
                own = self.weight[start:stop].to(dtype)
                z.mul_(own)
                values.mul_(own)
            for f in range(n_folds):
                first, last = (min(max(end - start, 0), stop - start) for end in self._held_out(folds.start + f))
                if first < last:
                    z[f, :, first:last] = 0.0
                    values[f, first:last] = 0.0
            theta = z.view(len(flat), -1)
            loss += values.sum(1)
            slope += theta @ x
            shift += theta.sum(1)
        total_weight = self.total[folds]
        slope = slope.view(n_folds, n_classes, -1) / total_weight[:, None, None]
        shift = shift.view(n_folds, n_classes) / total_weight[:, None]
        return FoldPoint(loss / total_weight, slope, shift if self.bias else torch.zeros_like(shift))

    def _held_out(self, fold: int) -> tuple[int, int]:
        return self.ends[fold], self.ends[fold + 1]

    def hessian(self, weight: Tensor, bias: Tensor) -> Tensor:
        """Return the Hessian of the mean loss of all examples, nearly, at weight `[C, D]` and bias `[C]`.

        Where there are many examples, some stand for all: drawn systematically in proportion to how uncertain they are
        (Madow, "On the theory of systematic sampling, II", 1949), and so the same every time.

        Returns:
            `[C, D + 1, C, D + 1]` float64, the bias last.
        """
        n_classes, width = self.n_classes, self.n_features + 1
        x = self.x[LOW]
        p = torch.addmm(bias[:, None].to(LOW), weight.to(LOW), x.T).softmax(0)
        share = torch.full((len(x),), 1 / len(x), dtype=HIGH)
        if self.weight is not None:
            share = self.weight / self.weight.sum()
        size = SAMPLE * n_classes * width
        if len(x) > 2 * size:
            uncertain = share * (1 - p.square().sum(0)).clamp(min=0).double()
            ends = (uncertain.cumsum(0) * (size / uncertain.sum()) + 0.5).floor()
            times = torch.diff(ends, prepend=ends.new_zeros(1))
            rows = times.nonzero()[:, 0]
            share = share[rows] * times[rows] / (uncertain[rows] * size) * uncertain.sum()
            x, p = x[rows], p[:, rows]
        design = torch.cat([x, x.new_ones(len(x), 1)], 1)
        columns, p_share = design.T.contiguous(), p * share.to(LOW)
        found = torch.empty(n_classes, width, n_classes, width, dtype=HIGH)
        for c in range(n_classes):
            second = -p_share[c] * p[c:]
            second[0] = p_share[c] * (1 - p[c])
            block = ((second[:, None] * columns).view(-1, len(x)) @ design).double().view(-1, width, width)
            found[c, :, c:] = block.transpose(0, 1)
            found[c:, :, c] = block
        return found
