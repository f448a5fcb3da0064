"""Private parts of Hydra do what linnet uses them for."""

from hydra._internal.callbacks import Callbacks
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from linnet.config.compose import session
from linnet.system.compat.hydra import job_context, set_values


def test_hydra_context_takes_callbacks_without_a_configuration():
    from hydra.core.global_hydra import GlobalHydra

    with session():
        loader = GlobalHydra.instance().config_loader()
        context = job_context(loader)
    assert context.config_loader is loader
    assert isinstance(context.callbacks, Callbacks)
    assert context.callbacks.callbacks == []


def test_hydra_sets_plain_values_in_a_composed_configuration():
    config = OmegaConf.create({"seed": 0, "optimizer": {"lr": 0.1}})
    set_values(OverridesParser.create().parse_overrides(["seed=3", "optimizer.lr=0.5"]), config)
    assert config == {"seed": 3, "optimizer": {"lr": 0.5}}
