"""A workplace with parts of a user, who trusts them; nothing of that is left in the process afterwards."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hydra.core.config_store import ConfigStore
from own_parts import write_parts

from linnet.cli import main as cli
from linnet.config import own_parts
from linnet.config.trust import VARIABLE

QUICK = ("figures=false", "optimum=off", "trainer.max_epochs=2", "threads=1")


@pytest.fixture(autouse=True)
def parts(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    write_parts(workplace)
    monkeypatch.setenv(VARIABLE, "")
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(workplace)):
            del sys.modules[name]
    own_parts._declared.cache_clear()
    for options in filter(lambda node: isinstance(node, dict), ConfigStore.instance().repo.values()):
        for name in (
            [name for name in options if name.startswith(("my_parts", "torch.optim"))]
            if isinstance(options, dict)
            else []
        ):
            del options[name]


@pytest.fixture
def linnet(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, str]]:
    """A function of a command line that returns exit code, output and errors; trust is that of its --trust only."""

    def answer(*words: str) -> tuple[int, str, str]:
        monkeypatch.setitem(os.environ, VARIABLE, "")
        own_parts._declared.cache_clear()
        code = cli.run(list(words))
        return code, *capfd.readouterr()

    return answer


@pytest.fixture
def train(linnet: Callable[..., tuple[int, str, str]]) -> Callable[..., Path]:
    """A function of overrides that trains with the parts trusted, and returns the run directory."""

    def trained(*overrides: str, run: str = "run") -> Path:
        code, _, errors = linnet("train", "--trust", "./my_parts.py", *QUICK, f"hydra.run.dir={run}", *overrides)
        assert code == 0, errors
        return Path(run)

    return trained
