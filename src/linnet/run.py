"""The life of one run: compose, check, data, model, fit, choose, test, record."""

import logging
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import pytorch_lightning as pl
import torch
from hydra._internal.callbacks import Callbacks
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import run_job
from hydra.types import HydraContext
from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from safetensors.torch import save

from linnet.build import build_data, build_model, make
from linnet.config import check, check_job, compose, session
from linnet.data import Data
from linnet.errors import Diverged, InputError
from linnet.evaluate import evaluate_parts
from linnet.files import write_atomic, write_json
from linnet.fit import fit, make_trainer
from linnet.models import LinearNetwork
from linnet.tracking import Checkpoint, Curve, RunLogger, read_history
from linnet.tracking.directory import RunDirectory, refuse_claimed
from linnet.tracking.manifest import manifest, weights_hash
from linnet.tracking.progress import ProgressReport
from linnet.tracking.report import print_result, result_figures

log = logging.getLogger(__name__)

THREADS = torch.get_num_threads()
"""What torch found when the process began; a run before this one may have asked for another number."""


@dataclass(frozen=True)
class Run:
    """A finished run.

    directory: the run directory.
    metrics: what metrics.json holds: "test/accuracy", "val/loss", …
    model: the LightningModule with its final weights.
    data: the prepared examples it was trained on.
    """

    directory: Path
    metrics: dict[str, float]
    model: LinearNetwork
    data: Data

    @cached_property
    def history(self) -> dict[str, Curve]:
        """Every logged point: `plt.plot(*run.history["train/loss"])`."""
        return read_history(self.directory / "history.csv")


def train(overrides: Sequence[str] = ()) -> Run:
    """Train one run; see `linnet.train`."""
    with session():
        config = compose(overrides)
        check(config)
        directory = Path(config.hydra.run.dir).absolute()
        refuse_claimed(directory)
        absent = [path for path in (directory, *directory.parents) if not path.exists()]
        present = set(directory.iterdir()) if not absent else set()

        def task(job: DictConfig) -> "Run | Exception":
            try:
                return execute(job)
            except Exception as error:  # returned, because Hydra would print it in its own way
                return error

        context = HydraContext(config_loader=GlobalHydra.instance().config_loader(), callbacks=Callbacks())
        outcome = run_job(task, config, "hydra.run.dir", None, context).return_value
    if isinstance(outcome, InputError):
        _remove(directory, present, absent)
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def _remove(directory: Path, present: set[Path], made: Sequence[Path]) -> None:
    """Take back what was made for a run that never ran, so that nothing looks as if it had.

    Args:
        directory: of the run.
        present: what lay in it before.
        made: it and its parents, innermost first, as far as they were not there before.
    """
    for path in set(directory.iterdir()) - present:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    for folder in made:
        if any(folder.iterdir()):
            break
        folder.rmdir()


def execute(job: DictConfig, *, quiet: bool = False) -> Run:
    """Run a job inside its Hydra output directory, and leave a true status behind however it ends.

    Args:
        job: the job's configuration; Hydra's own, which has passed `check`, is looked up.
        quiet: print nothing, as in a sweep, where each job gets one line.
    """
    hydra = HydraConfig.get()
    config = cast(dict[str, Any], OmegaConf.to_container(job, resolve=True))
    check_job(config)  # again, since an interpolation may have another value by now
    directory = RunDirectory(Path(hydra.runtime.output_dir))
    try:
        run = _life(config, dict(hydra.runtime.choices), directory, Console(quiet=quiet))
    except Diverged as error:
        directory.set("diverged", step=error.step, error=str(error))
        raise
    except InputError as error:
        directory.set("failed", error=str(error))
        raise
    except Exception as error:
        directory.set("failed", error=f"{type(error).__name__}: {error}".splitlines()[0])
        logging.getLogger("linnet.traceback").exception("the run failed")
        raise
    except BaseException:
        directory.set("interrupted", error="stopped from outside")
        raise
    directory.set("completed")
    return run


