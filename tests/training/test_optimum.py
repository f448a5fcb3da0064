"""The best possible objective as a run tells it: found once, kept, and compared with in every epoch."""

import math
import multiprocessing
import os
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from run_directory import events, train
from sklearn.linear_model import LinearRegression

from linnet.cli import main as cli
from linnet.data.sources import covariate_shift
from linnet.penalties import L2
from linnet.results.trained import TrainedRun
from linnet.solvers import cache
from linnet.solvers.cache import kept
from linnet.solvers.l1.extended_solution import UNRESOLVED
from linnet.solvers.optimum import Optimum
from linnet.solvers.problem_analysis import ProblemAnalysis
from linnet.solvers.smoothness import Curvature
from linnet.system.reading import read_json
from linnet.tracking.weights import OPTIMUM
from linnet.training import optimality
from linnet.training.optimality_report import report

DIABETES = ("data=diabetes", "figures=false", "data.dtype=float64")
PENALISED = ("penalty=l2", "penalty.strength=0.01", "figures=false", "trainer.max_epochs=3")


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> TrainedRun:
    """Twenty epochs of gradient descent on diabetes."""
    return train(tmp_path_factory.mktemp("runs") / "run", *DIABETES)


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch) -> Path:
    """A place for optima that no other test has filled."""
    folder = tmp_path / "optimum"
    monkeypatch.setenv("LINNET_DATA", str(tmp_path))
    return folder


def analysis(weight: float = 1.5) -> ProblemAnalysis:
    import torch

    numbers = torch.tensor([[weight]], dtype=torch.float64)
    optimum = Optimum(numbers, numbers[0].clone(), 0.25, 1e-9, "a proof", True, "a method", 3, seconds=0.5)
    return ProblemAnalysis(optimum, Curvature(2.0, 0.5, True), {"optimum/r2": 0.5})


class TestEveryRun:
    def test_tells_the_best_objective_as_scikit_learn_finds_it(self, run):
        x, y = run.data.train.x.numpy(), run.data.train.y.numpy()
        reference = LinearRegression().fit(x, y)
        best = np.mean((reference.predict(x) - y) ** 2) / 2
        assert run.metrics["optimum/loss"] == pytest.approx(best, rel=1e-12)
        assert run.metrics["optimum/gap"] == pytest.approx(run.metrics["train/objective"] - best, rel=1e-9)
        distance = np.linalg.norm(run.module.weight[0].numpy() - reference.coef_)
        assert run.metrics["optimum/distance"] == pytest.approx(distance, rel=1e-9)

    def test_tells_the_gap_of_every_epoch_on_a_log_scale_too(self, run):
        gap = run.curves["optimum/gap"]
        assert gap.step == run.curves["val/loss"].step
        assert gap.value[-1] < gap.value[0] / 10
        assert run.curves["optimum/gap_log10"].value == [math.log10(value) for value in gap.value]
        tags = events(run.directory).Tags()["scalars"]
        assert {"optimum/gap", "optimum/gap_log10", "optimum/distance", "weights_kept/optimum/gap"} <= set(tags)
        assert not any("optimum/loss" in tag or "optimum/rank" in tag for tag in tags)  # a constant is no chart

    def test_is_told_again_by_evaluate(self, run, capsys):
        assert cli.run(["evaluate", str(run.directory)]) == 0
        assert f"{run.metrics['optimum/loss']:.8g}" in capsys.readouterr().out

    def test_draws_the_gap(self, tmp_path):
        train(tmp_path / "run", "data=diabetes", "trainer.max_epochs=2")
        assert (tmp_path / "run" / "figures" / "coefficients.png").is_file()
        assert (tmp_path / "run" / "figures" / "optimum_gap.png").read_bytes().startswith(b"\x89PNG")

    def test_tells_none_where_it_is_off(self, tmp_path):
        finished = train(tmp_path / "run", *DIABETES, "optimum=off")
        assert not any(name.startswith("optimum/") for name in (*finished.metrics, *finished.curves))
        assert not (finished.directory / OPTIMUM).exists()

    def test_says_that_it_would_cost_too_much(self, tmp_path, monkeypatch, capsys):
        monkeypatch.setattr(optimality, "solve_seconds", lambda *_: 1e6)
        finished = train(tmp_path / "run", *DIABETES)
        printed = capsys.readouterr().out
        assert "it would take about 1e+06 s" in printed
        assert "condition number of the Hessian 557" in printed  # costs nothing, and helps all the same
        assert "optimum/loss" not in finished.metrics

    def test_says_that_it_was_not_found_and_goes_on(self, tmp_path, monkeypatch, capsys):
        def fail(*_: object, **__: object) -> ProblemAnalysis:
            raise RuntimeError("the solver\nbroke")

        monkeypatch.setattr(optimality, "find", fail)
        finished = train(tmp_path / "run", *DIABETES)
        assert "not found: the solver broke" in capsys.readouterr().out
        assert "optimum/loss" not in finished.metrics

    def test_says_that_there_is_none_and_goes_on(self, tmp_path, capsys):
        overrides = ("data=gaussian_blobs", "data.separation=40", "figures=false", "optimum=always")
        finished = train(tmp_path / "run", *overrides)
        assert "no finite optimum exists" in capsys.readouterr().out
        assert finished.metrics["test/accuracy"] == 1.0
        assert not any(name.startswith("optimum/") for name in (*finished.metrics, *finished.curves))


