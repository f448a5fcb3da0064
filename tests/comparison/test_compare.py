"""`linnet compare` over run directories made of the files that a run leaves."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from linnet.cli.compare import main
from linnet.comparison.runs import read_run
from linnet.system.errors import InputError

MakeRun = Callable[..., Path]


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

    def test_a_state_that_is_none_is_not_drawn(
        self, make_run: MakeRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for job in range(4):
            make_run(str(job), {"optimizer.lr": job + 1}, loss=1.0, state="a" * 100_000 if job == 2 else "completed")
        main([str(tmp_path / "sweep")])
        shown = " ".join(capsys.readouterr().out.split())
        assert "unknown" in shown and "its status.json names no state: aaaa" in shown and len(shown) < 5000

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
