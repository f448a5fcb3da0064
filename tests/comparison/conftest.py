"""Run directories made of the files that a run leaves."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

MakeRun = Callable[..., Path]


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """A function that writes a run directory below tmp_path/sweep."""

    def make(
        name: str,
        overrides: dict[str, Any],
        loss: float | None = None,
        *,
        state: str = "completed",
        defaults: dict[str, Any] | None = None,
        choices: dict[str, str] | None = None,
        metrics: dict[str, float] | None = None,
        **status: Any,
    ) -> Path:
        path = tmp_path / "sweep" / name
        (path / ".hydra").mkdir(parents=True)
        given_lines = "".join(f"- {key}={value}\n" for key, value in overrides.items())
        (path / ".hydra" / "overrides.yaml").write_text(given_lines)
        settings = {"seed": 0, "optimizer.lr": 0.1, **(defaults or {}), **overrides}
        objective = "val/loss" if metrics is None else next(iter(metrics))
        config: dict[str, Any] = {"objective": {"metric": objective, "direction": None if metrics else "minimize"}}
        for key, value in settings.items():
            group, _, word = key.partition(".")
            if word:
                config.setdefault(group, {})[word] = value
            elif group == "seed":
                config["seed"] = value
        times = {"started": "2026-01-01T00:00:00.000+00:00", "updated": "2026-01-01T00:00:02.500+00:00"}
        (path / "status.json").write_text(json.dumps({"state": state, **times, **status}))
        manifest = {"config": config, "choices": choices or {"optimizer": "sgd"}, "seed": settings["seed"]}
        (path / "manifest.json").write_text(json.dumps(manifest))
        if metrics is not None:
            (path / "metrics.json").write_text(json.dumps(metrics))
        if loss is not None:
            metrics = {"val/loss": loss, "val/accuracy": 1 - loss / 10, "test/loss": 2 * loss, "test/accuracy": 0.75}
            (path / "metrics.json").write_text(json.dumps(metrics))
            steps = "".join(f"val/loss,{step},{loss + 1 / step}\n" for step in range(1, 30))
            (path / "history.csv").write_text("metric,step,value\n" + steps + "val/loss,30,0.")
        return path

    return make


@pytest.fixture
def sweep(make_run: MakeRun, tmp_path: Path) -> Path:
    """Four learning rates with three seeds each; 0.1 is the best."""
    for number, (lr, seed) in enumerate((lr, seed) for lr in (0.001, 0.01, 0.1, 1.0) for seed in (0, 1, 2)):
        make_run(str(number), {"optimizer.lr": lr, "seed": seed}, abs(math.log10(lr) + 1) + 0.5 + seed / 100)
    return tmp_path / "sweep"
