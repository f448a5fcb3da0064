"""Read the untrusted files of a run directory, without following links out of it."""

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load

from linnet.reproduction.figure import HISTORY, MANIFEST, METRICS, OPTIMUM, STATUS, WEIGHTS
from linnet.solvers.problem_analysis import ProblemAnalysis
from linnet.system.errors import InputError
from linnet.system.reading import read_json, read_safetensors, sha256
from linnet.system.sanitize import plain
from linnet.tracking import Curve, read_history
from linnet.training.initial_weights import FILE as INITIAL_WEIGHTS

CHANGES = "uncommitted.diff"
READ = (
    STATUS, MANIFEST, METRICS, HISTORY, WEIGHTS, OPTIMUM, CHANGES, INITIAL_WEIGHTS,
    ".hydra/config.yaml", ".hydra/hydra.yaml", ".hydra/overrides.yaml",
)  # fmt: skip


def refuse_links(run: Path) -> None:
    """Raise InputError if a file that is to be read is a link that leads out of the run directory, or no file."""
    inside = run.resolve()
    for name in READ:
        path = run / name
        try:
            leads_out = not path.resolve().is_relative_to(inside)
        except (OSError, RuntimeError):  # a link to itself
            leads_out = True
        if leads_out:
            raise InputError(f"{path} leads out of the run directory: replace the link by what it points to")
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise InputError(f"{path} is no regular file: put the run's own back")


@dataclass(frozen=True)
class SavedFiles:
    """Files of a run directory as they are now. What cannot be read is None, and `faults` says why."""

    path: Path

    @cached_property
    def faults(self) -> dict[str, str]:
        """File name -> what is wrong with it, of the files read so far."""
        return {}

    @cached_property
    def status(self) -> Mapping[str, Any]:
        return self._json(STATUS) or {}

    @cached_property
    def manifest(self) -> Mapping[str, Any] | None:
        """Manifest, with `git`, `packages` and `files_sha256` as mappings, or absent."""
        node = self._json(MANIFEST)
        if node is None:
            return None
        parts = ("git", "packages", "files_sha256")
        own = node.get("own_parts")
        known = isinstance(own, Mapping) and all(isinstance(part, Mapping) for part in own.values())
        return {
            key: value
            for key, value in node.items()
            if (key not in parts or isinstance(value, Mapping)) and (key != "own_parts" or known)
        }

    @cached_property
    def metrics(self) -> dict[str, float | None] | None:
        """Metric -> value; None for one that is not finite."""
        node = self._json(METRICS)
        if node is None:
            return None
        odd = [key for key, value in node.items() if not _is_figure(value)]
        if odd:
            self.faults[METRICS] = f"is damaged: {plain(odd[0])} is no number"
        return {plain(key): _finite(value) for key, value in node.items() if _is_figure(value)}

    @cached_property
    def history(self) -> dict[str, Curve] | None:
        try:
            return {plain(name): curve for name, curve in read_history(self.path / HISTORY).items()}
        except FileNotFoundError:
            self.faults[HISTORY] = "is missing"
        except (ValueError, KeyError, TypeError, csv.Error) as error:
            self.faults[HISTORY] = f"is damaged: {plain(error)}"
        return None

    @cached_property
    def weights(self) -> dict[str, torch.Tensor] | None:
        """Final weights; safetensors hold numbers only, so nothing is executed."""
        try:
            weights = {plain(name): tensor for name, tensor in load(read_safetensors(self.path / WEIGHTS)).items()}
        except FileNotFoundError:
            self.faults[WEIGHTS] = "is missing"
            return None
        except (SafetensorError, ValueError, KeyError, RuntimeError, TypeError, AttributeError) as error:
            self.faults[WEIGHTS] = f"is damaged: {plain(error)}"
            return None
        odd = [tensor.dtype for tensor in weights.values() if tensor.dtype not in (torch.float32, torch.float64)]
        if odd:
            self.faults[WEIGHTS] = f"is damaged: no model of linnet has weights of {odd[0]}"
            return None
        return weights

    @cached_property
    def optimum(self) -> ProblemAnalysis | None:
        """Recorded optimum; None where the run has no optimum.safetensors, which is optional."""
        path = self.path / OPTIMUM
        if not path.exists():
            return None
        try:
            return ProblemAnalysis.from_bytes(read_safetensors(path))
        except ValueError as error:
            self.faults[OPTIMUM] = f"is damaged: {plain(error)}"
            return None

    def digest(self, name: str) -> str | None:
        """Return the sha256 of a file, None if there is none."""
        path = self.path / name
        return sha256(path) if path.is_file() else None

    def _json(self, name: str) -> dict[str, Any] | None:
        try:
            node = read_json(self.path / name)
        except FileNotFoundError:
            self.faults[name] = "is missing"
            return None
        except ValueError as error:
            self.faults[name] = f"is damaged: {plain(error)}"
            return None
        if not isinstance(node, dict):
            self.faults[name] = "is damaged: it holds no mapping"
            return None
        return node


def _is_figure(value: Any) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))


def _finite(value: Any) -> float | None:
    try:
        number = math.nan if value is None else float(value)
    except OverflowError:  # a whole number of hundreds of digits
        return None
    return number if math.isfinite(number) else None
