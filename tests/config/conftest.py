"""Tests of composition itself, for which Hydra composes each configuration."""

from collections.abc import Iterator

import hydra
import pytest


@pytest.fixture
def composed_by_hydra() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("linnet.config.compose.compose_once", hydra.compose)
        yield
