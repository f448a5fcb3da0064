"""Every shipped experiment: it says what it asks and finds, and its recorded figures are what it gives today."""

import math
from collections.abc import Iterator
from pathlib import Path
from statistics import linear_regression, mean
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf

import linnet
from linnet.config.groups import experiments
from linnet.reproduction.experiment import reproduce_experiment
from linnet.sweeps.grid import expand, parse
from linnet.system.reading import read_json

SHIPPED = sorted(path.parent.name for path in (Path(__file__).parents[2] / "experiments").glob("*/experiment.yaml"))
ARMS = [
    (name, index) for name in SHIPPED for index in range(len(read_json(experiments()[name] / "results.json")["arms"]))
]

LONG = {
    "absolute_vs_squared_noise", "batch_size_sweep", "bootstrap_intervals", "covariate_shift",
    "cross_validation_bias", "gap_to_optimum", "ill_conditioning", "label_smoothing", "large_vocabulary",
    "learning_rate_and_epochs", "linear_probe", "map_prior", "optimizer_comparison", "penalty_path",
    "rank_deficient", "reshuffling", "softmax_concise", "softmax_scratch", "train_longer", "weight_decay_strength",
}  # fmt: skip


def arm_of(name: str, index: int) -> dict[str, Any]:
    return read_json(experiments()[name] / "results.json")["arms"][index]


def swept(name: str) -> dict[str, str]:
    """Key -> swept values, as in the experiment's `hydra.sweeper.params`; empty if it is no sweep."""
    config = OmegaConf.load(experiments()[name] / "experiment.yaml")
    return dict(OmegaConf.select(config, "hydra.sweeper.params") or {})


SWEPT = [name for name in SHIPPED if swept(name)]


@pytest.fixture(autouse=True)
def _as_many_threads_as_before() -> Iterator[None]:
    """A run with `threads: 1` leaves torch with one."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_those_that_users_were_promised_are_shipped() -> None:
    assert set(SHIPPED) >= {
        "absolute_vs_squared_noise", "huber_outlier", "label_smoothing", "linear_regression_concise",
        "linear_regression_scratch", "polynomial_normal", "polynomial_overfit", "polynomial_underfit",
        "softmax_concise", "softmax_overflow", "softmax_scratch", "weight_decay", "zero_vs_random_init",
        "learning_rate_sweep", "batch_size_sweep", "penalty_path", "estimation_error", "optimizer_comparison",
        "analytic_solution", "gap_to_optimum", "ill_conditioning", "lasso_path", "diabetes_baseline", "linear_probe",
        "covariate_shift", "label_shift", "bootstrap_intervals", "cross_validation", "learning_curve",
        "information_theory", "large_vocabulary", "shift_detector", "train_longer",
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
    assert commands == ([f"linnet train -m experiment={name}"] if name in SWEPT else recorded)


@pytest.mark.parametrize("name", SWEPT)
def test_recorded_arms_are_among_the_swept_combinations(name: str) -> None:
    params = swept(name)
    assert {"0", "1", "2"} <= set(params.pop("seed").split(","))
    combinations = [set(words) for words in expand(parse([], params))]
    assert all(set(arm_of(name, index)["overrides"]) in combinations for other, index in ARMS if other == name)


@pytest.mark.parametrize("name", SHIPPED)
def test_three_seeds_are_recorded(name: str) -> None:
    results = read_json(experiments()[name] / "results.json")
    assert results["seeds"] == [0, 1, 2]
    for arm in results["arms"]:
        assert all(len(figure["values"]) == 3 and figure["tolerance"] > 0 for figure in arm["metrics"].values())


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.long] if name in LONG else []) for name in SHIPPED]
)
def test_first_seed_gives_the_recorded_figures(name: str, request: pytest.FixtureRequest) -> None:
    if name in ("label_smoothing", "softmax_concise", "softmax_scratch"):
        request.getfixturevalue("fashion_mnist")
    report = reproduce_experiment(name, seeds=[0])
    arms = [arm_of(name, index) for other, index in ARMS if other == name]
    assert report.arms == len(arms) and len(report.rows) >= sum(len(arm["metrics"]) or 1 for arm in arms)
    assert [
        (row.arm.name, row.metric, row.recorded[0], row.here) for row in report.rows if row.verdict == "different"
    ] == []


@pytest.mark.parametrize("name", SHIPPED)
def test_environment_of_the_recording_is_told(name: str) -> None:
    environment = read_json(experiments()[name] / "results.json")["environment"]
    assert {"linnet", "python", "threads", "cpu_capability", "packages"} <= set(environment)


def test_error_of_the_estimate_falls_with_the_root_of_the_examples() -> None:
    arms = [arm_of("estimation_error", index) for name, index in ARMS if name == "estimation_error"]
    sizes = [float(arm["overrides"][0].removeprefix("data.n_train=")) for arm in arms]
    errors = [mean(arm["metrics"]["parameter/weight_error"]["values"]) for arm in arms]
    slope, _ = linear_regression([math.log(n) for n in sizes], [math.log(error) for error in errors])
    assert -0.6 < slope < -0.4  # theory: -1/2


@pytest.mark.parametrize("penalty", ["l1", "l2"])
def test_only_l1_sets_useless_weights_to_exactly_zero(penalty: str, tmp_path: Path) -> None:
    overrides = [f"penalty={penalty}", "penalty.strength=0.3", "figures=false", f"hydra.run.dir={tmp_path / 'run'}"]
    weight = linnet.train(["experiment=penalty_path", *overrides]).module.weight[0, 0]
    assert (weight[:5] != 0).all()
    zeros = int((weight[5:] == 0).sum())
    assert zeros >= 10 if penalty == "l1" else zeros == 0
