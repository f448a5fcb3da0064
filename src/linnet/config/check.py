"""The check of a composed configuration: nothing is instantiated, and no directory made, before it passes."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from linnet.config.check_hydra import check_hydra
from linnet.config.check_options import TARGETS, check_options, declared, remedy
from linnet.config.check_resampling import check_resampling
from linnet.config.direction import check_direction
from linnet.config.groups import shipped
from linnet.config.loggers import further
from linnet.config.run_options import Trainer, trainer_options
from linnet.system.errors import InputError


def check(config: DictConfig, hydra: Mapping[str, Any] | None = None, *, recorded: bool = False) -> dict[str, Any]:
    """Check a composed configuration and return it, resolved to plain containers.

    Args:
        config: as composed, with its `hydra` node.
        hydra: that node in plain containers, if it is known.
        recorded: whether it is that of an existing run, whose objective keeps the direction it was recorded with.

    Raises:
        InputError: for the first value that is of the wrong type, out of range, unknown, or does not fit another.
    """
    try:
        resolved = plain_job(config)
        hydra = hydra or plain_hydra(config)
    except OmegaConfBaseException as error:
        raise InputError(" ".join(str(error).split())) from error
    check_hydra(hydra)
    return check_resolved(resolved, OmegaConf.select(config, "hydra.runtime.choices") or {}, recorded=recorded)


def check_resolved(config: dict[str, Any], choices: Mapping[str, Any], *, recorded: bool = False) -> dict[str, Any]:
    """Check a configuration in plain containers, without its `hydra` node, and return it. Otherwise as `check`.

    Args:
        choices: config group -> chosen option.
    """
    check_options(config)
    _check_fit(config, choices)
    if not recorded:
        check_direction(config["objective"])
        _check_packages(config)
    return config


def refuse_chdir(config: DictConfig) -> None:
    """Raise InputError if a run would change to its own directory."""
    if config.hydra.job.chdir:
        raise InputError(
            "hydra.job.chdir=true: relative paths, as data.path=my.csv, begin where linnet was started; leave it out"
        )


def plain_job(config: DictConfig) -> dict[str, Any]:
    """Return everything but the `hydra` node, resolved to plain containers."""
    plain: dict[str, Any] = {}
    for key in map(str, config):
        if key != "hydra":
            value = config[key]
            is_node = OmegaConf.is_config(value)
            plain[key] = OmegaConf.to_container(value, resolve=True, throw_on_missing=True) if is_node else value
    return plain


def plain_hydra(config: DictConfig) -> dict[str, Any]:
    """Return the `hydra` node in plain containers, unresolved."""
    node: Any = OmegaConf.to_container(config.hydra, resolve=False)
    return node


def _check_packages(config: Mapping[str, Any]) -> None:
    """Check that the packages of the further loggers are installed; imports none."""
    for name, node in further(config).items():
        package = declared(node).package
        if package is not None and find_spec(package) is None:
            raise InputError(f"logger={name}: {package} is not installed: pip install {package}")


def _check_fit(config: dict[str, Any], options: Mapping[str, Any]) -> None:
    """Check that components that are right by themselves are right together."""
    _check_tasks(config, options)
    data, trainer = config["data"], config["trainer"]
    parts = {group: declared(config[group]) for group in ("data", "penalty", "optimizer", "schedule")}
    if data["val_fraction"] is None and parts["data"].validation != "made" and data.get("x_val") is None:
        raise InputError(
            f"data.val_fraction=null: data={options.get('data')} makes no validation examples itself, give a number"
        )
    if parts["penalty"].needs_proximal_step and not parts["optimizer"].has_proximal_step:
        raise InputError(
            f"penalty={options.get('penalty')} needs a proximal step, which optimizer={options.get('optimizer')} "
            f"does not have: use optimizer={_with_proximal_step()}"
        )
    schedule = config["schedule"]
    if parts["schedule"].ends_with_training and schedule["warmup_epochs"] >= trainer["max_epochs"]:
        raise InputError(
            f"schedule.warmup_epochs={schedule['warmup_epochs']}: schedule={options.get('schedule')} needs fewer of "
            f"them than trainer.max_epochs={trainer['max_epochs']}"
        )
    if config.get("init_from") and parts["optimizer"].exact:
        raise InputError("init_from: optimizer=exact begins with no weights, leave one of them out")
    _check_devices(config, exact=parts["optimizer"].exact)
    check_resampling(config, options)
    _check_trainer(trainer_options(trainer), exact=parts["optimizer"].exact)


def _check_trainer(trainer: Trainer, exact: bool) -> None:
    """Check that the options of the trainer fit each other and what is trained."""
    if exact:
        for key in ("max_steps", "max_time", "min_epochs", "limit_train_batches", "gradient_clip_val", "fast_dev_run"):
            if getattr(trainer, key):
                raise InputError(f"trainer.{key}: optimizer=exact solves and takes no steps, leave it out")
    if trainer.overfit_batches and trainer.limit_train_batches:
        raise InputError("trainer.overfit_batches and trainer.limit_train_batches both limit an epoch: give one")
    if trainer.max_time and trainer.devices > 1:
        raise InputError("trainer.max_time: the clocks of several processes differ, use trainer.max_steps")
    if trainer.check_val_every_n_epoch > trainer.max_epochs and not trainer.fast_dev_run:
        raise InputError(
            f"trainer.check_val_every_n_epoch={trainer.check_val_every_n_epoch}: more than "
            f"trainer.max_epochs={trainer.max_epochs}, so that no epoch would be validated"
        )


def _check_tasks(config: dict[str, Any], options: Mapping[str, Any]) -> None:
    """Check that data, model and loss are for the same task."""
    task = {group: declared(config[group]).task for group in ("data", "model", "loss")}
    if task["data"] is None:
        task["data"] = config["data"].get("task") or task["model"]
    for group in ("model", "loss"):
        if task[group] != task["data"]:
            raise InputError(
                f"{group}={options.get(group)} predicts {TARGETS[task[group]]}, but the targets of "
                f"data={options.get('data')} are {TARGETS[task['data']]}: use {remedy(task['data'])}, or other data"
            )


def _with_proximal_step() -> str:
    """Return the optimizers that suit an l1 penalty: "sgd, momentum or adam"."""
    names = [
        name
        for name, node in shipped()["optimizer"].items()
        if declared(node).has_proximal_step and not declared(node).exact
    ]
    return f"{', '.join(names[:-1])} or {names[-1]}"


def _check_devices(config: dict[str, Any], exact: bool) -> None:
    """Check what several processes can train, and how they are asked for."""
    trainer = config["trainer"]
    devices, batch_size = trainer["devices"], config["data"]["batch_size"]
    given = f"trainer.devices={devices}"
    if trainer["strategy"] == "auto":
        if devices > 1:
            raise InputError(f"{given}: one process trains on one device, for more use trainer=ddp {given}")
        return
    if trainer["accelerator"] == "auto":
        raise InputError("trainer.accelerator=auto: trainer=ddp needs to know which, cpu or gpu")
    if devices > batch_size:
        raise InputError(f"{given}: more processes than examples in a minibatch, data.batch_size={batch_size}")
    if exact:
        raise InputError("optimizer=exact solves in one process and trains in none: use trainer=default")
