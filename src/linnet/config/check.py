"""The check of a composed configuration: nothing is instantiated, and no directory made, before it passes."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from linnet.config.compose import unknown_key
from linnet.config.direction import check_direction
from linnet.config.groups import GROUPS, shipped
from linnet.config.rules import MAY_BE_MISSING, OWN_RULES, RULES
from linnet.config.tasks import CLASSIFICATION, EITHER
from linnet.system.errors import InputError

# Classes that Hydra itself may build. Any other callable named under `hydra` is refused.
HYDRA_TARGETS = frozenset(
    {
        "hydra._internal.core_plugins.basic_launcher.BasicLauncher",
        "hydra._internal.core_plugins.basic_sweeper.BasicSweeper",
        "hydra_plugins.hydra_joblib_launcher.joblib_launcher.JoblibLauncher",
        "hydra_plugins.hydra_ray_launcher.ray_launcher.RayLauncher",
        "hydra_plugins.hydra_submitit_launcher.submitit_launcher.LocalLauncher",
        "hydra_plugins.hydra_submitit_launcher.submitit_launcher.SlurmLauncher",
        "linnet.sweeps.search.search",
        "linnet.sweeps.vectorized.launch",
    }
)
LOG_HANDLERS = frozenset({"logging.StreamHandler", "logging.FileHandler"})
STREAMS = ("ext://sys.stdout", "ext://sys.stderr")
OUTPUT_DIR = ("${hydra:runtime.output_dir}/", "${hydra.runtime.output_dir}/")
# Others, such as GIT_EXTERNAL_DIFF or LD_PRELOAD, name programs and libraries that some process runs.
ENVIRONMENT = frozenset(
    {"OMP_NUM_THREADS", "MKL_NUM_THREADS", "OMP_WAIT_POLICY", "CUDA_VISIBLE_DEVICES", "LINNET_THREADS", "LINNET_DATA"}
)
HOOKS = ("worker_process_setup_hook", "py_executable")  # keys of Ray's runtime_env
# Interpolations whose result is text or a node that is checked itself; other resolvers can make nodes out of text.
PLAIN = re.compile(r"(\$\{(now|hydra|oc\.env):[^${}]*\}|\$\{[\w.]+\}|[^$]|\$(?!\{))*")
CALLBACKS = ("checkpoint", "early_stopping")


def check(config: DictConfig, hydra: Mapping[str, Any] | None = None, *, recorded: bool = False) -> dict[str, Any]:
    """The job's configuration, resolved to plain containers, once every check has passed.

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
    _check_hydra(hydra)
    check_job(resolved)
    _check_fit(resolved, config.hydra.runtime.choices)
    if not recorded:
        check_direction(resolved["objective"])
    return resolved


def refuse_chdir(config: DictConfig) -> None:
    """Raise InputError if a run that is about to begin would change to its own directory."""
    if config.hydra.job.chdir:
        raise InputError(
            "hydra.job.chdir=true: relative paths, as data.path=my.csv, begin where linnet was started; leave it out"
        )


def plain_job(config: DictConfig) -> dict[str, Any]:
    """Everything but the `hydra` node, resolved to plain containers."""
    plain: dict[str, Any] = {}
    for key in map(str, config):
        if key != "hydra":
            value = config[key]
            is_node = OmegaConf.is_config(value)
            plain[key] = OmegaConf.to_container(value, resolve=True, throw_on_missing=True) if is_node else value
    return plain


def plain_hydra(config: DictConfig) -> dict[str, Any]:
    """The `hydra` node in plain containers, unresolved."""
    node: Any = OmegaConf.to_container(config.hydra, resolve=False)
    return node


def check_job(resolved: dict[str, Any]) -> None:
    """The part of `check` that needs no Hydra: what may be built, and from which values. Raises InputError."""
    _check_components(resolved)
    _check_values(resolved)


def _walk(node: Any, path: str = "") -> Iterator[tuple[str, str, Any]]:
    """(dotted path, last key, value) of every entry of nested dicts and lists."""
    entries = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in entries:
        here = f"{path}.{key}" if path else str(key)
        yield here, str(key), value
        yield from _walk(value, here)


