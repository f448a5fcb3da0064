"""Sweeps beyond the grid: values that go together, keys under a condition, settings from a file, an early end."""

from pathlib import Path

import pytest

from linnet.sweeps.words import read_settings, read_words
from linnet.system.compat.hydra import parse_overrides
from linnet.system.errors import InputError
from linnet.system.reading import read_json

pytestmark = pytest.mark.usefixtures("workplace")
QUICK = ("trainer.max_epochs=1", "optimum=off", "hydra.sweep.dir=sweep")


def jobs(*keys: str) -> list[tuple[object, ...]]:
    """Values of these keys in the jobs of the sweep, in the order of their numbers."""
    found = []
    for path in sorted(Path("sweep").glob("*/manifest.json"), key=lambda path: int(path.parent.name)):
        values = []
        for key in keys:
            node = read_json(path)["config"]
            for name in key.split("."):
                node = node[name]
            values.append(node)
        found.append(tuple(values))
    return found


class TestZip:
    WORD = "zip(optimizer.lr=0.1,0.01;penalty.strength=1e-3,1e-2)"

    def test_values_go_together_and_the_sweep_goes_on(self, answer):
        words = ("-m", self.WORD, "penalty=l2", "seed=0,1", *QUICK)
        code, printed, _ = answer("train", *words)
        assert code == 0 and "4 jobs: 4 completed" in printed
        expected = [(0.1, 0.001, 0), (0.1, 0.001, 1), (0.01, 0.01, 0), (0.01, 0.01, 1)]
        assert jobs("optimizer.lr", "penalty.strength", "seed") == expected
        assert "4 jobs in sweep, 4 of them finished before" in answer("train", *words)[1]
        plain = ("-m", "penalty=l2", "optimizer.lr=0.01", "penalty.strength=0.01", "seed=1", *QUICK)
        assert "1 of them finished before" in answer("train", *plain)[1], "a job is known by its configuration"

    def test_side_by_side(self, answer):
        code, printed, _ = answer("train", "-m", "hydra/launcher=vectorized", "penalty=l2", self.WORD, *QUICK)
        assert code == 0 and "training 2 jobs side by side" in printed
        assert jobs("optimizer.lr", "penalty.strength") == [(0.1, 0.001), (0.01, 0.01)]

    def test_of_options_and_lists(self, answer):
        word = "zip(data=digits,diabetes;tags=[a,'b;c'],[d];optimizer=adam,sgd)"
        assert answer("train", "-m", word, *QUICK)[0] == 0
        assert jobs("tags", "optimizer._target_", "loss._target_") == [
            (["a", "b;c"], "linnet.optimizers.Adam", "linnet.losses.CrossEntropy"),
            (["d"], "linnet.optimizers.SGD", "linnet.losses.SquaredError"),
        ]

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (["zip(seed=0,1;optimizer.lr=1,2,3)"], "seed has 2, optimizer.lr has 3 values: give as many of each"),
            (["zip(seed=0,1;optimizer.lr=1)"], "give as many of each"),
            (["zip(seed=0,1;seed=2,3)"], "seed is given twice"),
            (["zip(seed=0,1;optimizer.lr=1,2)", "optimizer.lr=3"], "optimizer.lr is given twice"),
            (["zip(seed=0,1;optimizer.lrr=1,2)"], "did you mean optimizer.lr?"),
            (["zip(seed=0,1;optimizer.lr)"], "missing EQUAL"),
            (["zip(seed=0,1;hydra.sweep.dir=a,b)"], "a job sets nothing of Hydra's"),
            (["zip(seed=0,1;optimizer@hydra.launcher=sgd,adam)"], "a job sets nothing of Hydra's"),
            (["zip(seed=0,1;optimizer.lr=interval(0,1))"], "needs search=optuna"),
            (["zip(seed=0,1;optimizer.lr=1,-2)"], "optimizer.lr=-2: expected a number"),
            (["search=optuna", "zip(seed=0,1;optimizer.lr=1,2)"], "draws each key by itself"),
        ],
    )
    def test_what_cannot_be_is_refused_before_anything_runs(self, words, message, refusal):
        assert message in refusal("train", "-m", *words)

    def test_without_multirun(self, refusal):
        for word in (self.WORD, "if(seed=0;optimizer.lr=1)", "sweep.stop_at_first_failure=true", "search.seed=1"):
            assert "add --multirun" in refusal("train", word)


