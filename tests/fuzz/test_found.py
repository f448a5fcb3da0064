"""What damaged files did to sweeps and comparisons when `fuzz.py` came upon it first."""

import json
from pathlib import Path

import pytest
from damaged import SWEEP, refusal

from linnet.cli import main as cli
from linnet.system.errors import InputError
from linnet.system.reading import read_json
from linnet.tracking.history import read_history


class TestSweep:
    @pytest.mark.parametrize("text", ["{", '{"val/loss": 0.0}', "[" * 1000 + "]" * 1000])
    def test_metrics_that_a_job_did_not_write_are_named_and_not_the_best(self, files, text, capsys):
        assert cli.run(SWEEP) == 0
        best = "best by val/loss: job 1"
        assert best in capsys.readouterr().out
        (files / "sweep/1/metrics.json").write_text(text)
        assert cli.run(SWEEP) == 0
        printed = " ".join(capsys.readouterr().out.split())
        assert "job 1 optimizer.lr=0.1: changed: metrics.json or manifest.json is not what the job wrote" in printed
        assert "best by val/loss: job 0" in printed

    def test_a_manifest_without_the_hash_does_not_make_other_metrics_the_best(self, files, capsys):
        (files / "sweep/1/metrics.json").write_text('{"val/loss": 0.0}')
        manifest = read_json(files / "sweep/1/manifest.json")
        (files / "sweep/1/manifest.json").write_text(json.dumps(manifest | {"files_sha256": {}}))
        assert cli.run(SWEEP) == 0
        assert "best by val/loss: job 0" in capsys.readouterr().out
        assert cli.run(["compare", "sweep", "--no-figures"]) == 0
        assert "changed" in capsys.readouterr().out

    @pytest.mark.parametrize("change", ["swapped", "gone"])
    def test_a_job_without_its_manifest_is_not_the_best(self, files, change, capsys):
        job = files / "sweep/1"
        if change == "swapped":
            (job / "manifest.json").rename(job / "other")
            (job / "metrics.json").rename(job / "manifest.json")
            (job / "other").rename(job / "metrics.json")
        else:
            (job / "manifest.json").unlink()
        assert cli.run(SWEEP) == 0
        assert "best by val/loss: job 0" in capsys.readouterr().out

    @pytest.mark.parametrize("text", ["[" * 1000 + "]" * 1000, '{"state": []}', "1" * 5000])
    def test_a_job_whose_status_is_damaged_is_run_again(self, files, text, capsys):
        (files / "sweep/0/status.json").write_text(text)
        assert cli.run(SWEEP) == 0
        assert "job 0" in capsys.readouterr().out
        assert read_json(files / "sweep/0/status.json")["state"] == "completed"

    def test_overrides_that_were_taken_out_of_the_registry_are_noticed(self, files, capsys):
        ledger = read_json(files / "sweep/ledger.json")
        ledger["jobs"][1]["overrides"].pop()
        (files / "sweep/ledger.json").write_text(json.dumps(ledger))
        assert "sweep/ledger.json is damaged" in refusal(capsys, *SWEEP)

    def test_a_registry_of_an_earlier_version_has_no_checksum(self, files, capsys):
        ledger = read_json(files / "sweep/ledger.json")
        (files / "sweep/ledger.json").write_text(json.dumps({"jobs": ledger["jobs"]}))
        assert cli.run(SWEEP) == 0
        assert "2 of them finished before" in capsys.readouterr().out

    @pytest.mark.parametrize("change", [{"number": "x"}, {"number": -1}, {"identity": 3}, {"overrides": [3]}, {"a": 1}])
    def test_an_entry_of_the_registry_that_is_none_is_refused(self, files, change, capsys):
        ledger = read_json(files / "sweep/ledger.json")
        ledger["jobs"][0] |= change
        (files / "sweep/ledger.json").write_text(json.dumps(ledger))
        assert "sweep/ledger.json is damaged" in refusal(capsys, *SWEEP)


class TestHistory:
    def test_that_is_damaged_leaves_its_curve_out_of_a_comparison(self, files, capsys):
        path = files / "sweep/0/history.csv"
        path.write_text(path.read_text().replace("\n", ",1\n"))
        assert cli.run(["compare", "sweep"]) == 0
        assert (files / "sweep/comparison/figures.json").is_file()

    @pytest.mark.parametrize("accept", [[], ["--accept-changed"]])
    def test_that_was_changed_is_not_drawn(self, files, accept, capsys):
        (files / "run/history.csv").write_text("metric,step,value\nval/loss,x,1\n")
        assert "run/history.csv" in refusal(capsys, "compare", "run", "--figures", *accept)

    def test_that_is_no_curve_is_unreadable_in_one_line(self, tmp_path):
        (tmp_path / "history.csv").write_text("metric,step,value\nval/loss,1,1,1\nval/loss,x\n")
        with pytest.raises(InputError, match="is damaged"):
            read_history(tmp_path / "history.csv")


def test_an_override_of_no_key_is_no_setting_to_compare_by(files, capsys):
    assert cli.run(["compare", "sweep", "--no-figures"]) == 0
    table = capsys.readouterr().out
    path = files / "sweep/0/.hydra/overrides.yaml"
    path.write_text(path.read_text().replace("data.n_train", "data.n_vrain"))
    assert cli.run(["compare", "sweep", "--no-figures"]) == 0
    assert capsys.readouterr().out == table


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: (path.unlink(), path.symlink_to("status.json"))])
def test_a_run_without_its_status_is_no_sweep_to_write_into(files, damage):
    damage(files / "run/status.json")
    cli.run(["compare", "run"])
    assert not (files / "run/summary.csv").exists()
