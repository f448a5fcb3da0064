"""Search: trials are jobs, a killed study goes on, a diverged trial has the worst objective."""

from collections.abc import Callable
from pathlib import Path

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from linnet.cli import main as cli
from linnet.config.compose import OPTUNA
from linnet.sweeps.search import Outcome, open_study, search
from linnet.system.reading import read_json

SPACE = {"optimizer.lr": optuna.distributions.FloatDistribution(0.001, 10, log=True)}


def study_in(folder: Path) -> optuna.Study:
    return optuna.load_study(
        study_name="linnet", storage=JournalStorage(JournalFileBackend(str(folder / "optuna.journal")))
    )


def searched(folder: Path, n_trials: int, run, n_jobs: int = 1, direction: str = "minimize") -> optuna.Study:
    """The study in a folder after a search with seed 0."""
    study = open_study(folder, "val/loss", direction, SPACE)
    search(study, {**OPTUNA, "n_trials": n_trials, "n_jobs": n_jobs}, SPACE, run)
    return study


class TestSearch:
    def run(self, proposals: list[list[str]]) -> list[Outcome]:
        """A quadratic in log10 lr with its minimum at 0.1, that diverges above 3."""
        outcomes: list[Outcome] = []
        for proposal in proposals:
            (text,) = proposal
            lr = float(text.partition("=")[2])
            self.ran.append(lr)
            outcomes.append(("diverged", None) if lr > 3 else ("completed", (optuna_log10(lr) + 1) ** 2))
        return outcomes

    @pytest.fixture(autouse=True)
    def _counted(self) -> None:
        self.ran: list[float] = []

    def test_finds_the_minimum_though_some_trials_diverge(self, tmp_path: Path) -> None:
        study = searched(tmp_path, 40, self.run)
        assert any(lr > 3 for lr in self.ran)
        assert 0.03 < study.best_trial.params["optimizer.lr"] < 0.3
        assert all(trial.value is not None and trial.value == trial.value for trial in study.trials)

    def test_goes_on_where_it_was_killed(self, tmp_path: Path) -> None:
        class Killed(BaseException):
            pass

        def killed_after_8(proposals: list[list[str]]) -> list[Outcome]:
            if len(self.ran) == 8:
                raise Killed
            return self.run(proposals)

        with pytest.raises(Killed):
            searched(tmp_path, 20, killed_after_8)
        cut_off = study_in(tmp_path).trials[-1].params["optimizer.lr"]
        study = searched(tmp_path, 20, self.run)
        assert len(self.ran) == 20
        assert self.ran[8] == pytest.approx(cut_off, rel=1e-4)
        assert len(study.get_trials(states=(TrialState.COMPLETE,))) == 20
        assert len(set(self.ran)) == 20, "a sampler seeded alike would propose its first points again"

    def test_batches_and_maximising(self, tmp_path: Path) -> None:
        sizes = []

        def run(proposals: list[list[str]]) -> list[Outcome]:
            sizes.append(len(proposals))
            return [(state, None if value is None else -value) for state, value in self.run(proposals)]

        study = searched(tmp_path, 30, run, 4, "maximize")
        assert sizes == [4] * 7 + [2]
        assert study.best_value > -0.5


def optuna_log10(value: float) -> float:
    from math import log10

    return log10(value)


