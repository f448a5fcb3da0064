"""Private parts of OmegaConf do what linnet uses them for."""

from hydra.types import RunMode
from omegaconf import OmegaConf

from linnet.config.compose import compose, session
from linnet.system.compat.omegaconf import to_yaml, unresolved


def test_omegaconf_hands_out_entries_with_interpolations_as_written():
    config = OmegaConf.create({"seed": 1, "name": "${seed}", "data": {"seed": "${seed}"}})
    assert unresolved(config, "seed") == 1
    assert unresolved(config, "name") == "${seed}"
    assert unresolved(config, "data") == {"seed": "${seed}"}


def test_yaml_is_that_of_omegaconf():
    texts = [
        "1e5",
        "yes",
        "é",
        "a: b",
        "two\nlines\n",
        "x" * 200,
        "${a}",
        "",
        " ",
        "#",
        "null",
        "\t\u200e",
        "- a " * 40,
    ]
    config = OmegaConf.create(
        {"a": 1, "mode": RunMode.RUN, "texts": texts, "numbers": [1e-5, float("inf"), True, None]}
    )
    with session():
        for node in (config, compose(["data=diabetes", "tags=['a b']"])):
            assert to_yaml(node) == OmegaConf.to_yaml(node)
            assert to_yaml(node, "hydra") == OmegaConf.to_yaml(OmegaConf.create({"hydra": node}))