class TestCondition:
    def test_keys_of_some_jobs(self, answer):
        words = (
            "optimizer=sgd,adam",
            "if(optimizer=adam;optimizer.lr=0.001,0.01)",
            "if(optimizer=sgd;seed=0,1)",
            *QUICK,
        )
        code, printed, _ = answer("train", "-m", *words)
        assert (
            code == 0 and "4 jobs: 4 completed" in printed and "optimizer=adam optimizer.lr=0.001  val/loss" in printed
        )
        assert jobs("optimizer.lr", "seed") == [(0.1, 0), (0.1, 1), (0.001, 0), (0.01, 0)]

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (
                ["optimizer=sgd,adam", "if(optimizer=momentum;optimizer.lr=1)"],
                "no job of this sweep has optimizer=momentum",
            ),
            (["if(optimizer=sgd;optimizer.lr=1)"], "no job of this sweep has optimizer=sgd"),
            (["seed=0,1", "if(seed=1;optimizer.lr=1)", "optimizer.lr=2"], "optimizer.lr is given twice"),
            (["seed=0,1", "if(seed=glob(*);optimizer.lr=1)"], "there is no such value of seed"),
            (["seed=0,1", "if(seed=1)"], "expected a condition and what it allows"),
            (["seed=0,1", "if(seed=interval(0,1);optimizer.lr=1)"], "needs search=optuna"),
            (["seed=0,1", "if(seed=1;optimizer.lrr=1)"], "optimizer.lrr: no such key"),
        ],
    )
    def test_what_cannot_be_is_refused_before_anything_runs(self, words, message, refusal):
        assert message in refusal("train", "-m", *words)


SETTINGS = """\
- {optimizer: adam, optimizer.lr: 0.01, notes: adam}
- optimizer: {lr: 0.5}
  notes: 'a, b=c; "d" ${seed}'
- [penalty=l2, penalty.strength=0.01, notes=L2]
"""


EXPECTED = [("Adam", 0.01, "adam"), ("SGD", 0.5, 'a, b=c; "d" {}'), ("SGD", 0.1, "L2")]


