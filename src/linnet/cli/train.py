"""`linnet train [overrides]`: train a run or a sweep, or print options or configuration."""

import json
import re
import textwrap
from argparse import Action, ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from linnet.cli.help_text import fold_help, help_width
from linnet.cli.parser import Parser
from linnet.config.check import check
from linnet.config.check_options import component_nodes, nodes, options_for
from linnet.config.compose import PRIMARY, compose, session
from linnet.config.groups import EXPERIMENT, GROUPS, SEARCH, experiments, options, shipped, summary
from linnet.config.option_types import describe
from linnet.config.own_parts import CHOSEN, DOTTED, declare, own_node
from linnet.config.project_options import added, announce, registered, searchpath_of, take_searchpath
from linnet.config.unknown_key import nearest
from linnet.system.compat.hydra import INFO, show_help, show_info
from linnet.system.errors import InputError
from linnet.system.garbage_collection import keep_imports


def main(arguments: Sequence[str]) -> int:
    """Train one run or a sweep, or print the options or the configuration; return the exit code."""
    request = parse(arguments)
    if request.shell_completion:
        from linnet.cli.completion import shell_completion

        return shell_completion(request.overrides)
    if request.help or request.hydra_help or request.info or request.cfg:
        from linnet.sweeps.words import long_form

        overrides, folders = take_searchpath(list(map(long_form, request.overrides)))
        chosen = [text.split("=", 1) for text in overrides if text.partition("=")[0] in GROUPS]
        only_names = request.help and not chosen  # known without what the files of linnet's options hold
        with registered(folders) if only_names else session(folders):
            if only_names:
                print_options()
            else:
                show(request, chosen, overrides, folders)
            announce()
    elif request.nested is not None:
        from linnet.results.nested import nested

        keep_imports()
        return nested(request.nested, request.overrides).exit_code
    elif request.multirun:
        from linnet.sweeps.multirun import multirun

        keep_imports()
        return multirun(request.overrides)
    else:
        from linnet.training.train import train

        train(request.overrides, imported=keep_imports)
    return 0


def build_parser() -> Parser:
    """Return the parser of the command line; its help texts are those of `--hydra-help`."""
    parser = Parser(prog="linnet train", add_help=False, allow_abbrev=False)
    parser.add_argument("overrides", nargs="*", help="group=option and key=value")
    parser.add_argument("-m", "--multirun", action="store_true", help="run every combination of the values given")
    parser.add_argument("--settings", metavar="FILE", help="a YAML list of settings: one job for each entry")
    parser.add_argument(
        "--nested", type=int, metavar="K", help="nested cross-validation: a sweep for each of K outer folds"
    )
    parser.add_argument("-r", "--run", action="store_true", help="train one run, as without this flag")
    parser.add_argument("-c", "--cfg", choices=("job", "hydra", "all"), help="print the configuration: job|hydra|all")
    parser.add_argument("--resolve", action="store_true", help="of --cfg: with interpolations resolved")
    parser.add_argument("-p", "--package", help="of --cfg: this key and what is below it")
    parser.add_argument(
        "-i", "--info", nargs="?", const="all", choices=INFO, help=f"print what Hydra has: {'|'.join(INFO)}"
    )
    parser.add_argument(
        "-cd", "--config-dir", metavar="DIR", help="a folder with options of yours: DIR/optimizer/fast.yaml"
    )
    parser.add_argument("-cn", "--config-name", metavar="NAME", help="the experiment NAME, as experiment=NAME")
    parser.add_argument(
        "-sc", "--shell-completion", action="store_true", help="install=bash|uninstall=bash, or zsh, fish"
    )
    parser.add_argument("-h", "--help", action="store_true", help="the options of linnet, or of group=option")
    parser.add_argument("--hydra-help", action="store_true", help="this help")
    for flags, remedy in REFUSED:
        parser.add_argument(*flags, action=_Refused, remedy=remedy, help=f"not here: {remedy}")
    return parser


OF_A_SWEEP = re.compile(r"sweep\.|search\.|zip\(|if\(")
"""How words begin that only `linnet.sweeps.words` reads."""
REFUSED = (
    (
        ("-cp", "--config-path"),
        "linnet's own configuration is the base of every run; a folder of yours is --config-dir DIR",
    ),
    (("--experimental-rerun",), "use linnet reproduce RUN"),
)
"""Flags of Hydra that linnet has something else for."""


class _Refused(Action):
    def __init__(self, option_strings: Sequence[str], dest: str, remedy: str, **options: Any) -> None:
        super().__init__(option_strings, dest, nargs="?", **options)
        self.remedy = remedy

    def __call__(
        self, parser: ArgumentParser, namespace: Namespace, values: Any, option_string: str | None = None
    ) -> None:
        raise InputError(f"{option_string}: {self.remedy}")


