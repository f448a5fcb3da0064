"""Find the features of each resample: its own means, deviations, imputed means, and unseen levels.

Nothing of the examples that a resample does not train on enters them.
"""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from linnet.data.batch import Batch
from linnet.data.feature_maps import FeatureMaps
from linnet.data.module import Data
from linnet.data.standardizer import Standardizer, is_constant
from linnet.data.storage.examples import Examples
from linnet.system.errors import InputError

if TYPE_CHECKING:
    from linnet.data.table.preprocessing import Preprocessing  # imports pyarrow

ROWS = 2048
"""Examples whose statistics are taken at a time."""
LARGEST_ERROR = 1e-4
"""Of a feature's own deviation: what rounding of its shared column may add to it."""


def own_features(data: Data, counts: Tensor, *, bias: bool = True) -> FeatureMaps | None:
    """Return the features of F models that are trained on resamples, and of one more that is trained on everything.

    Args:
        data: whose training examples are shared, with the scaling and the offset that were applied to them.
        counts: how often each resample has each of the N training examples, uint8 `[F, N]`.
        bias: whether the models have one; without it, features are scaled only.

    Returns:
        The maps of F + 1 models, float64; None if the features of all are the shared columns.

    Raises:
        InputError: a column varies so little in a resample, beside all examples, that the run's dtype does not show it.
    """
    table = data.source.preprocessing
    if data.scaling is None and data.offset is None and table is None:
        return None
    train, n_features = data.train_as_read, data.train.n_features
    links = _Links(train, counts, table)
    mean, deviation = (torch.full((len(counts) + 1, n_features), number).double() for number in (0.0, 1.0))
    kept = torch.ones_like(mean)
    unit = deviation[0]
    if data.scaling is not None:
        mean[-1], deviation[-1] = data.scaling.mean, data.scaling.deviation
        unit = torch.where(deviation[-1].isinf(), 1.0, deviation[-1])
    for k, count in enumerate(counts):
        chunks = partial(links.chunks, train, count, k)
        if data.scaling is not None:
            own = Standardizer.of(chunks, centre=bias)
            mean[k], deviation[k] = own.mean, own.deviation
        if table is not None:
            kept[k] = _kept(table, chunks, bias=bias)
    # An infinite deviation, of rounding only, makes a feature 0 everywhere.
    ratio = kept * unit / torch.where(deviation[-1].isinf(), torch.inf, deviation)
    shared_mean = mean[-1].clone()
    centre = mean - shared_mean
    centre.index_add_(1, links.source, links.step * shared_mean[links.target], alpha=-1)
    centre = torch.where(ratio == 0, 0.0, centre / unit)
    _check_precision(data, centre * ratio)
    factor = links.step * unit[links.target] / unit[links.source]
    return FeatureMaps(
        ratio.unsqueeze(1), centre.unsqueeze(2), _offsets(data, train, counts), links.target, links.source,
        factor.unsqueeze(1),
    )  # fmt: skip


class _Links:
    """What resamples add to columns from others: own means where values are missing, and levels that they lack.

    A missing value of a number is its mean over all examples, and 1 in another column, so that the own mean takes the
    difference of the means times that column. A level that a resample lacks counts as its other levels, if it has any.

    target, source: columns `[L]`; step: `[F + 1, L]`, what is added to `source` of each model where `target` is 1.
    """

    def __init__(self, train: Examples, counts: Tensor, table: "Preprocessing | None") -> None:
        pairs: list[tuple[int, int]] = []  # (target, source)
        means: list[float | None] = []
        start = 0
        for column in () if table is None else table.columns:
            end = start + len(column.features)
            if column.mean is not None and column.indicator:
                pairs.append((end - 1, start))
                means.append(column.mean)
            if column.other:
                pairs += [(start + i, start + len(column.levels)) for i in range(len(column.levels))]
                means += [None] * len(column.levels)
            start = end
        self.target = torch.tensor([target for target, _ in pairs], dtype=torch.int64)
        self.source = torch.tensor([source for _, source in pairs], dtype=torch.int64)
        self.step = torch.zeros(len(counts) + 1, len(pairs), dtype=torch.float64)
        if not pairs:
            return
        is_mean = torch.tensor([mean is not None for mean in means])
        shared = torch.tensor([0.0 if mean is None else mean for mean in means], dtype=torch.float64)
        sums, known, seen = (torch.zeros(len(counts), len(pairs), dtype=torch.float64) for _ in range(3))
        for batch, count in _counted(train, counts):
            weight = count if batch.weight is None else count * batch.weight.double()
            x = batch.x.double() * batch.scale
            absent = x[:, self.target]
            sums += weight @ ((x[:, self.source] - shared) * (1 - absent))
            known += weight @ (1 - absent)
            seen += count @ absent
        own = torch.where(known > 0, sums / known.clamp(min=torch.finfo(torch.float64).tiny), 0.0)
        self.step[:-1] = torch.where(is_mean, own, (seen == 0).double())

    def chunks(self, train: Examples, count: Tensor, k: int) -> Iterator[Batch]:
        """Yield the examples as model k has them before standardisation, weighted by how often it counts each."""
        for batch, each in _counted(train, count[None]):
            weight = each[0] if batch.weight is None else each[0] * batch.weight.double()
            x = batch.x
            if len(self.target):
                x = x.double().index_add(1, self.source, x.double()[:, self.target] * self.step[k])
            yield Batch(x, batch.y, batch.scale, weight)


