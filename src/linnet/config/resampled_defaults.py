"""What a run with resamples has by default: it is judged by what they leave out, and needs no validation examples."""

from collections.abc import Mapping, Sequence
from typing import Any

from linnet.config.groups import EXPERIMENT, base_of, experiments, read_experiment, shipped

OBJECTIVE = "cv/loss"


def resampled_defaults(
    overrides: Sequence[str], chosen: Mapping[str, str], data: Mapping[str, Any] | None
) -> list[str]:
    """Return the overrides that follow from resampling, where neither overrides nor the experiment set these keys.

    The objective is `cv/loss`, and no training examples are held out for validation: `data.val_fraction=0`.

    Args:
        overrides: of the command line.
        chosen: config group -> option.
        data: the resolved `data` node; None: it is not known yet.
    """
    if chosen.get("resampling", "none") == "none":
        return []
    given = {text.lstrip("+").partition("=")[0] for text in overrides}
    folder = experiments().get(chosen.get(EXPERIMENT) or "")
    experiment = {} if folder is None else read_experiment(folder)
    found = []
    if "objective.metric" not in given and "metric" not in (experiment.get("objective") or {}):
        found.append(f"objective.metric={OBJECTIVE}")
    if data is not None and "data.val_fraction" not in given and "val_fraction" not in (experiment.get("data") or {}):
        default = {**base_of("data"), **shipped()["data"].get(chosen["data"], {})}["val_fraction"]
        if data.get("val_fraction") == default and default:
            found.append("data.val_fraction=0")
    return found
