"""Tests of composition itself, for which Hydra composes each configuration."""

from collections.abc import Iterator

import hydra
import pytest
from kept_compositions import KeptCompositions

from linnet.config.groups import register_experiments


@pytest.fixture
def composed_by_hydra() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        if isinstance(hydra.compose, KeptCompositions):
            patch.setattr(hydra, "compose", hydra.compose.compose)
        patch.setattr("linnet.config.compose.register_experiments", register_experiments)
        yield