def _check_hydra(hydra: Any) -> None:
    if hydra["output_subdir"] != ".hydra":
        raise InputError(
            f"hydra.output_subdir={hydra['output_subdir']}: expected .hydra, where a run's configuration is"
        )
    if hydra["mode"] not in (None, "RUN", RunMode.RUN):
        raise InputError("hydra.mode: a sweep is asked for by `linnet train --multirun`")
    for path, key, value in _walk(hydra, "hydra"):
        logging = path.startswith(("hydra.job_logging", "hydra.hydra_logging"))
        if key == "_target_" and value not in HYDRA_TARGETS:
            raise InputError(f"{path}={value}: not on the list of callables that linnet runs")
        if logging and key == ".":
            raise InputError(f"{path}={value}: not allowed here, it would set attributes of a log handler")
        if logging and (key == "()" or (key == "class" and value not in LOG_HANDLERS)):
            raise InputError(f"{path}={value}: not on the list of log handlers that linnet runs")
        if isinstance(value, str) and value.startswith("${") and not PLAIN.fullmatch(value):
            raise InputError(f"{path}={value}: an interpolation that could build objects is not allowed here")
        if path.startswith("hydra.job.env_set.") and key not in ENVIRONMENT:
            raise InputError(f"{path}={value}: not allowed here, only {', '.join(sorted(ENVIRONMENT))} are")
        if key in HOOKS:
            raise InputError(f"{path}={value}: not allowed here, it names code to run")
        if logging and key == "filename" and not _is_in_run_directory(value):
            raise InputError(f"{path}={value}: not allowed here, only {OUTPUT_DIR[0]}NAME.log is")
        if logging and isinstance(value, str):
            if "${" in value and key != "filename":
                raise InputError(f"{path}={value}: only a filename in the run directory may be an interpolation here")
            if value.startswith(("ext://", "cfg://")) and value not in STREAMS:
                raise InputError(f"{path}={value}: only {' and '.join(STREAMS)} may be named here")


def _is_in_run_directory(filename: Any) -> bool:
    """Whether a log goes to a file of its own in the run directory, and to none of the files that linnet reads."""
    return any(
        isinstance(filename, str) and re.fullmatch(re.escape(start) + r"[\w-]+\.log", filename) for start in OUTPUT_DIR
    )


def _components(config: dict[str, Any]) -> dict[str, tuple[Any, list[dict[str, Any]]]]:
    """Path of each place that may hold a `_target_` -> what stands there, and the shipped nodes it may repeat."""
    places = {group: (config.get(group), list(shipped()[group].values())) for group in GROUPS if group != "callbacks"}
    callbacks = shipped()["callbacks"].values()
    for name in CALLBACKS:
        node = (config.get("callbacks") or {}).get(name)
        if node is not None or name == "checkpoint":
            places[f"callbacks.{name}"] = (node, [option[name] for option in callbacks if option.get(name)])
    return places


def _check_components(config: dict[str, Any]) -> None:
    """Every `_target_` stands where linnet looks for one, is one that linnet ships there, and has its keys."""
    places = _components(config)
    for path, (node, shipped_nodes) in places.items():
        if not isinstance(node, dict) or "_target_" not in node:
            raise InputError(f"{path}={node}: expected one of the options of {path.split('.')[0]}")
        twins = [twin for twin in shipped_nodes if twin["_target_"] == node["_target_"]]
        if not twins:
            raise InputError(f"{path}._target_={node['_target_']}: not on the list of callables that linnet runs")
        known = {key for twin in twins for key in twin}
        for key in node:
            if key not in known:
                raise InputError(unknown_key(f"{path}.{key}", [f"{path}.{name}" for name in known]))
        for key in known:
            if key not in node and f"{path}.{key}" not in MAY_BE_MISSING:
                raise InputError(f"{path}.{key} is missing: do not delete it, set it")
    for path, key, value in _walk(config):
        if key.startswith("_") and path.removesuffix("._target_") not in places:
            raise InputError(f"{path}={value}: a key that builds objects is not allowed here")


