"""`linnet compare` over run directories made of the files that a run leaves."""

import csv
import json
import math
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st
from PIL import Image

from linnet.cli.compare import main
from linnet.comparison.groups import grouped, spread, varying
from linnet.comparison.ranking import Objective, choose_objective, ranked
from linnet.comparison.runs import find_runs, read_run
from linnet.comparison.sweep_axes import swept_by_ratio
from linnet.comparison.tensorboard_overview import row_names
from linnet.system.errors import InputError

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
        **status: Any,
    ) -> Path:
        path = tmp_path / "sweep" / name
        (path / ".hydra").mkdir(parents=True)
        given_lines = "".join(f"- {key}={value}\n" for key, value in overrides.items())
        (path / ".hydra" / "overrides.yaml").write_text(given_lines)
        settings = {"seed": 0, "optimizer.lr": 0.1, **(defaults or {}), **overrides}
        config: dict[str, Any] = {"objective": {"metric": "val/loss", "direction": "minimize"}}
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


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


class TestCompare:
    def test_groups_seeds_and_says_what_was_chosen(self, sweep: Path, capsys: pytest.CaptureFixture[str]) -> None:
        main([str(sweep), "--no-figures"])
        shown = capsys.readouterr().out
        assert "12 runs, 4 settings" in shown
        assert "0.5100 ± 0.0100 (3)" in shown
        assert "chosen by val/loss: optimizer.lr=0.1: test/accuracy 0.7500 ± 0.0000 (3), test/loss" in shown
        assert [line.split()[3] for line in shown.splitlines() if line.startswith("│")] == ["0.1", "0.01", "1", "0.001"]
        assert str(sweep / "summary.csv") in shown

    def test_the_test_set_is_for_the_chosen_only_unless_asked(
        self, sweep: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        main([str(sweep), "--no-figures"])
        assert capsys.readouterr().out.count("test/accuracy") == 1
        main([str(sweep), "--no-figures", "--test"])
        assert "test/accuracy ┃" in capsys.readouterr().out

    def test_csv_has_a_row_a_run_and_all_digits(self, sweep: Path, tmp_path: Path) -> None:
        main([str(sweep), "--no-figures", "--output", str(tmp_path / "out")])
        table = rows(tmp_path / "out" / "summary.csv")
        assert len(table) == 12
        assert list(table[0])[:4] == ["run", "state", "seed", "optimizer.lr"]
        assert list(table[0])[-2:] == ["seconds", "error"]
        for row in table:
            saved = json.loads((Path(row["run"]) / "metrics.json").read_text())
            assert {name: float(row[name]) for name in saved} == saved
            assert float(row["seconds"]) == 2.5
        assert not (sweep / "summary.csv").exists()

    def test_a_second_comparison_replaces_the_first(self, sweep: Path) -> None:
        main([str(sweep)])
        before = sorted(path.relative_to(sweep) for path in sweep.rglob("*"))
        main([str(sweep)])
        assert sorted(path.relative_to(sweep) for path in sweep.rglob("*")) == before

    def test_figures_of_a_sweep_over_two_numbers(self, make_run: MakeRun, tmp_path: Path) -> None:
        for number, (lr, strength) in enumerate((lr, s) for lr in (0.01, 0.1, 1.0) for s in (0, 0.001, 0.1)):
            make_run(str(number), {"optimizer.lr": lr, "penalty.strength": strength}, lr + strength)
        main([str(tmp_path / "sweep")])
        folder = tmp_path / "sweep" / "comparison"
        names = {path.stem for path in folder.glob("*.png")}
        assert names == {
            "val_loss_against_optimizer.lr", "val_loss_against_penalty.strength", "heat_map", "learning_curves",
        }  # fmt: skip
        for path in folder.glob("*.png"):
            with Image.open(path) as image:
                assert min(image.size) >= 300
                assert len(image.convert("RGB").getcolors(1 << 24) or []) > 20, f"{path.name} is blank"

    def test_figures_of_a_random_search_with_equal_values_and_a_diverged_run(
        self, make_run: MakeRun, tmp_path: Path
    ) -> None:
        """Each point has other settings, some share the value on the axis, and one group has another optimizer."""
        for number, (lr, size) in enumerate([(0.1, 16), (0.1, 32), (0.3, 64), (0.7, 128)]):
            make_run(str(number), {"optimizer.lr": lr, "data.batch_size": size}, 0.5)
        make_run("8", {"optimizer.lr": 1e6, "data.batch_size": 8}, state="diverged", error="inf")
        make_run("9", {"optimizer": "adam", "data.batch_size": 8}, 0.4, choices={"optimizer": "adam"})
        main([str(tmp_path / "sweep")])
        names = {path.stem for path in (tmp_path / "sweep" / "comparison").glob("*.png")}
        assert names == {"val_loss_against_optimizer.lr", "val_loss_against_data.batch_size", "learning_curves"}

    def test_no_figure_where_nothing_varies(self, make_run: MakeRun, tmp_path: Path) -> None:
        for seed in (0, 1):
            make_run(str(seed), {"seed": seed}, 0.5)
        main([str(tmp_path / "sweep")])
        assert not list((tmp_path / "sweep" / "comparison").glob("*.png"))

    def test_nothing_into_single_runs_or_beside_them(self, make_run: MakeRun, tmp_path: Path, capsys) -> None:
        paths = [make_run(str(k), {"seed": k}, 0.5) for k in range(2)]
        before = sorted(tmp_path.rglob("*"))
        main([str(path) for path in paths])
        assert sorted(tmp_path.rglob("*")) == before
        assert "give --output DIR" in capsys.readouterr().out
        main([str(paths[0]), "--output", str(tmp_path / "out")])
        assert (tmp_path / "out" / "summary.csv").is_file()

    def test_pictures_of_others_stay(self, make_run: MakeRun, tmp_path: Path) -> None:
        for rate in (0.1, 0.2):
            make_run(f"{rate}", {"optimizer.lr": rate}, rate)
        folder = tmp_path / "sweep" / "comparison"
        folder.mkdir()
        (folder / "mine.png").write_bytes(b"mine")
        main([str(tmp_path / "sweep")])
        drawn = {path.name for path in folder.glob("*.png")} - {"mine.png"}
        assert drawn
        main([str(tmp_path / "sweep" / "0.1"), "--output", str(tmp_path / "sweep")])
        assert {path.name for path in folder.glob("*.png")} & drawn < drawn
        assert (folder / "mine.png").read_bytes() == b"mine"

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["absent"], "absent is no directory"),
            (["."], "no run below"),
            (["sweep", "--metric", "val/magic"], "no run has it; choose from: val/loss"),
            ([], "the following arguments are required: DIR"),
        ],
    )
    def test_mistakes_are_one_line(
        self, arguments: list[str], message: str, make_run: MakeRun, workplace: Path, tmp_path: Path
    ) -> None:
        make_run("0", {}, 0.5)
        (workplace / "sweep").symlink_to(tmp_path / "sweep")
        with pytest.raises(InputError, match=message) as error:
            main(arguments)
        assert "\n" not in str(error.value)


