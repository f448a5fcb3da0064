"""The book: a page per experiment, an index in the order of the sections that they name, and the API reference."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from browser import give_up
from pages import SCRIPT, check

from linnet.config.groups import experiments
from linnet.reproduction.book import BESIDE, write_book
from linnet.system.errors import InputError

SUPPORT = Path(__file__).parents[1] / "support"


def add(folder: Path, name: str, book: object) -> Path:
    place = folder / "experiments" / name
    place.mkdir(parents=True)
    (place / "experiment.yaml").write_text(json.dumps({"about": {"book": book}, "seed": 0}))
    (place / "README.md").write_text(
        f"# The title of {name}\n\n**Question.** What of {name}? {SCRIPT}\n\n[b](../b/README.md)\n"
    )
    metrics = {"val/loss": {"tolerance": 0.1, "values": [1.5]}}
    arm = {"overrides": [], "state": "completed", "metrics": metrics}
    (place / "results.json").write_text(json.dumps({"seeds": [0], "environment": {"threads": 2}, "arms": [arm]}))
    return place


@pytest.fixture
def only_mine(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current directory whose experiments are the only ones."""
    monkeypatch.setattr("linnet.config.groups.files", lambda package: workplace / "none")
    return workplace


def test_experiments_are_in_the_order_of_the_book(only_mine: Path) -> None:
    sections = {
        "a": ["4.1 Softmax Regression"],
        "b": ["3.10 Later", "3.2 Two"],
        "c": [],
        "d": "3.2 Two",
        "e": [3, None, SCRIPT],
    }
    for name, book in sections.items():
        add(only_mine, name, book)
    (only_mine / "experiments" / "README.md").write_text(
        "# All\n\n| exercise | shown by |\n|---|---|\n| 1 | [b](b/README.md) |\n"
    )
    written = write_book(only_mine / "book")
    names = [path.name for path in written]
    assert names == ["index.html", "b.html", "d.html", "a.html", "c.html", "e.html"]
    index = check((only_mine / "book" / "index.html").read_text(encoding="utf-8"))
    assert index.texts("h2") == ["3.2 Two", "3.10 Later", "4.1 Softmax Regression", SCRIPT, BESIDE]
    links = [attrs["href"] for name, attrs, _ in index.elements if name == "a" and not attrs["href"].startswith("#")]
    assert links == ["coverage.html", "b.html", "d.html", "b.html", "a.html", "e.html", "c.html"]
    assert {f"What of a? {SCRIPT}"} <= {*index.texts("dd")}
    page = check((only_mine / "book" / "d.html").read_text(encoding="utf-8"))
    assert [attrs["href"] for name, attrs, _ in page.elements if name == "a"][:3] == ["index.html", "b.html", "a.html"]
    assert page.texts("a")[:3] == ["contents", "← b", "a →"]
    coverage = check((only_mine / "book" / "coverage.html").read_text(encoding="utf-8"))
    assert "b.html" in [attrs.get("href") for _, attrs, _ in coverage.elements]


def test_an_experiment_without_results_says_so(only_mine: Path) -> None:
    (add(only_mine, "a", []) / "results.json").unlink()
    page = check(write_book(only_mine / "book")[1].read_text(encoding="utf-8"))
    assert "No results are recorded: it has no results.json." in page.texts("p")
    assert page.texts("code")[-1] == "linnet train experiment=a"


def test_scripts_with_a_readme_have_a_page(only_mine: Path) -> None:
    add(only_mine, "a", ["3.1 One"])
    folder = only_mine / "experiments" / "script"
    folder.mkdir()
    book = "**Book.** [4.1 Softmax\nRegression](https://d2l.ai/x), [3.1 One](https://d2l.ai/y)."
    (folder / "README.md").write_text(f"# A script\n\n{book}\n\n**Question.** Why?\n\n[a](../a/README.md)\n")
    (folder / "script.py").write_text(f"print({SCRIPT!r})\n")
    (only_mine / "experiments" / "gallery").mkdir()  # without a README
    names = [path.name for path in write_book(only_mine / "book")]
    assert names == ["index.html", "a.html", "script.html"]
    page = check((only_mine / "book" / "script.html").read_text(encoding="utf-8"))
    assert page.texts("h1") == ["A script"] and f"print({SCRIPT!r})" in page.texts("code")
    assert "Dive into Deep Learning 4.1 Softmax Regression" in page.texts("p")
    assert "a.html" in [attrs.get("href") for _, attrs, _ in page.elements]


def test_a_mistake_names_the_experiment(only_mine: Path) -> None:
    (add(only_mine, "a", []) / "results.json").write_text("{}")
    with pytest.raises(InputError, match=r"a: .*results\.json: the file has no seeds"):
        write_book(only_mine / "book")


def test_all_shipped_experiments_have_pages(workplace: Path) -> None:
    written = write_book(workplace / "book")
    assert {path.stem for path in written} >= {"index", *experiments()}
    for path in sorted((workplace / "book").iterdir()):
        page = check(path.read_text(encoding="utf-8"))
        addresses = [
            attrs["href"] for name, attrs, _ in page.elements if name == "a" and attrs["href"].endswith(".html")
        ]
        local = [address for address in addresses if "://" not in address]
        assert all((workplace / "book" / address).is_file() for address in local), path.name
        assert path.stat().st_size < 1_000_000


def test_the_api_reference_fetches_nothing(tmp_path: Path) -> None:
    if find_spec("pdoc") is None:
        give_up("pdoc is not installed: make install-dev")
    code = (
        "import sys; from pathlib import Path; import api_reference as api; api.write(Path(sys.argv[1]), sys.argv[2:])"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "api"), "linnet", "linnet.losses.huber"]
    done = subprocess.run(command, cwd=SUPPORT, capture_output=True, text=True)
    assert done.returncode == 0 and "Warn" not in done.stderr, done.stderr
    page = (tmp_path / "api" / "linnet.html").read_text(encoding="utf-8")
    assert all(f'id="{name}"' in page for name in ("train", "Run.metrics", "LinearRegression", "InputError"))
    for path in (tmp_path / "api").rglob("*.html"):
        content = path.read_text(encoding="utf-8")
        assert not any(f'{word}="http' in content for word in ("src", "action")), path
        assert "<link" not in content.replace('<link rel="icon" href="data:', ""), path
