"""Private parts of OmegaConf."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from omegaconf import DictConfig


def unresolved(config: "DictConfig", key: Any) -> Any:
    """Return one entry in plain containers, interpolations as written: `config[key]` would resolve a single value."""
    from omegaconf import OmegaConf

    node: Any = config._get_node(key)
    return OmegaConf.to_container(node, resolve=False) if OmegaConf.is_config(node) else node._value()
