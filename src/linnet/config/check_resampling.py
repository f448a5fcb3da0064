"""The check of what resampling can be combined with."""

from collections.abc import Mapping
from typing import Any

from linnet.config.check_options import declared
from linnet.config.own_parts import is_own
from linnet.system.errors import InputError

NO_RESAMPLING = {"_target_": "linnet.data.resampling.NoResampling"}


def is_resampled(config: Mapping[str, Any]) -> bool:
    """Return whether a run trains on resamples of its training examples, beside all of them."""
    return bool(config.get("resampling", NO_RESAMPLING) != NO_RESAMPLING)


def check_resampling(config: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    """Check that resampling fits data, loss, optimizer and trainer.

    Args:
        config: with checked options.
        options: config group -> chosen option.

    Raises:
        InputError: naming what does not fit, and the remedy.
    """
    data, given = config["data"], f"resampling={options.get('resampling')}"
    resampled = is_resampled(config)
    _check_outer(data, options)
    part = declared(config.get("resampling", NO_RESAMPLING))
    if data.get("fold") is not None and part.column != "fold":
        raise InputError(f"data.fold={data['fold']}: {given} makes no use of it, use resampling=given_folds")
    metric = config["objective"]["metric"]
    if not resampled:
        if metric.startswith("cv/"):
            raise InputError(f"objective.metric={metric}: {given} makes no resamples, use resampling=kfold")
        return
    if part.column is not None and data.get(part.column) is None:
        remedy = f"give data.{part.column}=NAME" if part.column in data else "use data=table, which has it"
        raise InputError(f"{given} needs the column data.{part.column} of a table: {remedy}")
    if data.get("group") is not None and not part.keeps_groups:
        raise InputError(
            f"{given}: rows of one group would be on both sides of a fold, data.group={data['group']}: use "
            f"resampling=group_kfold"
        )
    optimizer, loss = declared(config["optimizer"]), config["loss"]["_target_"]
    if not optimizer.exact and not optimizer.trains_many:
        raise InputError(
            f"{given}: the optimizers of torch train one model at a time: use optimizer=sgd, momentum, adam or exact"
        )
    if is_own(loss) and not getattr(declared(config["loss"]), "trains_many", False):
        raise InputError(f"{given}: {loss} does not say trains_many = True, that its value may be mapped over models")
    if config["trainer"]["strategy"] == "ddp":
        raise InputError(f"{given}: trainer=ddp divides one model among processes: use trainer=default")


def _check_outer(data: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    """Check that an outer fold is one of several, and may be drawn at random."""
    n_folds, fold = data.get("outer_folds"), data.get("outer_fold")
    if n_folds is None and fold is None:
        return
    if n_folds is None or fold is None or fold >= n_folds:
        raise InputError(
            f"data.outer_fold={fold}: expected a whole number below data.outer_folds={n_folds}; linnet train --nested "
            f"sets both"
        )
    if options.get("resampling") in ("time_series", "given_folds"):
        raise InputError(
            f"data.outer_folds={n_folds}: outer folds are drawn at random, and resampling={options['resampling']} "
            f"keeps an order or folds of its own: use resampling=kfold or group_kfold"
        )