class TestCommand:
    def test_search_from_the_command_line_and_on(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        common = [
            "train",
            "search=optuna",
            f"hydra.sweep.dir={tmp_path}",
            "data=synthetic_regression",
            "trainer.max_epochs=1",
        ]
        space = ["data.batch_size=50", "optimizer.lr=tag(log,interval(0.01,20))"]
        assert cli.run([*common, *space, "hydra.sweeper.n_trials=5"]) == 0
        assert cli.run([*common, *space, "hydra.sweeper.n_trials=8"]) == 0
        printed = capsys.readouterr().out
        assert "8 jobs in" in printed and "5 of them finished before" in printed
        states = [read_json(path)["state"] for path in tmp_path.glob("*/status.json")]
        assert len(states) == 8 and set(states) == {"completed", "diverged"}
        assert "best by val/loss" in printed

    def test_lr_grid_needs_no_flag(self, tmp_path: Path) -> None:
        assert cli.run(["train", "search=lr_grid", "trainer.max_epochs=1", f"hydra.sweep.dir={tmp_path}"]) == 0
        rates = {read_json(path)["config"]["optimizer"]["lr"] for path in tmp_path.glob("*/manifest.json")}
        assert rates == {0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1}

    def test_nothing_to_search_over(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        fixed = ["optimizer.lr=0.1", "data.batch_size=32", "penalty.strength=0.001"]
        assert cli.run(["train", "search=optuna", *fixed, f"hydra.sweep.dir={tmp_path / 's'}"]) == 2
        assert "nothing to search over" in capsys.readouterr().err
        assert not (tmp_path / "s").exists()

    @pytest.mark.parametrize(
        "sampler",
        ["random", "qmc search.scramble=true", "gp search.n_startup_trials=2", "tpe search.multivariate=true"],
    )
    def test_samplers_by_name_go_on_where_they_were(self, sampler: str, tmp_path: Path) -> None:
        space = ("optimizer.lr=tag(log,interval(0.01,1))", "data.batch_size=50", "trainer.max_epochs=1", "optimum=off")
        common = ("train", "search=optuna", *f"search.sampler={sampler}".split(), f"hydra.sweep.dir={tmp_path}", *space)
        assert cli.run([*common, "search.n_trials=3"]) == cli.run([*common, "search.n_trials=5"]) == 0
        rates = [trial.params["optimizer.lr"] for trial in study_in(tmp_path).trials]
        assert len(rates) == len(set(rates)) == 5

    def test_a_database_holds_the_studies_of_several_sweeps(self, tmp_path: Path) -> None:
        url = f"sqlite:///{tmp_path}/studies.db"
        quick = ("data.batch_size=50", "trainer.max_epochs=1", "optimum=off", f"search.storage={url}")
        for name, n_trials in (("a", 2), ("b", 1), ("a", 3)):
            words = (f"search.n_trials={n_trials}", f"hydra.sweep.dir={tmp_path / name}")
            assert cli.run(["train", "search=optuna", *quick, *words]) == 0
        found = {name: optuna.load_study(study_name=str(tmp_path / name), storage=url).trials for name in "ab"}
        assert {name: len(trials) for name, trials in found.items()} == {"a": 3, "b": 1}
        assert not (tmp_path / "a" / "optuna.journal").exists()
        values = [read_json(tmp_path / "a" / str(k) / "metrics.json")["val/loss"] for k in range(3)]
        assert [trial.value for trial in found["a"]] == values


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("sampler=rando", "no such sampler, did you mean random?"), ("scramble=true", "it is of qmc"),
        ("n_startup_trials=0", "expected a whole number in [1, inf)"), ("multivariate=3", "expected true or false"),
        ("pruner=median", "callbacks=early_stopping"),
        ("storage=mysql://a/b", "expected sqlite:///FILE.db"),
        ("storage=sqlite:///absent/x.db", "there is no folder absent"),
        ("storage=sqlite:///text.db", "is not a database"),
    ],
)  # fmt: skip
def test_what_is_no_sampler_or_storage_is_refused(
    word: str, message: str, workplace: Path, refusal: Callable[..., str]
) -> None:
    (workplace / "text.db").write_text("no database")
    assert message in refusal("train", "search=optuna", f"search.{word}")


@pytest.mark.parametrize(("key", "message"), [("smapler", "did you mean sampler?"), ("pruner", "early_stopping")])
def test_a_key_that_is_added_is_not_passed_over(workplace: Path, refusal: Callable[..., str], key: str, message: str):
    assert message in refusal("train", "-m", "search=optuna", f"+hydra.sweeper.{key}=tpe")


def test_an_experiment_names_no_storage(workplace: Path, refusal: Callable[..., str]) -> None:
    (workplace / "experiments" / "e").mkdir(parents=True)
    text = "defaults: [override /search: optuna]\nhydra: {sweeper: {storage: 'sqlite:///x.db'}}\n"
    (workplace / "experiments" / "e" / "experiment.yaml").write_text(text)
    assert "only the command line names a storage" in refusal("train", "-m", "experiment=e")
