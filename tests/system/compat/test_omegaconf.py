"""Private parts of OmegaConf do what linnet uses them for."""

from omegaconf import OmegaConf

from linnet.system.compat.omegaconf import unresolved


def test_omegaconf_hands_out_entries_with_interpolations_as_written():
    config = OmegaConf.create({"seed": 1, "name": "${seed}", "data": {"seed": "${seed}"}})
    assert unresolved(config, "seed") == 1
    assert unresolved(config, "name") == "${seed}"
    assert unresolved(config, "data") == {"seed": "${seed}"}
