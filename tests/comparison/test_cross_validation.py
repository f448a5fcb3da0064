"""`linnet compare` of runs with resamples: mean ± standard error, and the rule of one standard error."""

import csv
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from linnet.cli.compare import main
from linnet.system.errors import InputError

MakeRun = Callable[..., Path]

# cv/loss and its standard error of five strengths: the best is 0.01, and 0.1 is within one standard error of it.
PATH = {0.001: (0.52, 0.03), 0.01: (0.5, 0.04), 0.1: (0.53, 0.05), 1: (0.55, 0.05), 10: (0.9, 0.4)}


def cv(loss: float, error: float, accuracy: float = 0.8) -> dict[str, float]:
    folds = {f"cv/loss_fold_{i}": loss + sign * error for i, sign in enumerate((-1, 1))}
    deviation = {"cv/loss_std": error * math.sqrt(2), "cv/loss_se": error}
    return {"cv/loss": loss, **deviation, **folds, "cv/accuracy": accuracy, "test/accuracy": 0.75}


@pytest.fixture
def path_of_strengths(make_run: MakeRun, tmp_path: Path) -> Path:
    for number, (strength, (loss, error)) in enumerate(PATH.items()):
        make_run(str(number), {"penalty.strength": strength}, metrics=cv(loss, error))
    return tmp_path / "sweep"


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What `linnet compare` prints."""

    def print_of(*arguments: object) -> str:
        main([*map(str, arguments), "--no-figures"])
        return capsys.readouterr().out

    return print_of


class TestTable:
    def test_shows_means_with_standard_errors(self, path_of_strengths, printed):
        shown = printed(path_of_strengths)
        assert "cv/loss ± se ↓" in shown and "0.5000 ± 0.0400 " in shown
        assert "cv/accuracy" in shown and "cv/accuracy ± se" not in shown  # which these runs give no error of
        assert "chosen by cv/loss: penalty.strength=0.01: test/accuracy 0.7500" in shown

    def test_of_several_seeds_the_error_is_not_divided_by_their_number(self, make_run, tmp_path, printed):
        """Their folds are of the same examples: the root mean square of 0.03 and 0.04, not that over √2."""
        for seed, (loss, error) in enumerate([(0.5, 0.03), (0.6, 0.04)]):
            make_run(str(seed), {"penalty.strength": 1, "seed": seed}, metrics=cv(loss, error))
        make_run("2", {"penalty.strength": 2}, metrics=cv(0.9, 0.1))
        assert f"0.5500 ± {math.sqrt((0.03**2 + 0.04**2) / 2):.4f} (2)" in printed(tmp_path / "sweep")

    def test_summary_has_means_and_leaves_single_folds_to_the_runs(self, path_of_strengths, printed):
        printed(path_of_strengths)
        with (path_of_strengths / "summary.csv").open(newline="") as file:
            names = next(csv.reader(file))
        assert {"cv/loss", "cv/loss_std", "cv/loss_se"} <= set(names)
        assert not [name for name in names if "_fold_" in name]

    def test_a_metric_that_no_run_has_is_answered_without_single_folds(self, path_of_strengths, printed):
        with pytest.raises(InputError, match=r"choose from: cv/loss, cv/loss_std, cv/loss_se, cv/accuracy, test/acc"):
            printed(path_of_strengths, "--metric", "cv/mse")

    def test_figures_say_what_the_band_is(self, path_of_strengths):
        from linnet.comparison.groups import grouped
        from linnet.comparison.ranking import choose_objective
        from linnet.comparison.runs import read_run
        from linnet.comparison.sensitivity import metric_against

        runs = [read_run(path) for path in sorted(path_of_strengths.iterdir())]
        figure = metric_against("penalty.strength", grouped(runs), choose_objective(runs))
        assert "cv/loss, mean ± standard error over resamples" in str(figure.axes[0].get_title(loc="left"))


def test_settings_of_which_a_resample_diverged_come_last(path_of_strengths, make_run, printed):
    """Their mean is of the resamples that went well."""
    make_run("9", {"penalty.strength": 100}, metrics=cv(0.1, 0.01), diverged_resamples=[1, 4])
    shown = printed(path_of_strengths)
    assert "chosen by cv/loss: penalty.strength=0.01:" in shown
    assert "2 of its resamples diverged: penalty.strength=100 [" in shown


class TestOneStandardError:
    RULE = ("--rule", "one-standard-error")

    def test_chooses_the_largest_strength_within_the_error_of_the_best(self, path_of_strengths, printed):
        """0.1 has 0.53 ≤ 0.5 + 0.04 < 0.55: its own error, by which 1 would do too, does not count."""
        shown = printed(path_of_strengths, *self.RULE)
        assert (
            "chosen by cv/loss, largest penalty.strength within one standard error of the best, 0.01: "
            "penalty.strength=0.1: test/accuracy" in shown
        )

    def test_of_a_metric_that_is_to_be_maximized(self, make_run, tmp_path, printed):
        for number, (strength, accuracy) in enumerate([(0.01, 0.80), (0.1, 0.79), (1, 0.77)]):
            metrics = {"cv/accuracy": accuracy, "cv/accuracy_se": 0.015}
            make_run(str(number), {"penalty.strength": strength}, metrics=metrics)
        assert "best, 0.01: penalty.strength=0.1" in printed(tmp_path / "sweep", *self.RULE)

    def test_of_another_setting_whose_smallest_value_is_simplest(self, make_run, tmp_path, printed):
        for degree, loss in ((1, 0.9), (3, 0.52), (4, 0.51), (8, 0.5), (9, 0.7)):
            make_run(str(degree), {"data.degree": degree}, metrics=cv(loss, 0.05))
        shown = printed(tmp_path / "sweep", *self.RULE, "--simplest", "data.degree=smallest")
        assert "smallest data.degree within one standard error of the best, 8: data.degree=3" in shown

    def test_strengths_of_another_kind_of_penalty_do_not_count(self, make_run, tmp_path, printed):
        kinds = (("l2", 0.01, 0.5), ("l2", 0.1, 0.53), ("l1", 1, 0.53), ("l2", 1, 0.9))
        for number, (kind, strength, loss) in enumerate(kinds):
            choices = {"penalty": kind}
            make_run(
                str(number), {"penalty": kind, "penalty.strength": strength}, metrics=cv(loss, 0.04), choices=choices
            )
        assert "best, 0.01: penalty=l2,penalty.strength=0.1" in printed(tmp_path / "sweep", *self.RULE)

    def test_settings_of_which_a_seed_diverged_do_not_count(self, path_of_strengths, make_run, printed):
        make_run("9", {"penalty.strength": 0.1, "seed": 1}, state="diverged")
        assert "best, 0.01: penalty.strength=0.01" in printed(path_of_strengths, *self.RULE)

    @pytest.mark.parametrize(
        ("more", "message"),
        [
            (["--simplest", "optimizer.lr=smallest"], "optimizer.lr is no number that varies .* that do: penalty.st"),
            (["--simplest", "penalty.strength"], "expected KEY=largest or KEY=smallest"),
            (["--metric", "cv/accuracy"], "cv/accuracy has no standard error: compare runs with resampling=kfold"),
            (["--metric", "test/accuracy"], "test/accuracy has no standard error"),
        ],
    )
    def test_refuses(self, more, message, path_of_strengths, printed):
        with pytest.raises(InputError, match=message):
            printed(path_of_strengths, *self.RULE, *more)

    def test_refuses_what_is_simple_without_the_rule(self, path_of_strengths, printed):
        with pytest.raises(InputError, match=r"--simplest data\.degree=smallest: it is for --rule one-standard-error"):
            printed(path_of_strengths, "--simplest", "data.degree=smallest")

    def test_refuses_runs_without_resamples(self, sweep, printed):
        with pytest.raises(InputError, match="val/loss has no standard error"):
            printed(sweep, *self.RULE)