def _life(config: dict[str, Any], choices: Mapping[str, Any], directory: RunDirectory, console: Console) -> Run:
    started, path = time.monotonic(), directory.path
    torch.set_num_threads(config["threads"] or int(os.environ.get("LINNET_THREADS", THREADS)))

    data = build_data(config)
    record = manifest(config, choices, data.source.checksum)
    write_json(path / "manifest.json", record, durable=False)
    model = build_model(config, data)
    model.monitor = config["objective"]["metric"]
    _check_objective(config, data, model)
    logger: RunLogger = make(config["logger"], save_dir=path)
    logger.experiment.add_text("config", f"```yaml\n{OmegaConf.to_yaml(OmegaConf.create(config))}```")
    objective = config["objective"]
    checkpoint: Checkpoint = make(
        config["callbacks"]["checkpoint"],
        folder=path / "checkpoints", monitor=objective["metric"], direction=objective["direction"],
    )  # fmt: skip
    callbacks: list[pl.Callback] = [checkpoint, ProgressReport(directory, console, objective["metric"])]
    if config["callbacks"]["early_stopping"]:
        mode = objective["direction"][:3]
        callbacks.append(make(config["callbacks"]["early_stopping"], monitor=objective["metric"], mode=mode))
    try:
        trainer = make_trainer(config["trainer"], logger, callbacks, path)
        log.info(_describe(choices, config, data, path))
        fit(trainer, model, data)
        seconds = time.monotonic() - started
        epoch = checkpoint.restore_selected(model) or trainer.current_epoch
        directory.set("running", epoch=trainer.current_epoch, step=model.steps_done, kept_epoch=epoch)

        metrics, predictions = evaluate_parts(model, data)
        record["weights_sha256"] = save_weights(model, path)
        if config["figures"]:
            for name, figure in result_figures(model, data, predictions, logger.history.curves).items():
                (path / "figures").mkdir(exist_ok=True)
                figure.savefig(path / "figures" / f"{name}.png", dpi=100)
                logger.experiment.add_figure(f"figures/{name}", figure, model.steps_done)
        logger.log_result(_hyperparameters(choices, config), metrics, model.steps_done)
    finally:
        logger.close()
    write_json(path / "metrics.json", metrics)
    write_json(path / "manifest.json", record)
    print_result(console, metrics, path, epoch, trainer.current_epoch, seconds)
    return Run(path, metrics, model, data)


def save_weights(model: LinearNetwork, path: Path) -> str:
    """Write weights.safetensors (weight `[C, D]`, bias `[C]`) and return their hash."""
    weights = {name: tensor.detach()[0].cpu().contiguous() for name, tensor in model.named_parameters()}
    write_atomic(path / "weights.safetensors", save(weights))
    return weights_hash(weights)


def _check_objective(config: Mapping[str, Any], data: Data, model: LinearNetwork) -> None:
    metric = config["objective"]["metric"]
    if data.val is None:
        if config["callbacks"]["early_stopping"]:
            raise InputError("callbacks=early_stopping needs validation examples: use data.val_fraction=0.1")
        return
    few = data.val.take(torch.arange(min(8, len(data.val))))
    names = [f"val/{name}" for name in model.evaluate(few)[0]]
    if metric not in names:
        raise InputError(f"objective.metric={metric}: this run logs {', '.join(names)}")


def _describe(choices: Mapping[str, Any], config: Mapping[str, Any], data: Data, path: Path) -> str:
    sizes = [
        f"{len(part)} {name}" for name, part in (("train", data.train), ("val", data.val), ("test", data.test)) if part
    ]
    return (
        f"{choices['model']} on {choices['data']}: {' + '.join(sizes)} examples of {data.train.x.shape[1]} features, "
        f"{config['trainer']['max_epochs']} epochs in batches of {data.batch_size}, "
        f"{choices['optimizer']} lr={config['optimizer']['lr']:g}, seed {config['seed']}\n{path}"
    )


def _hyperparameters(choices: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """What HPARAMS shows: the chosen options, and their numbers."""
    groups = ("data", "model", "loss", "penalty", "optimizer", "schedule")
    found: dict[str, Any] = {group: choices[group] for group in groups}
    found |= {"seed": config["seed"], "trainer.max_epochs": config["trainer"]["max_epochs"]}
    for group in groups:
        for key, value in config[group].items():
            if isinstance(value, (bool, int, float)) and f"{group}.{key}" not in ("data.download", "data.seed"):
                found[f"{group}.{key}"] = str(value).lower() if isinstance(value, bool) else value
    return found