class TestLearningRate:
    @pytest.mark.parametrize(("optimizer", "factor"), [("sgd", 1.0), ("momentum", 1.9)])
    def test_beyond_the_largest_stable_one_draws_a_warning(self, optimizer, factor, run, tmp_path, capsys):
        x = np.column_stack([run.data.train.x.numpy(), np.ones(len(run.data.train))])
        limit = factor * 2 / np.linalg.eigvalsh(x.T @ x / len(x))[-1]
        for lr, warned in ((1.001 * limit, True), (0.999 * limit, False)):
            train(
                tmp_path / str(warned),
                *DIABETES,
                f"optimizer={optimizer}",
                f"optimizer.lr={lr}",
                "trainer.max_epochs=1",
            )
            printed = capsys.readouterr().out
            assert (f"is beyond {limit:.4g}, where gradient descent diverges" in printed) == warned


class TestExact:
    def test_ends_with_the_optimum(self, run, tmp_path):
        finished = train(tmp_path / "run", *DIABETES, "optimizer=exact")
        reference = LinearRegression().fit(finished.data.train.x.numpy(), finished.data.train.y.numpy())
        assert finished.module.weight[0].numpy() == pytest.approx(reference.coef_, rel=1e-9)
        assert finished.metrics["optimum/gap"] <= 1e-9
        assert finished.metrics["train/loss"] < run.metrics["train/loss"]
        assert read_json(finished.directory / "status.json")["epoch"] == 1
        assert (finished.directory / "checkpoints" / "last.ckpt").is_file()

    def test_prints_what_inference_says_of_each_coefficient(self, tmp_path, capsys):
        finished = train(tmp_path / "run", *DIABETES, "optimizer=exact")
        printed = capsys.readouterr().out
        assert "kept the exact optimum (" in printed
        assert "solved exactly" in printed
        for name in ("bias", "bmi", "s5"):
            coefficient, error = (finished.metrics[f"optimum/{key}/{name}"] for key in ("coefficient", "std_error"))
            (line,) = [line for line in printed.splitlines() if line.split()[:1] == [name]]
            assert f"{coefficient:.4g}" in line and f"{error:.4g}" in line

    def test_of_classes(self, tmp_path):
        finished = train(tmp_path / "run", *PENALISED, "optimizer=exact", "schedule=cosine", "schedule.warmup_epochs=2")
        assert 0 <= finished.metrics["optimum/gap"] < 1e-6
        assert finished.metrics["test/accuracy"] > 0.9

    def test_where_there_is_none_is_refused(self, tmp_path, capsys):
        directory = tmp_path / "run"
        assert cli.run(["train", "optimizer=exact", "figures=false", f"hydra.run.dir={directory}"]) == 2
        errors = capsys.readouterr().err
        assert "no finite optimum exists" in errors and "use penalty=l2" in errors
        assert len(errors.splitlines()) == 1
        assert not directory.exists()

    def test_of_a_part_of_the_examples_is_refused(self, tmp_path, capsys):
        directory = tmp_path / "run"
        assert (
            cli.run(["train", "data=diabetes", "optimizer=exact", "trainer=debug", f"hydra.run.dir={directory}"]) == 2
        )
        assert "it needs trainer.overfit_batches=0" in capsys.readouterr().err


