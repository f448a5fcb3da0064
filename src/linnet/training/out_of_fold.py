"""Predictions of training examples by the models that did not see them, `out_of_fold.parquet`."""

import io
from collections.abc import Collection, Sequence

import torch
from torch import Tensor

from linnet.data import Data
from linnet.models import LinearNetwork
from linnet.models.model_resamples import ModelResamples

FILE = "out_of_fold.parquet"


def out_of_fold(
    model: LinearNetwork, data: Data, resamples: ModelResamples, kept: Sequence[Sequence[Tensor]],
    diverged: Collection[int] = (),
) -> bytes:  # fmt: skip
    """Return a Parquet file with one row per training example, in their order.

    Columns: `id`, the example's number among the rows that were read, from 0; `target`, the class by name; `prediction`
    and of classes `probability_<class>`, means over the models of the resamples that leave the example out; `n_models`,
    of how many.
    Several targets are numbered: `target_0`, `prediction_0`. Predictions are in the units of the data, expected targets
    where the loss has a link; null where there is no such model.

    Args:
        model: a single one, for the loss.
        data: with the training examples.
        resamples: which leave them out.
        kept: predictions of each resample in chunks, `[1, B, C]`.
        diverged: resamples that are left out.
    """
    import pyarrow as pa  # which runs without resamples do without
    from pyarrow import parquet

    n, n_outputs = len(data.train), model.weight.shape[1]
    total, count = torch.zeros(n, n_outputs, dtype=torch.float64), torch.zeros(n, dtype=torch.int64)
    for k, (rows, chunks) in enumerate(zip(resamples.held_out, kept, strict=True)):
        if k in diverged or not chunks:
            continue
        logits = torch.cat([chunk[0] for chunk in chunks]).double()
        found = logits.softmax(dim=1) if model.loss.task == "classification" else model.loss.mean(logits[None])[0]
        total.index_add_(0, rows.cpu(), found.cpu())
        count[rows.cpu()] += 1
    mean = (total / count.clamp(min=1).unsqueeze(1)).numpy()
    missing = (count == 0).numpy()
    columns: dict[str, pa.Array] = {"id": pa.array(data.row_numbers.numpy())}
    y = data.train.y.cpu()
    if model.loss.task == "classification":
        names = [*data.source.class_names, *(f"class {k}" for k in range(len(data.source.class_names), n_outputs))]
        texts = pa.array(names, pa.string())
        columns["target"] = texts.take(pa.array(y.numpy()))
        columns["prediction"] = texts.take(pa.array(mean.argmax(axis=1), mask=missing))
        columns |= {f"probability_{name}": pa.array(mean[:, c], mask=missing) for c, name in enumerate(names)}
    else:
        offset = torch.zeros(n_outputs, dtype=torch.float64) if data.offset is None else data.offset
        targets, mean = data.train_as_read.y.double().cpu().numpy(), mean + offset.numpy()
        ends = [""] if n_outputs == 1 else [f"_{c}" for c in range(n_outputs)]
        columns |= {f"target{end}": pa.array(targets[:, c]) for c, end in enumerate(ends)}
        columns |= {f"prediction{end}": pa.array(mean[:, c], mask=missing) for c, end in enumerate(ends)}
    columns["n_models"] = pa.array(count.numpy())
    file = io.BytesIO()
    texts_only = [name for name, column in columns.items() if pa.types.is_string(column.type)]
    # Numbers differ from row to row: to look for equal ones takes longer than all else.
    parquet.write_table(pa.table(list(columns.values()), names=list(columns)), file, use_dictionary=texts_only)
    return file.getvalue()
