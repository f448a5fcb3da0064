"""`resamples.safetensors`: what is written is read, and nothing else."""

import pytest
import torch
from safetensors.torch import save

from linnet.data.resampling import Bootstrap, KFold, Labels
from linnet.system.errors import InputError
from linnet.tracking.resamples import FILE, load_resamples, save_resamples


@pytest.mark.parametrize("part", [KFold(3, 2), Bootstrap(4)])
def test_reads_what_was_written(part, tmp_path):
    made = part.resamples(Labels(20), 0)
    save_resamples(tmp_path, made)
    again = load_resamples(tmp_path, 20)
    assert type(again) is type(made)
    assert torch.equal(again.train, made.train) and torch.equal(again.held_out, made.held_out)


FOLD = torch.tensor([[0, 1, 2, 0]], dtype=torch.int32)
TRAIN, HELD_OUT = torch.ones(2, 4, dtype=torch.uint8), torch.zeros(2, 4, dtype=torch.bool)


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"fold": FOLD, "n_folds": torch.tensor(2)}, "folds outside of 0 to 1"),
        ({"fold": FOLD - 2, "n_folds": torch.tensor(3)}, "folds outside of 0 to 2"),
        ({"fold": FOLD[0], "n_folds": torch.tensor(3)}, r"folds of type torch.int32 and shape \[4\]"),
        ({"fold": FOLD.long(), "n_folds": torch.tensor(3)}, "folds of type torch.int64"),
        ({"fold": FOLD[:, :3], "n_folds": torch.tensor(3)}, "of 3 training examples, and there are 4"),
        ({"fold": FOLD, "n_folds": torch.tensor([3, 3])}, "is damaged"),
        ({"fold": FOLD}, "is damaged"),
        ({"train": TRAIN, "held_out": HELD_OUT[:1]}, "held_out of shape"),
        ({"train": TRAIN, "held_out": ~HELD_OUT}, "both trained on and held out"),
        ({"train": TRAIN.float(), "held_out": HELD_OUT}, "train of type torch.float32"),
    ],
)
def test_refuses_what_no_run_writes(tensors, message, tmp_path):
    (tmp_path / FILE).write_bytes(save(tensors))
    with pytest.raises(InputError, match=message):
        load_resamples(tmp_path, 4)


def test_refuses_a_missing_or_a_torn_file(tmp_path):
    with pytest.raises(InputError, match="is missing"):
        load_resamples(tmp_path, 4)
    (tmp_path / FILE).write_bytes(save({"train": TRAIN, "held_out": HELD_OUT})[:40])
    with pytest.raises(InputError, match=FILE):
        load_resamples(tmp_path, 4)
