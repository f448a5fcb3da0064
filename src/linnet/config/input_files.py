"""The files and folders that a configuration names for reading."""

from collections.abc import Mapping
from typing import Any, get_args

from linnet.config.check_options import declared
from linnet.config.data_source import PYTHON
from linnet.config.option_types import Reads, options_of


def describe_input_files(config: Mapping[str, Any]) -> str:
    """Return a line that says what an existing run's configuration makes a command read; empty if it is no file."""
    named = ", ".join(f"{key}={value}" for key, value in input_files(config).items())
    return f"reads {named}, as the configuration of the run says" if named else ""


def input_files(config: Mapping[str, Any]) -> dict[str, str | list[str]]:
    """Return the files and folders that the data source of a checked configuration reads: dotted key -> names."""
    data = config["data"]
    return {
        f"data.{name}": data[name]
        for name, option in options_of(declared(data)).items()
        if data.get(name) is not None and _reads(option.annotation) and not str(data[name]).startswith(PYTHON)
    }


def _reads(annotation: Any) -> bool:
    return isinstance(annotation, Reads) or any(map(_reads, get_args(annotation)))