def _check_values(config: dict[str, Any]) -> None:
    entries = list(_walk(config))
    given = {path for path, _, _ in entries}
    rules = {**RULES, **OWN_RULES.get(config["data"]["_target_"], {})}
    for path in RULES:
        if path.partition(".")[0] not in GROUPS and path not in given and path not in MAY_BE_MISSING:
            raise InputError(f"{path} is missing: expected {RULES[path].words}")
    for path, key, value in entries:
        if path in rules:
            if not rules[path].accepts(value):
                raise InputError(f"{path}={value}: expected {rules[path].words}, got {_kind(value)}")
        elif key != "_target_" and not isinstance(value, dict) and path.rpartition(".")[0] not in RULES:
            raise InputError(unknown_key(path, list(RULES)))


def _check_fit(config: dict[str, Any], options: Mapping[str, Any]) -> None:
    """Components that are right by themselves but not together."""
    task = {group: config[group]["_target_"] in CLASSIFICATION for group in ("data", "model", "loss")}
    if config["data"]["_target_"] in EITHER:
        given = config["data"].get("task")
        task["data"] = task["model"] if given is None else given == "classification"
    words = {group: f"{group}={options.get(group)}" for group in task}
    remedy = {True: "model=softmax_regression loss=cross_entropy", False: "model=linear_regression loss=squared_error"}
    nature = {True: "classes", False: "numbers"}
    for group in ("model", "loss"):
        if task[group] != task["data"]:
            raise InputError(
                f"{words[group]} predicts {nature[task[group]]}, but the targets of {words['data']} are "
                f"{nature[task['data']]}: use {remedy[task['data']]}, or other data"
            )
    data = config["data"]
    if data["val_fraction"] is None and "n_val" not in data and data.get("x_val") is None:
        raise InputError(f"data.val_fraction=null: {words['data']} makes no validation examples itself, give a number")
    optimizer, penalty = config["optimizer"], config["penalty"]
    if ".Torch" in optimizer["_target_"] and penalty["_target_"] in (
        "linnet.penalties.L1",
        "linnet.penalties.ElasticNet",
    ):
        raise InputError(
            f"penalty={options.get('penalty')} needs a proximal step, which optimizer={options.get('optimizer')} "
            f"does not have: use optimizer=sgd, momentum, adagrad, rmsprop, adam or adamw"
        )
    schedule, max_epochs = config["schedule"], config["trainer"]["max_epochs"]
    if schedule["_target_"] == "linnet.schedules.Cosine" and schedule["warmup_epochs"] >= max_epochs:
        raise InputError(
            f"schedule.warmup_epochs={schedule['warmup_epochs']}: schedule=cosine needs fewer of them than "
            f"trainer.max_epochs={max_epochs}"
        )
    if config.get("init_from") and optimizer["_target_"] == "linnet.optimizers.Exact":
        raise InputError("init_from: optimizer=exact begins with no weights, leave one of them out")
    if optimizer.get("nesterov") and not optimizer["momentum"]:
        raise InputError("optimizer.nesterov=true needs optimizer.momentum above 0, for example 0.9")
    _check_devices(config)


def _check_devices(config: dict[str, Any]) -> None:
    """What several processes can train, and how they are asked for."""
    trainer = config["trainer"]
    devices, batch_size = trainer["devices"], config["data"]["batch_size"]
    given = f"trainer.devices={devices}"
    if trainer["strategy"] == "auto":
        if devices > 1:
            raise InputError(f"{given}: one process trains on one device, for more use trainer=ddp {given}")
        return
    if trainer["accelerator"] == "auto":
        raise InputError("trainer.accelerator=auto: trainer=ddp has to be told which, cpu or gpu")
    if devices > batch_size:
        raise InputError(f"{given}: more processes than examples in a minibatch, data.batch_size={batch_size}")
    if config["optimizer"]["_target_"] == "linnet.optimizers.Exact":
        raise InputError("optimizer=exact solves in one process and trains in none: use trainer=default")


def _kind(value: Any) -> str:
    return f"the text '{value}'" if isinstance(value, str) else "null" if value is None else f"{value}"
