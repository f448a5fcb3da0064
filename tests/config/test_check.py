"""The check refuses whatever is not right, alone or together, before anything is built; one line each."""

import pytest

from linnet.system.errors import InputError

pytestmark = pytest.mark.usefixtures("workplace")


@pytest.fixture
def refusal(checked):
    """A function of overrides that returns the one line with which the check refuses them."""

    def message_of(*overrides: str) -> str:
        with pytest.raises(InputError) as caught:
            checked(*overrides)
        message = str(caught.value)
        assert len(message.splitlines()) == 1
        return message

    return message_of


class TestValue:
    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ("optimizer.lr=-1", "a number in (0, inf), got -1"),
            ("optimizer.lr=0", "a number in (0, inf), got 0"),
            ("optimizer.lr=nan", "a number in (0, inf), got nan"),
            ("optimizer.lr=inf", "a number in (0, inf), got inf"),
            ("optimizer.lr=abc", "a number in (0, inf), got the text 'abc'"),
            ("optimizer.lr=null", "a number in (0, inf), got null"),
            ("optimizer.lr=[0.1]", "a number in (0, inf), got [0.1]"),
            ("data.batch_size=0", "a whole number in [1, inf), got 0"),
            ("data.batch_size=1.5", "a whole number in [1, inf), got 1.5"),
            ("data.batch_size=true", "a whole number in [1, inf), got True"),
            ("data.batch_size='8'", "a whole number in [1, inf), got the text '8'"),
            ("data.val_fraction=1.5", "a number in [0, 1) or null, got 1.5"),
            ("data.val_fraction=1", "a number in [0, 1) or null, got 1"),
            ("data.dtype=float16", "one of float32, float64, got the text 'float16'"),
            ("data.outliers=-1", "a whole number in [0, inf), got -1"),
            ("seed=-1", "a whole number in [0, 9223372036854775807], got -1"),
            ("seed=null", "a whole number in [0, 9223372036854775807], got null"),
            ("threads=0", "a whole number in [1, 1024] or null, got 0"),
            ("figures=1", "true or false, got 1"),
            ("name=''", "a text or null, got the text ''"),
            ("objective.direction=down", "one of minimize, maximize or null, got the text 'down'"),
            ("model.gradient=numeric", "one of analytic, autograd, got the text 'numeric'"),
            ("loss.label_smoothing=1", "a number in [0, 1), got 1"),
            ("trainer.devices=0", "a whole number in [1, inf), got 0"),
            ("trainer.max_epochs=0", "a whole number in [1, inf), got 0"),
            ("callbacks.checkpoint.select=first", "one of best, last, got the text 'first'"),
        ],
    )
    def test_out_of_its_rule_is_refused(self, given, expected, refusal):
        key = given.partition("=")[0]
        message = refusal(given)
        assert message.startswith(f"{key}=")
        assert message.endswith(f": expected {expected}")

    @pytest.mark.parametrize("weight", ["[]", "2.0", "[1,a]", "[1,[2]]"])
    def test_in_a_list_counts_too(self, weight, refusal):
        assert ": expected a list of numbers, got " in refusal("data=synthetic_regression", f"data.weight={weight}")

    @pytest.mark.parametrize(
        "given",
        [
            "seed=0",
            "seed=9223372036854775807",
            "data.val_fraction=0",
            "optimizer.lr=1e-300",
            "callbacks=early_stopping",
        ],
    )
    def test_at_the_end_of_its_interval_passes(self, given, checked):
        checked(given)

    @pytest.mark.parametrize(
        "given",
        ["~optimizer.lr", "~data.batch_size", "~figures", "~objective", "objective=null", "~callbacks.checkpoint",
         "callbacks.checkpoint=null", "~seed", "~data"],
    )  # fmt: skip
    def test_that_was_deleted_is_missed(self, given, refusal):
        assert given.strip("~").partition("=")[0].rpartition(".")[2] in refusal(given)


class TestKey:
    @pytest.mark.parametrize(
        ("given", "words"),
        [
            ("+optimizer.leaning_rate=1", ["optimizer.leaning_rate: no such key"]),
            ("+data.batchsize=8", ["data.batchsize: no such key", "did you mean data.batch_size?"]),
            ("+optimizer.momentum=0.9", ["optimizer.momentum", "optimizer=momentum, torch_sgd"]),
            ("+sead=1", ["sead: no such key", "did you mean seed?"]),
            ("+a.b.c=1", ["a.b.c: no such key"]),
            ("+callbacks.checkpoint.every=1", ["callbacks.checkpoint.every: no such key"]),
            ("+callbacks.more=1", ["callbacks.more: no such key"]),
            ("+optimizer.lr.a=1", ["optimizer.lr"]),
        ],
    )
    def test_unknown_is_refused_although_added_on_purpose(self, given, words, refusal):
        message = refusal(given)
        assert all(word in message for word in words), message

    @pytest.mark.parametrize("given", ["optimizer.lr=${nope}", "optimizer.lr=${oc.env:LINNET_UNSET}", "seed=???"])
    def test_that_does_not_resolve_is_refused(self, given, refusal):
        assert given.partition("=")[0] in refusal(given)


class TestFit:
    @pytest.mark.parametrize(
        ("given", "words"),
        [
            (["data=diabetes", "loss=cross_entropy"], ["loss=cross_entropy", "data=diabetes", "loss=squared_error"]),
            (["loss=squared_error"], ["loss=squared_error", "data=digits", "loss=cross_entropy"]),
            (["model=linear_regression"], ["model=linear_regression", "model=softmax_regression"]),
            (["data=diabetes", "model=softmax_regression"], ["model=softmax_regression", "model=linear_regression"]),
            (["data.val_fraction=null"], ["data.val_fraction", "data=digits", "give a number"]),
            (["penalty=l1", "optimizer=torch_sgd"], ["penalty=l1", "optimizer=torch_sgd", "rmsprop or sgd"]),
            (["penalty=elastic_net", "optimizer=torch_lbfgs"], ["penalty=elastic_net", "rmsprop or sgd"]),
            (["schedule=cosine", "schedule.warmup_epochs=20"], ["schedule.warmup_epochs=20", "trainer.max_epochs=20"]),
            (["optimizer=momentum", "optimizer.momentum=0", "optimizer.nesterov=true"], ["optimizer.momentum above 0"]),
        ],
    )
    def test_of_parts_that_do_not_go_together_is_refused(self, given, words, refusal):
        message = refusal(*given)
        assert all(word in message for word in words), message

    def test_of_the_source_s_own_validation_examples_passes(self, checked):
        assert checked("data=polynomial", "data.val_fraction=null")["data"]["val_fraction"] is None
