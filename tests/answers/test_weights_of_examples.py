"""A row of weight 0 is no row, and a row of weight 2 is two, whatever is prepared and minimised."""

import numpy as np
import pytest
from answers import coefficients, train_table
from random_problems import DELTA, SIGMA, SMOOTHING

LOSSES = {
    "squared_error": [], "gaussian_nll": [f"loss.sigma={SIGMA}"], "huber": [f"loss.delta={DELTA}"],
    "absolute_error": [], "poisson_nll": [], "cross_entropy": [],
    "label smoothing": [f"loss.label_smoothing={SMOOTHING}"],
}  # fmt: skip


def overrides(loss: str) -> list[str]:
    name = "cross_entropy" if loss == "label smoothing" else loss
    task = "classification" if name == "cross_entropy" else "regression"
    return [f"loss={name}", f"data.task={task}", *LOSSES[loss]]


def table(loss: str, rng: np.random.Generator) -> dict[str, list]:
    x, z = rng.standard_normal(48), rng.standard_normal(48) * 100 + 7
    y = x + 0.01 * z + rng.standard_normal(48)
    if loss in ("cross_entropy", "label smoothing"):
        target = [f"class {int(v > 0)}" for v in y]
    else:
        target = list(np.round(np.exp(y.clip(-3, 2))) if loss == "poisson_nll" else y)
    return {"x": list(x), "z": list(z), "y": target}


def test_rows_of_weight_zero_change_no_standardised_penalty(workplace):
    rng = np.random.default_rng(0)
    a = np.concatenate([rng.standard_normal(80), 100 + 50 * rng.standard_normal(20)])
    y, w = a + rng.standard_normal(100), np.repeat([1.0, 0.0], [80, 20])
    penalty = ["penalty=l2", "penalty.strength=0.1", "data.task=regression"]
    weighted = coefficients(train_table({"a": a, "y": y, "w": w}, *penalty, "data.weight=w"))
    deleted = coefficients(train_table({"a": a[:80], "y": y[:80]}, *penalty))
    # Ridge on one standardised feature: its slope s is shrunk to s / (1 + 0.1).
    assert deleted["a"] == pytest.approx(np.cov(a[:80], y[:80])[0, 1] / a[:80].var(ddof=1) / 1.1, rel=1e-10)
    assert weighted == pytest.approx(deleted, rel=1e-10)


# Other penalties are in test_weights_answers.py.
@pytest.mark.parametrize("loss", LOSSES)
def test_weight_two_is_two_rows(workplace, loss):
    columns = table(loss, np.random.default_rng(1))
    weight = np.arange(48) % 3  # 0, 1 or 2
    copies = {
        name: [v for v, w in zip(column, weight, strict=True) for _ in range(w)] for name, column in columns.items()
    }
    words = [*overrides(loss), "penalty=elastic_net", "penalty.strength=0.1"]
    weighted = coefficients(train_table(columns | {"w": list(weight)}, *words, "data.weight=w"))
    copied = coefficients(train_table(copies, *words))
    # Two solutions of one strongly convex problem, each within 1e-6 of the optimum.
    assert weighted == pytest.approx(copied, rel=3e-6, abs=1e-9)


def test_imputed_means_and_rare_levels_count_weights(workplace):
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal(60), rng.standard_normal(60)
    city = np.array(["Oslo", "Rome"] * 30, dtype=object)
    city[:12], weight = "Lima", np.repeat([0.0, 1.0], [12, 48])
    x[:12] += 1000
    cells = [repr(float(v)) if i % 5 else "" for i, v in enumerate(x)]
    words = ["data.task=regression", "data.missing=mean", "penalty=l2", "penalty.strength=0.1"]
    columns = {"x": cells, "city": list(city), "y": list(y)}
    kept = {name: column[12:] for name, column in columns.items()}
    weighted = coefficients(train_table(columns | {"w": list(weight)}, *words, "data.weight=w"))
    deleted = coefficients(train_table(kept, *words))
    assert {name: weighted[name] for name in deleted} == pytest.approx(deleted, rel=1e-9, abs=1e-12)
