"""`linnet train [overrides]`: train a run or a sweep, or print options or configuration."""

import argparse
import json
import textwrap
from collections.abc import Sequence

from omegaconf import OmegaConf

from linnet.cli.parser import Parser
from linnet.config.check import check
from linnet.config.check_options import nodes, options_for
from linnet.config.compose import compose, session
from linnet.config.groups import EXPERIMENT, GROUPS, SEARCH, options, shipped, summary
from linnet.config.option_types import describe
from linnet.config.own_parts import CHOSEN, DOTTED, declare, own_node
from linnet.config.unknown_key import nearest
from linnet.system.errors import InputError
from linnet.system.garbage_collection import keep_imports


def main(arguments: Sequence[str]) -> int:
    """Train one run or a sweep, or print the options or the configuration; return the exit code."""
    request = parse(arguments)
    if request.help:
        chosen = [text.split("=", 1) for text in request.overrides if text.partition("=")[0] in GROUPS]
        for group, option in chosen:
            print_component(group, option)
        if not chosen:
            print_options()
    elif request.cfg:
        print_config(request)
    elif request.multirun:
        from linnet.sweeps.multirun import multirun

        keep_imports()
        return multirun(request.overrides)
    else:
        from linnet.training.train import train

        train(request.overrides, imported=keep_imports)
    return 0


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the command line. Raises InputError for an unknown flag."""
    parser = Parser(prog="linnet train", add_help=False, allow_abbrev=False)
    parser.add_argument("overrides", nargs="*")
    parser.add_argument("-m", "--multirun", action="store_true")
    parser.add_argument("-c", "--cfg", choices=("job", "hydra", "all"))
    parser.add_argument("--resolve", action="store_true")
    parser.add_argument("-h", "--help", action="store_true")
    given = parser.parse_intermixed_args(arguments)
    given.multirun |= any(text.startswith("search=") for text in given.overrides)
    return given


def print_config(request: argparse.Namespace) -> None:
    """Print the composed configuration as YAML."""
    with session():
        config = compose(request.overrides)
        if request.resolve:
            shown = OmegaConf.create(check(config))
        else:
            job = [str(key) for key in config if key != "hydra"]
            shown = OmegaConf.masked_copy(config, {"job": job, "hydra": ["hydra"]}.get(request.cfg, list(config)))
        print(OmegaConf.to_yaml(shown), end="")


def print_component(group: str, option: str) -> None:
    """Print the options of a component, each with its default and what it may be.

    Raises:
        InputError: the group has no such option.
    """
    if group in CHOSEN and DOTTED.fullmatch(option):
        described = (declare(group, option).__doc__ or "").strip().partition("\n")[0]
        found = [(group, own_node(group, option))]
    elif option not in shipped()[group]:
        known = list(shipped()[group])
        raise InputError(f"{group}={option}: no such option{nearest(option, known)}; choose from: {', '.join(known)}")
    else:
        described, found = summary(group, option), nodes(group, option)
    print(f"{group}={option}  {described}")
    for path, node in found:
        options = options_for(group, node)
        for key, default in node.items():
            if key != "_target_":
                text = default if isinstance(default, str) else json.dumps(default, ensure_ascii=False)
                print(f"  {f'{path}.{key}={text}':<40} {describe(options[key].annotation)}")


def print_options() -> None:
    """Print every config group with its options."""
    print("linnet train [--multirun] [--cfg job|hydra|all [--resolve]] [group=option ...] [key=value ...]\n")
    print("Groups and their options (defaults: linnet train --cfg job; keys of one: linnet train loss=huber --help)")
    for group in (*GROUPS, SEARCH, EXPERIMENT):
        lines = textwrap.wrap("  ".join(options(group)), 92, break_on_hyphens=False)
        print(f"  {group + '=':<13}" + f"\n{'':<15}".join(lines))
    print("\nKeys that are used most")
    for text in (
        "seed=1  figures=false  trainer.max_epochs=50  optimizer.lr=0.3  penalty=l2 penalty.strength=0.01",
        "data.batch_size=64  data.val_fraction=0  data.standardize=true  hydra.run.dir=runs/mine",
    ):
        print(f"  {text}")
    print("\nMany runs\n  -m optimizer.lr=0.01,0.1,1 seed=0,1  hydra/launcher=vectorized  hydra.sweep.dir=runs/rates")