def _counted(train: Examples, counts: Tensor) -> Iterator[tuple[Batch, Tensor]]:
    """Yield batches of all examples with how often each resample has them, float64 `[F, B]`."""
    start = 0
    for batch in train.raw_chunks(ROWS):
        end = start + len(batch.y)
        yield batch, counts[:, start:end].double()
        start = end


def _kept(table: "Preprocessing", chunks: partial[Iterator[Batch]], *, bias: bool) -> Tensor:
    """Return 1 for each feature of the table that a resample has, else 0, `[D]`.

    As in a table of its own: columns that are always the same are left out, but numbers where there is no bias.
    """
    counted = [batch.x[batch.weight > 0] for batch in chunks() if batch.weight is not None]
    low = torch.stack([x.amin(dim=0) for x in counted if len(x)]).amin(dim=0)
    high = torch.stack([x.amax(dim=0) for x in counted if len(x)]).amax(dim=0)
    same = torch.tensor([is_constant(*ends) for ends in zip(low.tolist(), high.tolist(), strict=True)])
    kept = (~same).double()
    start = 0
    for column in table.columns:
        end = start + len(column.features)
        if column.kind == "category":
            seen = (high[start : start + len(column.levels)] > 0).sum()
            others = column.other and bool(high[start + len(column.levels)] > 0)
            kept[start:end] *= float(bool(seen > 1) or others)
        elif bool(same[start]):
            no_value = column.indicator and bool(low[start + 1] == 1)
            kept[start:end] = float(not bias and not no_value) * torch.ones(end - start)
            if column.indicator:
                kept[end - 1] *= float(not bool(same[end - 1]))
        start = end
    return kept


def _offsets(data: Data, train: Examples, counts: Tensor) -> Tensor | None:
    """Return each model's mean target less that of all, `[F + 1, C]`; None if targets are not centred."""
    if data.offset is None:
        return None
    total = torch.zeros(len(counts), len(data.offset), dtype=torch.float64)
    for batch, count in _counted(train, counts):
        total += count @ (batch.y.double() - data.offset)
    means = total / counts.sum(dim=1, dtype=torch.float64).unsqueeze(1)
    return torch.cat([means, torch.zeros(1, means.shape[1], dtype=torch.float64)])


def _check_precision(data: Data, distance: Tensor) -> None:
    """Refuse a resample whose mean is so many of its deviations away that rounding of the shared column shows.

    Args:
        data: of the run.
        distance: own mean less the shared one in own deviations, `[F + 1, D]`.
    """
    error = distance.abs() * torch.finfo(data.train.dtype).eps / 2
    if bool((error > LARGEST_ERROR).any()):
        k, j = divmod(int(error.argmax()), error.shape[1])
        raise InputError(
            f"feature {data.feature_names[j]} varies so little in resample {k} beside all examples that "
            f"{str(data.train.dtype).removeprefix('torch.')} cannot show it: use data.dtype=float64, or leave out its "
            f"outliers"
        )