class TestCache:
    def test_is_asked_by_runs_that_differ_in_nothing_that_matters(self, tmp_path, monkeypatch):
        first = train(tmp_path / "0", *PENALISED)
        monkeypatch.setattr(optimality, "find", lambda *_: pytest.fail("it is known already"))
        other = ("seed=0", "optimizer.lr=0.5", "data.batch_size=64", "model.init=zeros")
        again = train(tmp_path / "1", *PENALISED, *other)
        assert again.metrics["optimum/loss"] == first.metrics["optimum/loss"]

    @pytest.mark.parametrize("other", ["penalty.strength=0.02", "seed=1", "data.standardize=true", "model.bias=false"])
    def test_is_not_asked_by_runs_that_do(self, other, tmp_path):
        first, second = train(tmp_path / "0", *PENALISED), train(tmp_path / "1", *PENALISED, other)
        assert second.metrics["optimum/loss"] != first.metrics["optimum/loss"]

    def test_is_not_asked_where_weights_came_out_otherwise(self, tmp_path, monkeypatch):
        estimated = ("data=covariate_shift", "data.weighting=estimated", "figures=false", "optimizer=exact")
        first = train(tmp_path / "0", *estimated)
        monkeypatch.setattr(covariate_shift, "PENALTY", L2(1.0))
        second = train(tmp_path / "1", *estimated)
        assert first.data.source.checksum == second.data.source.checksum
        assert second.metrics["optimum/loss"] != first.metrics["optimum/loss"]

    def test_gives_back_what_was_found(self, tmp_path):
        found, before = kept(tmp_path, {"a": 1}, analysis)
        again, known = kept(tmp_path, {"a": 1}, lambda: pytest.fail("it is known already"))
        assert (before, known) == (False, True)
        assert again.to_bytes() == found.to_bytes()
        assert again.curvature == found.curvature and again.statistics == found.statistics

    def test_in_memory_writes_nothing_and_keeps_the_latest(self, tmp_path, monkeypatch):
        monkeypatch.setattr(cache, "_recent", OrderedDict())
        solved = []
        for number in [*range(cache.MOST), 0, cache.MOST, 0, 1]:
            found = cache.kept_in_memory(tmp_path, {"a": number}, lambda: solved.append(0) or analysis())
            assert found.to_bytes() == analysis().to_bytes()
            found.optimum.weight.zero_()  # the next caller is given numbers of its own
        assert len(solved) == cache.MOST + 2 and len(cache._recent) == cache.MOST
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("content", [b"", b"damaged", analysis().to_bytes()[:-5]])
    def test_that_is_damaged_is_made_anew(self, content, tmp_path):
        kept(tmp_path, {"a": 1}, analysis)
        (file,) = tmp_path.glob("*.safetensors")
        file.write_bytes(content)
        assert kept(tmp_path, {"a": 1}, analysis)[1] is False
        assert kept(tmp_path, {"a": 1}, analysis)[1] is True

    def test_that_cannot_be_written_to_is_done_without(self, tmp_path):
        (tmp_path / "file").touch()
        assert kept(tmp_path / "file" / "folder", {"a": 1}, analysis)[1] is False

    def test_lets_one_of_many_processes_solve(self, tmp_path):
        def ask(_: int) -> None:
            def find() -> ProblemAnalysis:
                (tmp_path / f"solved by {os.getpid()}").touch()
                return analysis()

            kept(tmp_path / "cache", {"a": 1}, find)

        processes = [multiprocessing.get_context("fork").Process(target=ask, args=(i,)) for i in range(6)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        assert [process.exitcode for process in processes] == [0] * 6
        assert len(list(tmp_path.glob("solved by *"))) == 1


def test_what_rounding_hides_is_warned_of(tmp_path, capsys, caplog):
    run = train(tmp_path / "run", "data=diabetes", "penalty=l1", "penalty.strength=0.1", "trainer.max_epochs=1")
    analysis = optimality.load(run.directory)
    unsure = replace(analysis.optimum, certificate=analysis.optimum.certificate + UNRESOLVED)
    assert "rounding hides" not in capsys.readouterr().out
    report(replace(analysis, optimum=unsure), run.module, run.data, solved=True, exact=False)
    assert "other weights may be as good" in caplog.text