class TestIncompleteRuns:
    def test_states_and_reasons_are_shown(
        self, make_run: MakeRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        make_run("0", {"optimizer.lr": 0.1, "seed": 0}, 0.5)
        make_run("1", {"optimizer.lr": 0.1, "seed": 1}, state="interrupted", error="stopped from outside")
        make_run("2", {"optimizer.lr": 1e6}, state="diverged", error="the loss became inf at step 5")
        make_run("3", {"optimizer.lr": 1.0}, state="failed", error="ValueError: [/no] such thing")
        make_run("4", {"optimizer.lr": 2.0}, state="running")
        main([str(tmp_path / "sweep")])
        shown = capsys.readouterr().out
        assert "1 completed, 1 interrupted" in shown
        assert "0.5000 (1)" in shown
        assert "interrupted (1 of 2): optimizer.lr=0.1: stopped from outside" in shown
        assert "diverged: optimizer.lr=1e+06: the loss became inf at step 5" in shown
        assert "failed: optimizer.lr=1: ValueError: [/no] such thing" in shown
        assert "running: optimizer.lr=2: last sign of life 2026-01-01T00:00:02.500+00:00" in shown
        table = rows(tmp_path / "sweep" / "summary.csv")
        assert {row["state"] for row in table} == {"completed", "interrupted", "diverged", "failed", "running"}

    @pytest.mark.parametrize("name", ["status.json", "manifest.json", "metrics.json", ".hydra/overrides.yaml"])
    @pytest.mark.parametrize("content", ["", "{", "[1, 2]", "\x00\x01", "null", None])
    def test_a_damaged_file_drops_no_run(
        self, name: str, content: str | None, sweep: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        if content is not None:
            (sweep / "3" / name).write_text(content)
        elif name != "status.json":
            (sweep / "3" / name).unlink()
        main([str(sweep), "--no-figures"])
        assert "12 runs" in capsys.readouterr().out
        assert str(sweep / "3") in {row["run"] for row in rows(sweep / "summary.csv")}

    def test_a_run_killed_at_once_is_known_by_its_overrides(self, make_run: MakeRun, tmp_path: Path) -> None:
        path = make_run("0", {"optimizer.lr": "1e-3", "penalty": "l2", "seed": 3})
        (path / "manifest.json").unlink()
        run = read_run(path)
        assert (run.value("optimizer.lr"), run.value("penalty"), run.seed) == (0.001, "l2", 3)

    def test_nothing_completed(self, make_run: MakeRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        make_run("0", {"optimizer.lr": 1e6}, state="diverged", error="inf")
        make_run("1", {"optimizer.lr": 1e7}, state="diverged", error="inf")
        main([str(tmp_path / "sweep")])
        assert "chosen" not in capsys.readouterr().out


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

    def test_runs_of_equal_overrides_keep_names_apart(self, make_run: MakeRun) -> None:
        runs = [read_run(make_run(str(k), {"seed": 0})) for k in range(2)]
        assert list(row_names(grouped(runs))) == ["seed=0", "seed=0 (2)"]


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
