"""TensorBoard overview of a comparison, in which every run is named by its overrides.

Runs are named by their folders, which are job numbers in a sweep, and a run that did not complete has no row on the
HPARAMS page. So each run gets a folder here, named by the settings in which it differs, with links to its own event
files and one small file with its row. The columns are the settings that vary, instead of all there are.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams import api_pb2, metadata
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo, SessionStartInfo
from tensorboard.summary.writer.record_writer import RecordWriter

from linnet.comparison.curves import read_curve
from linnet.comparison.groups import Group, is_number, overrides, show
from linnet.comparison.ranking import Objective, score_beside
from linnet.comparison.runs import SavedRun
from linnet.system.writing import open_own, own_folder, safe_name

FILE = "events.out.tfevents.0.comparison"
"""Sorts before the run's own files: of two rows for one run, the HPARAMS page shows the first."""

STATUS = {"completed": api_pb2.STATUS_SUCCESS, "running": api_pb2.STATUS_RUNNING}


def write_overview(folder: Path, groups: Sequence[Group], objective: Objective) -> None:
    """Write the overview of these runs into a folder, in place of an earlier one.

    Args:
        folder: an existing one; what an earlier comparison wrote there is removed.
        groups: best first.
        objective: its metric and the score beside it are the HPARAMS page's metrics.
    """
    for former in folder.iterdir():
        if (former / FILE).is_file() and not former.is_symlink():
            shutil.rmtree(former)
    rows = list(row_names(groups).items())
    experiment = HParamsPluginData(experiment=_experiment(rows, groups, objective))
    for name, (settings, run) in rows:
        own = own_folder(folder, name)
        start = SessionStartInfo(model_uri=_text(str(run.path)))
        for key, value in settings.items():
            _set(start.hparams[_text(key)], value)
        end = SessionEndInfo(status=STATUS.get(run.state, api_pb2.STATUS_FAILURE))
        _write(own, {
            metadata.EXPERIMENT_TAG: experiment,  # in each, because the page takes that of any run
            metadata.SESSION_START_INFO_TAG: HParamsPluginData(session_start_info=start),
            metadata.SESSION_END_INFO_TAG: HParamsPluginData(session_end_info=end),
        })  # fmt: skip
        for events in run.path.glob("events.out.tfevents.*"):
            with suppress(OSError):  # a file system without links still gets the HPARAMS page
                (own / events.name).symlink_to(os.path.relpath(events, own))


def row_names(groups: Sequence[Group]) -> dict[str, tuple[Mapping[str, Any], SavedRun]]:
    """Return folder name -> settings and run. A name is `optimizer.lr=0.1,seed=0`, with ` (2)` for an equal one."""
    rows: dict[str, tuple[Mapping[str, Any], SavedRun]] = {}
    for group in groups:
        for run in group.runs:
            settings = {**group.settings, "seed": run.seed}
            stem = safe_name(overrides(settings) or run.path.name)
            name, count = stem, 1
            while name in rows:
                count += 1
                name = f"{stem} ({count})"
            rows[name] = settings, run
    return rows


def _experiment(
    rows: Sequence[tuple[str, tuple[Mapping[str, Any], SavedRun]]], groups: Sequence[Group], objective: Objective
) -> api_pb2.Experiment:
    experiment = api_pb2.Experiment(description="linnet compare")
    for key in [*groups[0].settings, "seed"]:
        values = [settings[key] for _, (settings, _) in rows if settings[key] is not None]
        info = experiment.hparam_infos.add(name=_text(key))
        if values and all(is_number(value) for value in values):
            info.type = api_pb2.DATA_TYPE_FLOAT64
            info.domain_interval.min_value, info.domain_interval.max_value = min(values), max(values)
        else:
            info.type = api_pb2.DATA_TYPE_STRING
            for value in sorted({show(value) for value in values}):
                info.domain_discrete.values.add(string_value=_text(value))
    # A metric that has a curve has its figure of the weights that were kept beside it, as `…_final`.
    history = groups[0].runs[0].path / "history.csv"
    for metric in (objective.metric, score_beside(objective, groups[0].runs)):
        if metric:
            tag = f"{metric}_final" if read_curve(history, metric)[0] else metric
            experiment.metric_infos.add(name=api_pb2.MetricName(tag=tag), display_name=metric)
    return experiment


def _text(text: str) -> str:
    """Return text as UTF-8 can hold it: names of files may be other bytes."""
    return text.encode(errors="replace").decode()


def _set(field: Any, value: Any) -> None:
    if is_number(value):
        field.number_value = value
    elif value is not None:
        field.string_value = _text(show(value))


def _write(folder: Path, contents: Mapping[str, HParamsPluginData]) -> None:
    with open_own(folder / FILE, "wb") as file:
        writer = RecordWriter(file)
        writer.write(Event(file_version="brain.Event:2").SerializeToString())
        for tag, content in contents.items():
            about = metadata.create_summary_metadata(content)
            value = Summary.Value(tag=tag, metadata=about, tensor=metadata.NULL_TENSOR)
            writer.write(Event(summary=Summary(value=[value])).SerializeToString())
