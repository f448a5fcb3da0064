"""Stand-ins of components say what the components themselves say."""

import inspect
import subprocess
import sys

import pytest
from hydra.utils import get_object
from pictures import write_pictures

from linnet.config.check_options import declared, nodes, options_for
from linnet.config.groups import GROUPS, shipped
from linnet.config.option_types import accepts, describe, options_of
from linnet.config.skeleton import skeleton
from linnet.training.components import PREPARATION, make

FACTS = {
    "data": ("task", "infer_task", "validation", "is_table"),
    "model": ("task",),
    "loss": ("task", "link", "lowest_target", "shift_invariant", "needs_autograd"),
    "penalty": ("needs_proximal_step",),
    "optimizer": ("exact", "has_proximal_step", "trains_many"),
    "schedule": ("ends_with_training",),
    "resampling": ("column", "keeps_groups"),
}
NODES = [
    pytest.param(group, node, id=f"{place}={option}")
    for group in GROUPS
    for option in shipped()[group]
    for place, node in nodes(group, option)
]
OWN = [param for param in NODES if param.values[1]["_target_"].startswith("linnet.")]


@pytest.mark.parametrize(("group", "node"), OWN)
class TestStandIn:
    def test_has_the_options_of_the_component(self, group, node):
        ours, real = options_of(skeleton(node["_target_"])), options_of(get_object(node["_target_"]))
        assert list(ours) == list(real)
        for name, option in real.items():
            if describe(option.annotation) or name in node:
                assert describe(ours[name].annotation) == describe(option.annotation)
                assert ours[name].default == option.default

    def test_has_its_facts_and_its_docstring(self, group, node):
        ours, real = skeleton(node["_target_"]), get_object(node["_target_"])
        for fact in FACTS.get(group, ()):
            assert getattr(ours, fact) == getattr(real, fact)
        assert inspect.getdoc(ours) == inspect.getdoc(real)


@pytest.mark.parametrize(("group", "node"), NODES)
def test_every_key_of_an_option_file_is_declared_and_its_default_admitted(group, node):
    options = options_for(group, node)
    for key, value in node.items():
        asked_for = value is None and key in ("path", "target", "x", "y")
        if key != "_target_" and value != "${seed}" and not asked_for:
            assert accepts(options[key].annotation, value), (key, value)


def test_all_are_made_without_importing_torch(tmp_path):
    code = (
        "import sys; from linnet.config.groups import shipped; from linnet.config.check_options import declared, nodes;"
        "[declared(node) for group in shipped() for option in shipped()[group] for _, node in nodes(group, option)];"
        "assert not {'torch', 'pytorch_lightning', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)


@pytest.mark.parametrize("target", ["os.system", "linnet.losses.Hubert", "linnet.nothing.Huber", "builtins.eval"])
def test_nothing_else_has_a_stand_in(target):
    with pytest.raises(AttributeError):
        skeleton(target)


def test_methods_and_bodies_are_left_out():
    assert not hasattr(skeleton("linnet.losses.Huber"), "value")
    assert skeleton("linnet.data.digits")("float32", 0) is None


class TestSource:
    # A table or arrays hold either, see test_inferred.py; image sets are one function, which Fashion-MNIST stands for.
    @pytest.mark.parametrize(
        "option", [name for name in shipped()["data"] if "mnist" not in name and name not in ("table", "arrays")]
    )
    def test_returns_targets_of_the_task_that_it_declares(self, option, tmp_path):
        node = {key: value for key, value in shipped()["data"][option].items() if key not in PREPARATION}
        if option == "image_folder":
            node["path"] = str(write_pictures(tmp_path / "pictures"))
        assert make({**node, "seed": 0}).task == declared(node).task

    def test_of_image_sets_too(self, fashion_mnist):
        assert fashion_mnist.task == declared(shipped()["data"]["fashion_mnist"]).task
