"""The registry of a sweep's jobs: one owner, numbers that last, damage that is refused."""

from pathlib import Path

import pytest

from linnet.cli import main as cli
from linnet.sweeps.job_registry import JobRegistry
from linnet.system.errors import InputError

QUICK = ["trainer.max_epochs=1", "optimizer.lr=0.1,0.2", "seed=0,1"]


def sweep(folder: Path, *overrides: str) -> int:
    return cli.run(["train", "-m", f"hydra.sweep.dir={folder}", *overrides])


class TestLedger:
    def test_a_second_process_on_the_same_sweep_is_refused(self, tmp_path: Path) -> None:
        with JobRegistry(tmp_path), pytest.raises(InputError, match="is running this sweep"), JobRegistry(tmp_path):
            pass

    def test_a_directory_of_another_run_is_not_used(self, tmp_path: Path) -> None:
        (tmp_path / "3").mkdir()
        with JobRegistry(tmp_path) as registry:
            assert [job.number for job in registry.enter([("a", ["x=1"]), ("b", ["x=2"]), ("a", ["x=1"])])] == [4, 5]

    def test_numbers_survive(self, tmp_path: Path) -> None:
        with JobRegistry(tmp_path) as registry:
            registry.enter([("a", ["x=1"]), ("b", ["x=2"])])
        with JobRegistry(tmp_path) as registry:
            assert {job.identity: job.number for job in registry.enter([("c", []), ("b", []), ("a", [])])} == {
                "a": 0, "b": 1, "c": 2,
            }  # fmt: skip

    def test_a_damaged_ledger_is_refused_and_left_as_it_is(self, tmp_path: Path) -> None:
        (tmp_path / "ledger.json").write_text('{"jobs": [')
        with pytest.raises(InputError, match="damaged"), JobRegistry(tmp_path):
            pass
        assert (tmp_path / "ledger.json").read_text() == '{"jobs": ['