def parse(arguments: Sequence[str]) -> Namespace:
    """Parse the command line. Raises InputError for an unknown flag, or flags that do not go together."""
    given = build_parser().parse_intermixed_args(arguments)
    given.multirun |= given.nested is not None or any(text.startswith("search=") for text in given.overrides)
    if given.settings is not None:
        given.multirun = True
        given.overrides.append(f"sweep.settings={given.settings}")
    if not given.multirun and any(map(OF_A_SWEEP.match, given.overrides)):
        raise InputError(f"{' '.join(filter(OF_A_SWEEP.match, given.overrides))}: that is of a sweep: add --multirun")
    if given.package and not given.cfg:
        raise InputError(f"--package {given.package}: it chooses what --cfg prints: add --cfg job")
    if given.config_name not in (None, PRIMARY):
        if given.config_name not in experiments():
            near = nearest(given.config_name, list(experiments()))
            raise InputError(
                f"--config-name {given.config_name}: no such experiment{near}; one of yours is the file "
                f"experiments/{given.config_name}/experiment.yaml"
            )
        given.overrides.insert(0, f"{EXPERIMENT}={given.config_name}")
    if given.config_dir is not None:
        given.overrides.insert(0, searchpath_of(given.config_dir))
    return given


def show(
    request: Namespace, chosen: Sequence[Sequence[str]], overrides: Sequence[str], folders: Sequence[Path]
) -> None:
    """Print what is asked for instead of a run, inside a session on these folders; chosen: (group, option) pairs."""
    if request.help:
        for group, option in chosen:
            print_component(group, option)
    elif request.hydra_help:
        show_help(build_parser())
    elif request.info:
        composed = compose(overrides)  # first, for its errors are one line
        show_info(request.info, PRIMARY, composed.hydra.overrides.task)
        for folder in folders if request.info in ("all", "config", "searchpath") else ():
            print(f"options of {folder}")
    else:
        print_config(request, overrides)


def print_config(request: Namespace, overrides: Sequence[str]) -> None:
    """Print the composed configuration as YAML."""
    config: Any = compose(overrides)
    if request.resolve:
        shown: Any = OmegaConf.create(check(config))
    else:
        job = [str(key) for key in config if key != "hydra"]
        shown = OmegaConf.masked_copy(config, {"job": job, "hydra": ["hydra"]}.get(request.cfg, list(config)))
    if request.package not in (None, "_global_"):
        shown = OmegaConf.select(shown, request.package)
        if shown is None:
            raise InputError(f"--package {request.package}: the configuration has no such key")
        if not OmegaConf.is_config(shown):
            print(shown)
            return
        print(f"# @package {request.package}")
    print(OmegaConf.to_yaml(shown), end="")


def print_component(group: str, option: str) -> None:
    """Print the options of a component, each with its default and what it may be.

    Raises:
        InputError: the group has no such option.
    """
    if group in CHOSEN and DOTTED.fullmatch(option):
        described = (declare(group, option).__doc__ or "").strip().partition("\n")[0]
        found = [(group, own_node(group, option))]
    elif option in added(group):
        described, found = "of this project", component_nodes(group, added(group)[option])
    elif option not in shipped()[group]:
        known = [*shipped()[group], *added(group)]
        raise InputError(f"{group}={option}: no such option{nearest(option, known)}; choose from: {', '.join(known)}")
    else:
        described, found = summary(group, option), nodes(group, option)
    print(f"{group}={option}  {described}")
    for path, node in found:
        options = options_for(group, node)
        for key, default in node.items():
            if key != "_target_":
                text = default if isinstance(default, str) else json.dumps(default, ensure_ascii=False)
                print(fold_help(f"  {f'{path}.{key}={text}':<39}  {describe(options[key].annotation)}"))


def print_options() -> None:
    """Print every config group with its options."""
    groups = []
    width = min(92, help_width() - 15)
    for group in (*GROUPS, SEARCH, EXPERIMENT):
        lines = textwrap.wrap("  ".join([*options(group), *added(group)]), width, break_on_hyphens=False)
        groups.append(f"  {group + '=':<13}" + f"\n{'':<15}".join(lines))
    print(fold_help(OPTIONS.format(groups="\n".join(groups))), end="")


OPTIONS = """\
linnet train [--multirun] [--nested K] [--cfg job|hydra|all [--resolve]] [group=option ...] [key=value ...]
Flags of Hydra, as --config-dir and --info: linnet train --hydra-help

Groups and their options (defaults: linnet train --cfg job; keys of one: linnet train loss=huber --help)
{groups}

Keys that are used most
  seed=1  figures=false  trainer.max_epochs=50  optimizer.lr=0.3  penalty=l2 penalty.strength=0.01
  data.batch_size=64  data.val_fraction=0  data.standardize=true  hydra.run.dir=runs/mine

Many runs
  -m optimizer.lr=0.01,0.1,1 seed=0,1  hydra/launcher=vectorized  hydra.sweep.dir=runs/rates
  -m 'zip(optimizer.lr=0.1,0.01;trainer.max_epochs=5,50)'  --settings FILE.yaml
"""
