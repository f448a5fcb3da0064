"""Runs are found, grouped by their settings and ranked."""

import statistics
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from linnet.comparison.finding import find_runs
from linnet.comparison.groups import grouped, spread, varying
from linnet.comparison.ranking import Objective, choose_objective, ranked
from linnet.comparison.runs import read_run
from linnet.comparison.sweep_axes import swept_by_ratio

MakeRun = Callable[..., Path]


class TestGroups:
    def test_only_what_varies_is_a_column(self, make_run: MakeRun) -> None:
        fixed = {"trainer.max_epochs": 2, "hydra.job.chdir": True, "figures": False}
        one = read_run(make_run("0", {**fixed, "optimizer.lr": 0.1, "seed": 0}))
        two = read_run(make_run("1", {**fixed, "optimizer.lr": 0.2, "seed": 1}))
        assert varying([one, two]) == ["optimizer.lr"]

    def test_a_run_that_did_not_override_shows_its_default(self, make_run: MakeRun) -> None:
        runs = [read_run(make_run("0", {"optimizer.lr": 0.5})), read_run(make_run("1", {}))]
        assert [group.settings for group in grouped(runs)] == [{"optimizer.lr": 0.5}, {"optimizer.lr": 0.1}]

    def test_an_override_equal_to_the_default_varies_nothing(self, make_run: MakeRun) -> None:
        runs = [read_run(make_run("0", {"optimizer.lr": 0.1})), read_run(make_run("1", {}))]
        assert varying(runs) == []

    def test_groups_are_told_by_their_option(self, make_run: MakeRun) -> None:
        one = make_run("0", {"optimizer": "adam"}, choices={"optimizer": "adam"})
        two = make_run("1", {"seed": 1}, choices={"optimizer": "sgd"})
        assert [group.name for group in grouped([read_run(one), read_run(two)])] == ["optimizer=adam", "optimizer=sgd"]

    def test_other_seeds_are_ordinary_settings(self, make_run: MakeRun) -> None:
        runs = [read_run(make_run(str(k), {"model.init_seed": k, "seed": k})) for k in range(3)]
        assert varying(runs) == ["model.init_seed"]
        assert len(grouped(runs)) == 3


class TestRanking:
    def test_direction_follows_the_configuration_then_the_name(self, make_run: MakeRun) -> None:
        runs = [read_run(make_run("0", {}, 0.5))]
        assert choose_objective(runs) == Objective("val/loss", minimize=True)
        assert choose_objective(runs, "val/accuracy") == Objective("val/accuracy", minimize=False)
        assert choose_objective(runs, "test/loss") == Objective("test/loss", minimize=True)

    def test_train_loss_stands_in(self, make_run: MakeRun) -> None:
        path = make_run("0", {})
        (path / "metrics.json").write_text('{"train/loss": 1.0, "train/r2": null}')
        assert choose_objective([read_run(path)]).metric == "train/loss"

    @pytest.mark.parametrize(("metric", "first"), [("val/loss", 0.1), ("val/accuracy", 0.1), ("test/accuracy", 0.001)])
    def test_best_first(self, metric: str, first: float, sweep: Path) -> None:
        runs = [read_run(path) for path in find_runs([sweep])]
        best = ranked(grouped(runs), choose_objective(runs, metric))[0]
        assert best.settings["optimizer.lr"] == first

    def test_settings_that_diverge_with_some_seed_are_not_chosen(self, make_run: MakeRun) -> None:
        make_run("0", {"optimizer.lr": 1.0, "seed": 0}, 0.1)
        make_run("1", {"optimizer.lr": 1.0, "seed": 1}, state="diverged", error="inf")
        last = make_run("2", {"optimizer.lr": 0.1, "seed": 0}, 0.2)
        runs = [read_run(path) for path in find_runs([last.parent])]
        names = [group.name for group in ranked(grouped(runs), Objective("val/loss", minimize=True))]
        assert names == ["optimizer.lr=0.1", "optimizer.lr=1"]


class TestFindRuns:
    def test_any_depth_once_and_in_natural_order(self, make_run: MakeRun, tmp_path: Path) -> None:
        paths = [make_run(name, {}) for name in ("a/2", "a/10", "b/c/d/0")]
        (paths[0] / "inner").mkdir()
        (paths[0] / "inner" / "status.json").write_text("{}")
        assert find_runs([tmp_path, tmp_path / "sweep" / "a"]) == paths

    def test_five_hundred(self, make_run: MakeRun, tmp_path: Path) -> None:
        for k in range(500):
            make_run(str(k), {"optimizer.lr": k // 5 + 1, "seed": k % 5}, float(k))
        runs = [read_run(path) for path in find_runs([tmp_path])]
        assert len(runs) == 500
        assert [len(group.runs) for group in grouped(runs)] == [5] * 100


class TestSpread:
    @given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=20))
    def test_is_that_of_the_statistics_module(self, values: list[float]) -> None:
        found = spread(values)
        assert found is not None
        assert (found.mean, found.std, found.n) == (statistics.fmean(values), statistics.stdev(values), len(values))

    @given(st.floats(-1e9, 1e9), st.floats(0, 1e9))
    def test_text_is_true_to_its_numbers(self, mean: float, deviation: float) -> None:
        found = spread([mean - deviation, mean + deviation])
        assert found is not None
        shown, _, rest = str(found).partition(" ± ")
        assert float(shown) == pytest.approx(found.mean, rel=1e-3, abs=max(found.std or 0, 1e-300))
        assert rest.endswith(" (2)")

    def test_of_one_and_of_none(self) -> None:
        assert str(spread([0.5])) == "0.5000"
        assert spread([]) is None


@pytest.mark.parametrize(
    ("values", "ratio"),
    [
        ([0.001, 0.01, 0.1, 1.0], True),
        ([5, 10, 20, 50, 100], True),
        ([0, 0.001, 0.01], True),
        ([0.1, 1.0], True),
        (list(range(1, 11)), False),
        ([1, 2, 4], False),
        ([-1, 1, 10], False),
    ],
)
def test_axis_is_logarithmic_where_it_was_swept_so(values: list[float], ratio: bool) -> None:
    assert swept_by_ratio(values) is ratio
