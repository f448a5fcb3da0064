"""Composing once and setting values gives what Hydra gives when it composes each job again."""

from collections.abc import Iterator

import pytest
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

from linnet.config.compose import compose_sweep, session
from linnet.sweeps.composer import Composer
from linnet.sweeps.job_directory import OF_THE_JOB
from linnet.system.errors import InputError


@pytest.fixture
def composer() -> Iterator[Composer]:
    with session():
        yield Composer(compose_sweep(["optimizer.lr=0.1,0.2"]), GlobalHydra.instance().config_loader())


@pytest.mark.parametrize(
    "words",
    [
        ["optimizer.lr=0.2"],
        ["optimizer.lr=0.2", "seed=3", "figures=true", "name=mine"],
        ["data=synthetic_regression", "data.weight=[1.0,2.0]", "loss=huber", "loss.delta=0.5"],
        ["penalty=l2", "penalty.strength=1e-3", "hydra.sweep.subdir=7", "++hydra.job.env_set.X='1'"],
        ["data.seed=5", "threads=null", "data.val_fraction=0.25"],
    ],
)
def test_equals_a_full_composition(words: list[str], composer: Composer) -> None:
    expected = composer.loader.load_sweep_config(composer.master, list(words))
    for _ in range(2):  # the second time from the copy that is kept
        ours, hydra = composer.compose(words)
        expected.hydra.job.override_dirname = ours.hydra.job.override_dirname  # names no directory of linnet's
        assert OmegaConf.to_container(ours) == OmegaConf.to_container(expected)
        assert hydra.keys() == ours.hydra.keys()
        assert all(hydra[key] == OmegaConf.to_container(ours)["hydra"][key] for key in hydra if key not in OF_THE_JOB)
        job = [str(key) for key in ours if key != "hydra"]
        assert OmegaConf.to_container(OmegaConf.masked_copy(ours, job), resolve=True) == OmegaConf.to_container(
            OmegaConf.masked_copy(expected, job), resolve=True
        )


def test_jobs_do_not_share_what_is_set(composer: Composer) -> None:
    (first, hydra), (second, same) = (composer.compose([f"optimizer.lr={lr}"]) for lr in (0.2, 0.3))
    assert hydra is same
    assert (first.optimizer.lr, second.optimizer.lr) == (0.2, 0.3)
    assert composer.compose(["seed=1"])[0].optimizer.lr == 0.1


def test_an_unknown_key_is_named(composer: Composer) -> None:
    with pytest.raises(InputError, match=r"optimizer\.lrr: no such key, did you mean optimizer\.lr\?"):
        composer.compose(["optimizer.lrr=1"])
