"""Private parts of OmegaConf."""

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from omegaconf import DictConfig


def unresolved(config: "DictConfig", key: Any) -> Any:
    """Return one entry in plain containers, interpolations as written: `config[key]` would resolve a single value."""
    from omegaconf import OmegaConf

    node: Any = config._get_node(key)
    return OmegaConf.to_container(node, resolve=False) if OmegaConf.is_config(node) else node._value()


def to_yaml(config: Any, name: str | None = None) -> str:
    """Return what `OmegaConf.to_yaml` returns, in a third of the time where yaml has its part in C.

    Args:
        config: a node.
        name: the only key of what is written, whose value the node is; None: it is written itself.
    """
    from omegaconf import OmegaConf

    plain = OmegaConf.to_container(config, resolve=False, enum_to_str=True)
    return plain_to_yaml(plain if name is None else {name: plain})


def plain_to_yaml(content: Any) -> str:
    """Return plain containers as OmegaConf writes them."""
    import yaml

    return yaml.dump(content, default_flow_style=False, allow_unicode=True, sort_keys=False, Dumper=_dumper())


@cache
def _dumper() -> Any:
    import yaml
    from omegaconf._utils import get_omega_conf_dumper

    usual: Any = get_omega_conf_dumper()
    fast = getattr(yaml, "CDumper", None)
    return usual if fast is None else type("Dumper", (fast,), {"yaml_representers": usual.yaml_representers})
