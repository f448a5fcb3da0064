"""Here Hydra composes each configuration itself."""

from collections.abc import Iterator
from importlib import import_module

import hydra
import pytest
from kept_compositions import KeptCompositions

from linnet.config.groups import register_experiments


@pytest.fixture(autouse=True)
def _composed_by_hydra() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        if isinstance(hydra.compose, KeptCompositions):
            patch.setattr(hydra, "compose", hydra.compose.compose)
        patch.setattr(import_module("linnet.config.compose"), "register_experiments", register_experiments)
        yield