class TestSettings:
    def test_one_job_for_each_entry(self, answer):
        Path("s.yaml").write_text(SETTINGS)
        code, printed, _ = answer("train", "--settings", "s.yaml", "seed=0,1", *QUICK)
        assert code == 0 and "6 jobs: 6 completed" in printed
        assert "job 1   seed=1 optimizer=adam optimizer.lr=0.01 notes=adam  val/loss" in printed
        assert jobs("optimizer._target_", "optimizer.lr", "notes", "seed") == [
            (f"linnet.optimizers.{optimizer}", lr, notes.format(seed), seed)
            for optimizer, lr, notes in EXPECTED
            for seed in (0, 1)
        ]
        assert "6 of them finished before" in answer("train", "-m", "sweep.settings=s.yaml", "seed=0,1", *QUICK)[1]

    @pytest.mark.parametrize(
        ("text", "overrides"),
        [
            ("- {seed: 1, name: 'off', figures: true, threads: null}",
             ["seed=1", "name=off", "figures=true", "threads=null"]),
            ("- {a: 1e-3, b: 0.0, c: -2, d: [1, x y, true]}", ["a=0.001", "b=0.0", "c=-2", 'd=[1,"x y",true]']),
            ("- {a: '1', b: 'true', c: 'x,y', d: '', e: ' s ', f: 'k\"\\'}",
             ['a="1"', 'b="true"', 'c="x,y"', 'd=', 'e=" s "', 'f="k\\"\\\\"']),
        ],
    )  # fmt: skip
    def test_values_are_what_the_file_says(self, text, overrides):
        Path("s.yaml").write_text(text)
        assert read_settings(Path("s.yaml")) == [overrides]
        assert len(parse_overrides(overrides)) == len(overrides)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("seed: 1\n", "expected a list of settings"), ("[]\n", "expected a list of settings"),
            ("- 3\n", "entry 1: expected keys"),
            ("- {seed: 1}\n- {}\n", "entry 2: expected keys"), ("- [seed]\n", "entry 1: Error parsing"),
            ("- [\n", "not readable YAML"),
            ("- ['seed=1,2']\n", "one setting has one value"), ("- {hydra.sweep.dir: x}\n", "sets nothing of Hydra's"),
            ("- {hydra: {launcher: {x: 1}}}\n", "sets nothing of Hydra's"),
            ("- [hydra/launcher=joblib]\n", "nothing of Hydra's"),
            ("- [optimizer@hydra.launcher=sgd]\n", "nothing of Hydra's"), ("- {'a b': 1}\n", "not the name of a key"),
            ("- {notes: '${oc.env:HOME}'}\n", "of interpolations only"),
            ("- ['notes=${oc.env:HOME}']\n", "of interpolations only"),
            ("- [seed=1, seed=2]\n", "seed is given twice"), ('- {notes: "\\0"}\n', "could not be recorded"),
            ('- {notes: "\\uD800"}\n', "could not be recorded"),
            ("- !!python/object/apply:os.system ['touch executed']\n", "not readable YAML"),
            ("- {loss._target_: os.system}\n", "not on the list of callables"), ("- {seed: x}\n", "seed=x: expected"),
            ("- {optimizer.lr: 1}\n", "optimizer.lr is given twice"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_is_refused_before_anything_runs(self, text, message, refusal):
        Path("s.yaml").write_text(text)
        assert message in refusal("train", "--settings", "s.yaml", "optimizer.lr=0.3")
        assert not Path("executed").exists()

    def test_a_file_that_is_not_there(self, refusal):
        assert "absent.yaml: No such file" in refusal("train", "--settings", "absent.yaml")


class TestStop:
    WORDS = ("train", "-m", "data=synthetic_regression", "optimizer.lr=0.1,1e6,0.2", *QUICK)

    def test_no_job_begins_after_a_failure_and_the_command_goes_on(self, answer):
        stop = "sweep.stop_at_first_failure=true"
        code, printed, _ = answer(*self.WORDS, stop)
        assert code == 1 and "stopped at the first failure: job 1" in printed
        assert "3 jobs: 1 completed, 1 diverged, 1 not run" in printed and stop in printed.splitlines()[-1]
        assert not Path("sweep/2").exists()
        code, printed, _ = answer(*self.WORDS, stop)
        assert code == 1 and "3 jobs: 2 completed, 1 diverged; 2 of them from before" in printed

    def test_side_by_side_the_others_of_the_group_end(self, answer):
        words = ("sweep.stop_at_first_failure=true", "hydra/launcher=vectorized", "data.batch_size=16,32")
        code, printed, _ = answer(*self.WORDS, *words)
        assert code == 1 and "6 jobs: 2 completed, 3 not run, 1 diverged" in printed

    @pytest.mark.parametrize(
        ("word", "message"),
        [("=yes", "expected true or false"), ("=true hydra/launcher=joblib", "runs jobs side by side"),
         ("=true search=optuna", "learns from trials that fail"), ("_failure=true", "no such key, did you mean")],
    )  # fmt: skip
    def test_what_cannot_be_is_refused(self, word, message, refusal):
        assert message in refusal("train", "-m", *f"sweep.stop_at_first_failure{word}".split(), "seed=0,1")


def test_other_words_are_left_as_they_are():
    given = ["seed=0,1", "optimizer.lr=range(1,3)", "notes='zip(a;b)'", "+callbacks.mine._target_=a.B", "~x"]
    assert read_words(given).overrides == given
    assert read_words(["search.n_trials=3"]).overrides == ["hydra.sweeper.n_trials=3"]
    with pytest.raises(InputError, match="callbacks=early_stopping"):
        read_words(["search.pruner=median"])
