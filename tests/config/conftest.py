"""Tests of composition itself, for which Hydra composes each configuration."""

from collections.abc import Iterator

import pytest


@pytest.fixture
def composed_by_hydra() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for module in ("config.resolved", "training.train"):
            patch.setattr(f"linnet.{module}.resolve", lambda overrides: None)
        yield
