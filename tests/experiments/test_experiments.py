"""Every shipped experiment: it says what it asks and finds, and its recorded figures are what it gives today."""

from pathlib import Path
from typing import Any

import pytest
from recorded import differences, measure

from linnet.config.groups import experiments
from linnet.files import read_json

SHIPPED = sorted(path.parent.name for path in (Path(__file__).parents[2] / "experiments").glob("*/experiment.yaml"))
ARMS = [
    (name, index) for name in SHIPPED for index in range(len(read_json(experiments()[name] / "results.json")["arms"]))
]


def arm_of(name: str, index: int) -> dict[str, Any]:
    return read_json(experiments()[name] / "results.json")["arms"][index]


def test_the_issue_names_these_experiments() -> None:
    assert set(SHIPPED) >= {
        "absolute_vs_squared_noise", "huber_outlier", "label_smoothing", "linear_regression_concise",
        "linear_regression_scratch", "polynomial_normal", "polynomial_overfit", "polynomial_underfit",
        "softmax_concise", "softmax_overflow", "softmax_scratch", "weight_decay", "zero_vs_random_init",
    }  # fmt: skip


@pytest.mark.parametrize("name", SHIPPED)
def test_readme_asks_commands_and_finds(name: str) -> None:
    text = (experiments()[name] / "README.md").read_text()
    assert "**Question.**" in text and "**Finding.**" in text
    commands = [line.strip().partition("    #")[0] for line in text.splitlines() if line.startswith("    linnet train")]
    recorded = [
        " ".join(["linnet train", f"experiment={name}", *arm_of(name, index)["overrides"]])
        for other, index in ARMS if other == name
    ]  # fmt: skip
    assert commands == recorded


@pytest.mark.parametrize("name", SHIPPED)
def test_three_seeds_are_recorded(name: str) -> None:
    results = read_json(experiments()[name] / "results.json")
    assert results["seeds"] == [0, 1, 2]
    for arm in results["arms"]:
        assert all(len(figure["values"]) == 3 and figure["tolerance"] > 0 for figure in arm["metrics"].values())


@pytest.mark.parametrize(("name", "index"), ARMS)
def test_first_seed_gives_the_recorded_figures(name: str, index: int, request: pytest.FixtureRequest) -> None:
    if name in ("label_smoothing", "softmax_concise", "softmax_scratch"):
        request.getfixturevalue("fashion_mnist")
    arm = arm_of(name, index)
    assert differences(arm, 0, measure(name, arm, 0)) == []
