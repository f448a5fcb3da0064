"""`linnet train --nested K`: what it chooses and measures is what scikit-learn's pipelines do on the same folds."""

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from linnet.data.resampling import KFold, Labels
from linnet.data.resampling.outer import in_outer_fold
from linnet.system.reading import read_json
from linnet.training.components import build_data

pytestmark = pytest.mark.usefixtures("workplace")
STRENGTHS = (0.01, 1.0)
COMMAND = (
    "train", "--nested", "2", "data=diabetes", "data.standardize=true", "optimizer=exact", "penalty=l2",
    f"penalty.strength={','.join(map(str, STRENGTHS))}", "resampling=kfold", "resampling.n_folds=3", "optimum=off",
    "hydra.sweep.dir=mine",
)  # fmt: skip


def test_is_that_of_scikit_learn(answer, checked):
    code, output, errors = answer(*COMMAND)
    assert code == 0, errors
    found = read_json(Path("mine") / "nested.json")
    scores = []
    for fold in range(2):
        overrides = [text for text in COMMAND[3:] if not text.startswith(("penalty.strength", "hydra"))]
        data = build_data(checked(*overrides, "data.outer_folds=2", f"data.outer_fold={fold}"))
        chosen, score = search(data)
        scores.append(score)
        assert found["folds"][fold]["settings"] == {"penalty.strength": chosen}
        assert found["folds"][fold]["metrics"]["test/mse"] == pytest.approx(score, rel=1e-9)
        run = Path("mine") / found["folds"][fold]["runs"][0]
        assert read_json(run / "metrics.json")["test/mse"] == pytest.approx(score, rel=1e-9)
    assert found["metrics"]["test/mse"] == pytest.approx(np.mean(scores), rel=1e-9)
    assert found["metrics"]["test/mse_se"] == pytest.approx(np.std(scores, ddof=1) / np.sqrt(2), rel=1e-9)
    assert "mean ± standard error over 2 outer folds: test/loss" in output


def search(data) -> tuple[float, float]:
    """The strength that scikit-learn chooses on the same folds, and the mean squared error of its test set."""
    train = data.train_as_read
    x, y = train.x.numpy(), train.y[:, 0].numpy()
    fold = KFold(3).resamples(Labels(len(y)), data.seed).fold[0].numpy()
    splits = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(3)]

    def ridge(strength, n):
        return make_pipeline(StandardScaler(), Ridge(alpha=n * strength))

    errors = [
        np.mean([
            -cross_val_score(ridge(strength, len(kept)), x, y, cv=[(kept, held)], scoring="neg_mean_squared_error")[0]
            for kept, held in splits
        ])
        for strength in STRENGTHS
    ]  # fmt: skip
    best = STRENGTHS[int(np.argmin(errors))]
    model = ridge(best, len(y)).fit(x, y)
    test_x, test_y = data.source.test.x.double().numpy(), data.source.test.y[:, 0].double().numpy()
    return best, float(np.mean((model.predict(test_x) - test_y) ** 2))


def test_outer_folds_divide_the_examples():
    n = len(load_diabetes().target)
    inside = torch.stack([in_outer_fold(Labels(n), 3, fold, 0) for fold in range(3)])
    assert (inside.sum(dim=0) == 1).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--nested", "1"], "--nested 1: expected a number of outer folds in [2, inf)"),
        (["--nested", "x"], "--nested"),
        (["--nested", "3", "data.outer_fold=0"], "data.outer_fold=0: --nested 3 sets it for each outer fold, leave it"),
        (["--nested", "3", "optimizer.lr=-1"], "optimizer.lr=-1"),
    ],
)
def test_refuses(arguments, message, refusal):
    assert message in refusal("train", *arguments)
