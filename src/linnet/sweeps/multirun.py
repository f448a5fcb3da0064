"""`linnet train --multirun`: one job for each combination of the swept values, by Hydra's sweeper and launcher."""

from collections.abc import Sequence

from hydra.core.global_hydra import GlobalHydra

from linnet.config import session
from linnet.run import multirun_job


def multirun(overrides: Sequence[str]) -> None:
    """Run a sweep.

    Figures of single jobs are off unless the overrides ask for them: drawing costs more than training a small model.
    """
    quiet = [] if any(text.lstrip("+").startswith("figures=") for text in overrides) else ["figures=false"]
    with session():
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        hydra.multirun("train", multirun_job, [*overrides, *quiet])
