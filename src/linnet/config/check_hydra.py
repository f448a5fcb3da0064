"""The check of a configuration's `hydra` node: what Hydra itself builds, and what it does to the process."""

import re
from collections.abc import Iterator
from typing import Any

from hydra.types import RunMode

from linnet.system.compat.hydra import BASIC_LAUNCHER, BASIC_SWEEPER
from linnet.system.errors import InputError


def walk(node: Any, path: str = "") -> Iterator[tuple[str, str, Any]]:
    """Yield (dotted path, last key, value) of every entry of nested dicts and lists."""
    entries = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in entries:
        here = f"{path}.{key}" if path else str(key)
        yield here, str(key), value
        yield from walk(value, here)


# Classes that Hydra itself may build. Any other callable named under `hydra` is refused.
HYDRA_TARGETS = (
    BASIC_LAUNCHER,
    BASIC_SWEEPER,
    "hydra_plugins.hydra_joblib_launcher.joblib_launcher.JoblibLauncher",
    "hydra_plugins.hydra_ray_launcher.ray_launcher.RayLauncher",
    "hydra_plugins.hydra_submitit_launcher.submitit_launcher.LocalLauncher",
    "hydra_plugins.hydra_submitit_launcher.submitit_launcher.SlurmLauncher",
    "linnet.sweeps.path.swept_strengths",
    "linnet.sweeps.search.search",
    "linnet.sweeps.vectorized.launch",
)
LOG_HANDLERS = ("logging.StreamHandler", "logging.FileHandler")
STREAMS = ("ext://sys.stdout", "ext://sys.stderr")
OUTPUT_DIR = ("${hydra:runtime.output_dir}/", "${hydra.runtime.output_dir}/")
# Others, such as GIT_EXTERNAL_DIFF or LD_PRELOAD, name programs and libraries that some process runs.
ENVIRONMENT = frozenset(
    {"OMP_NUM_THREADS", "MKL_NUM_THREADS", "OMP_WAIT_POLICY", "CUDA_VISIBLE_DEVICES", "LINNET_THREADS", "LINNET_DATA"}
)
HOOKS = ("worker_process_setup_hook", "py_executable")  # keys of Ray's runtime_env
# Interpolations whose result is text or a node that is checked itself; other resolvers can make nodes out of text.
PLAIN = re.compile(r"(\$\{(now|hydra|oc\.env):[^${}]*\}|\$\{[\w.]+\}|[^$]|\$(?!\{))*")


def check_hydra(hydra: Any) -> None:
    """Raise InputError for the first setting that could run code or write outside the run directory."""
    if hydra.get("output_subdir") != ".hydra":
        raise InputError(
            f"hydra.output_subdir={hydra.get('output_subdir')}: expected .hydra, where a run's configuration is"
        )
    if hydra.get("searchpath"):
        raise InputError(f"hydra.searchpath={hydra['searchpath']}: only the command line names folders of options")
    if hydra.get("mode") not in (None, "RUN", RunMode.RUN):
        raise InputError("hydra.mode: a sweep is asked for by `linnet train --multirun`")
    for path, key, value in walk(hydra, "hydra"):
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
    """Return whether a log goes to a NAME.log in the run directory."""
    return any(
        isinstance(filename, str) and re.fullmatch(re.escape(start) + r"[\w-]+\.log", filename) for start in OUTPUT_DIR
    )
