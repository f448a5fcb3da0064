"""What TensorBoard is shown: every run once, as it is now, under a name that says what differs."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import api_pb2
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from linnet.comparison import board_folder
from linnet.comparison.board import arrange
from linnet.comparison.board_events import ADDED
from linnet.comparison.board_folder import FORMER, BoardFolder

MakeRun = Callable[..., Path]
EVENTS = "events.out.tfevents.1.host.1.0"
ONE_PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b550000000a49444154789c63600000000200015e"
    "221bfd0000000049454e44ae426082"
)


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BoardFolder:
    """A board over tmp_path, with a clock that a test sets."""
    monkeypatch.setattr(board_folder, "time", SimpleNamespace(monotonic=lambda: board.now))
    (tmp_path / "board").mkdir()
    board = BoardFolder(tmp_path / "sweep", tmp_path / "board")
    board.now = 0.0  # type: ignore[attr-defined]
    return board


@pytest.fixture
def run(make_run: MakeRun) -> MakeRun:
    """A function that makes a run with an event file."""

    def make(name: str, overrides: dict, loss: float | None = 1.0, **more: object) -> Path:
        path = make_run(name, overrides, loss, **more)
        (path / EVENTS).write_bytes(b"")
        return path

    return make


def names(board: BoardFolder) -> list[str]:
    board.update()
    return sorted({path.parent.relative_to(board.folder).as_posix() for path in board.folder.rglob("events*")})


def test_jobs_are_named_by_what_differs_beside_them(run: MakeRun, board: BoardFolder) -> None:
    for k, (lr, seed) in enumerate([(0.1, 0), (0.1, 1), (0.2, 0)]):
        run(f"rates/{k}", {"optimizer.lr": lr, "seed": seed, "data": "digits"})
    run("penalties/0", {"penalty.strength": 1.0})
    run("penalties/1", {"penalty.strength": 0.5})
    run("penalties/2", {"penalty.strength": 0.5})
    run("mine", {"optimizer.lr": 5.0})
    run("digits/2026-11-22_06-47-45-915003", {"optimizer.lr": 0.3})
    run("digits/2026-11-22_06-47-46-915003", {"optimizer.lr": 0.4})
    assert names(board) == [
        "digits/2026-11-22_06-47-45-915003 optimizer.lr=0.3", "digits/2026-11-22_06-47-46-915003 optimizer.lr=0.4",
        "mine",
        "penalties/penalty.strength=0.5", "penalties/penalty.strength=0.5 (2)", "penalties/penalty.strength=1",
        "rates/optimizer.lr=0.1,seed=0", "rates/optimizer.lr=0.1,seed=1", "rates/optimizer.lr=0.2,seed=0",
    ]  # fmt: skip
    assert board.swept == {"optimizer.lr", "seed", "penalty.strength"}


def test_a_run_itself_and_events_of_others(run: MakeRun, board: BoardFolder, tmp_path: Path) -> None:
    path = run("mine", {})
    others = tmp_path / "sweep" / "lightning" / "version_0"
    others.mkdir(parents=True)
    (others / EVENTS).write_bytes(b"")
    assert names(board) == ["lightning/version_0", "mine"]
    (tmp_path / "alone").mkdir()
    assert names(BoardFolder(path, tmp_path / "alone")) == ["mine"]


def test_a_former_overview_and_links_are_not_shown(run: MakeRun, board: BoardFolder, tmp_path: Path) -> None:
    path = run("0", {})
    overview = tmp_path / "sweep" / "comparison" / "tensorboard" / "optimizer.lr=0.1"
    overview.mkdir(parents=True)
    (overview / FORMER).write_bytes(b"")
    (overview / EVENTS).symlink_to(path / EVENTS)
    (tmp_path / "sweep" / "linked").mkdir()
    (tmp_path / "sweep" / "linked" / EVENTS).symlink_to(path / EVENTS)
    assert names(board) == ["0"]


def test_it_follows_the_runs(run: MakeRun, board: BoardFolder) -> None:
    first = run("0", {"optimizer.lr": 0.1})
    assert names(board) == ["0"]
    run("1", {"optimizer.lr": 0.2})
    assert names(board) == ["optimizer.lr=0.1", "optimizer.lr=0.2"]
    more = EVENTS.replace(".1.", ".2.", 1)
    (first / more).write_bytes(b"")  # of a run that goes on
    board.update()
    assert {path.name for path in (board.folder / "optimizer.lr=0.1").iterdir()} == {EVENTS, more}
    for file in [*(first / ".hydra").iterdir(), *(path for path in first.iterdir() if path.is_file())]:
        file.unlink()
    assert names(board) == ["1"]


def test_a_run_that_did_not_complete_has_a_row(run: MakeRun, board: BoardFolder) -> None:
    run("0", {"optimizer.lr": 0.1})
    path = run("1", {"optimizer.lr": 100.0}, None, state="diverged", error="the loss became inf")
    board.update()
    assert not (board.folder / "optimizer.lr=0.1" / ADDED).exists()  # its own events have one
    own = board.folder / "optimizer.lr=100"
    content = EventAccumulator(str(own / ADDED)).Reload().PluginTagToContent("hparams")
    start = HParamsPluginData.FromString(content["_hparams_/session_start_info"]).session_start_info
    assert start.hparams["optimizer.lr"].number_value == 100
    end = HParamsPluginData.FromString(content["_hparams_/session_end_info"]).session_end_info
    assert end.status == api_pb2.STATUS_FAILURE

    # Resumed, it gets rid of the row: TensorBoard, which never reads a file again, has to forget the run first.
    (path / "status.json").write_text(json.dumps({"state": "completed"}))
    os.utime(path / "status.json", ns=(1, 1))
    board.update()
    assert list(own.iterdir()) == []
    board.now = 20.0  # type: ignore[attr-defined]
    board.update()
    assert [file.name for file in own.iterdir()] == [EVENTS]


def test_figures_that_were_drawn_later_are_images(run: MakeRun, board: BoardFolder) -> None:
    path = run("0", {"figures": "false"}, defaults={"figures.x": 1})
    manifest = json.loads((path / "manifest.json").read_text())
    (path / "manifest.json").write_text(json.dumps({**manifest, "config": {**manifest["config"], "figures": False}}))
    board.update()
    assert not (board.folder / "0" / ADDED).exists()
    (path / "figures").mkdir()
    (path / "figures" / "weights.png").write_bytes(ONE_PIXEL)
    (path / "figures" / "residuals.png").write_bytes(b"no picture")
    board.update()
    events = EventAccumulator(str(board.folder / "0" / ADDED)).Reload()
    assert events.Tags()["images"] == ["visualization/weights"]
    assert events.Images("visualization/weights")[0].encoded_image_string == ONE_PIXEL


def test_columns_begin_with_what_was_swept() -> None:
    experiment = api_pb2.Experiment()
    for name, differs in (("data", True), ("optimizer.lr", True), ("optimum/rank", True), ("seed", False),
                          ("optimizer.lr_log10", True), ("batch", False)):  # fmt: skip
        experiment.hparam_infos.add(name=name, differs=differs)
    for tag in ("train/lr", "val/loss", "weights_kept/test/loss", "weights_kept/train/loss", "weights_kept/val/loss"):
        experiment.metric_infos.add(name=api_pb2.MetricName(tag=tag))
    arrange(experiment, {"optimizer.lr", "seed"})
    assert [info.name for info in experiment.hparam_infos] == [
        "optimizer.lr", "optimizer.lr_log10", "data", "seed", "batch", "optimum/rank",
    ]  # fmt: skip
    assert [(info.name.tag, info.display_name) for info in experiment.metric_infos] == [
        ("weights_kept/val/loss", "val/loss"), ("weights_kept/test/loss", "test/loss"),
        ("weights_kept/train/loss", "train/loss"), ("train/lr", "train/lr"), ("val/loss", "val/loss (last point)"),
    ]  # fmt: skip
