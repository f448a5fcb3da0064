"""status.json and manifest.json hold what is declared of them; a damaged one is refused with the key and the type."""

import json
from typing import get_type_hints

import pytest

import linnet
from linnet.system.reading import Unreadable, read_json
from linnet.tracking.records import Manifest, Status, read_record

WRONG = {"state": "finished", "seconds": "5", "epoch": 1.5, "pid": True, "started": 3}
WRONG_MANIFEST = {
    "format": "2", "config": [], "choices": None, "threads": 2.5, "git": "dirty", "files_sha256": {"metrics.json": 3},
    "config_sha256": 10**30, "seed": None, "continued": {},
}  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return linnet.train(
        ["trainer.max_epochs=1", "figures=false", f"hydra.run.dir={tmp_path_factory.mktemp('runs') / 'run'}"]
    ).directory


@pytest.mark.parametrize(("name", "kind"), [("status.json", Status), ("manifest.json", Manifest)])
def test_what_a_run_writes_is_declared(run, name, kind):
    found = read_record(run / name, kind)
    assert found == read_json(run / name)
    absent = get_type_hints(kind).keys() - found.keys()
    assert absent <= {"kept_epoch", "continued", "own_parts", "diverged_resamples"}  # which not every run has


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [*((Status, *item) for item in WRONG.items()), *((Manifest, *item) for item in WRONG_MANIFEST.items())],
)
def test_a_key_of_another_type_is_named(tmp_path, kind, key, value):
    (tmp_path / "f.json").write_text(json.dumps({key: value}))
    with pytest.raises(Unreadable, match=rf"f.json: {key} is .+, expected .+; restore it$"):
        read_record(tmp_path / "f.json", kind)


@pytest.mark.parametrize("text", ["[]", "5", "{", "null", '{"seed": NaN}', '{"seed": 1' + "0" * 50 + "}"])
def test_other_content_is_damaged(tmp_path, text):
    (tmp_path / "f.json").write_text(text)
    with pytest.raises(Unreadable, match=r"f.json is damaged: .+; restore it$"):
        read_record(tmp_path / "f.json", Manifest)
