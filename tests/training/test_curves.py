"""Every logged point, in history.csv and in TensorBoard."""

import csv
import math
import re

import pytest
from omegaconf import OmegaConf
from run_directory import EPOCHS, INTERVAL, events
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from linnet.config.metric_names import HIGH, LOW
from linnet.tracking.tags import describe, is_constant


class TestHistory:
    def test_has_the_loss_of_every_step(self, finished):
        per_epoch = finished.data.chunks.steps_per_epoch
        curve = finished.curves["train/loss"]
        assert curve.step == list(range(1, EPOCHS * per_epoch + 1))

    def test_has_validation_and_mean_loss_of_every_epoch(self, finished):
        per_epoch = finished.data.chunks.steps_per_epoch
        ends = [epoch * per_epoch for epoch in range(1, EPOCHS + 1)]
        validated = {name for name in finished.curves if name.startswith("val/")}
        assert validated == {name for name in finished.metrics if name.startswith("val/")}
        for name in (*validated, "train/loss_epoch"):
            assert finished.curves[name].step == ends

    def test_mean_loss_weights_by_examples(self, classification):
        n, batch = len(classification.data.train), classification.data.batch_size
        sizes = [min(batch, n - start) for start in range(0, n, batch)]
        assert sizes[-1] < batch
        first = classification.curves["train/loss"].value[: len(sizes)]
        mean = sum(size * loss for size, loss in zip(sizes, first, strict=True)) / n
        assert classification.curves["train/loss_epoch"].value[0] == pytest.approx(mean, rel=1e-12)

    def test_is_what_any_csv_reader_finds(self, finished):
        with (finished.directory / "history.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        for name, curve in finished.curves.items():
            points = [(int(row["step"]), float(row["value"])) for row in rows if row["metric"] == name]
            assert points == list(zip(*curve, strict=True))


class TestTensorBoard:
    def test_loss_is_thinned_to_the_interval(self, finished):
        points = events(finished.directory).Scalars("train/loss")
        curve = dict(zip(*finished.curves["train/loss"], strict=True))
        assert [point.step for point in points] == [step for step in curve if step % INTERVAL == 0]
        assert [point.value for point in points] == pytest.approx([curve[point.step] for point in points], rel=1e-6)

    def test_has_every_other_curve_of_the_history(self, finished):
        accumulator = events(finished.directory)
        for name, curve in finished.curves.items():
            if name != "train/loss":
                points = accumulator.Scalars(name)
                assert [point.step for point in points] == curve.step
                assert [point.value for point in points] == pytest.approx(curve.value, rel=1e-6)

    def test_has_learning_rate_and_gradient_norm_at_the_interval(self, finished):
        steps = [step for step in finished.curves["train/loss"].step if step % INTERVAL == 0]
        for name in ("train/lr", "train/grad_norm"):
            assert finished.curves[name].step == steps
        assert finished.curves["train/lr"].value == [0.1] * len(steps)

    def test_has_histograms_of_every_epoch(self, finished):
        accumulator = events(finished.directory)
        for name in ("weights/weight", "weights/bias"):
            assert [point.step for point in accumulator.Histograms(name)] == finished.curves["val/loss"].step

    def test_has_the_resolved_configuration_as_text(self, finished):
        (event,) = events(finished.directory).Tensors("config/text_summary")
        text = event.tensor_proto.string_val[0].decode()
        yaml = text.removeprefix("```yaml\n").removesuffix("```")
        saved = OmegaConf.load(finished.directory / ".hydra" / "config.yaml")
        assert OmegaConf.to_container(OmegaConf.create(yaml)) == OmegaConf.to_container(saved, resolve=True)

    def test_hparams_row_has_what_was_chosen(self, restless):
        content = events(restless.directory).PluginTagToContent("hparams")
        start = HParamsPluginData.FromString(content["_hparams_/session_start_info"]).session_start_info
        assert start.hparams["optimizer"].string_value == "sgd"
        assert start.hparams["optimizer.lr"].number_value == 2
        assert start.hparams["data"].string_value == "gaussian_blobs"
        assert start.hparams["model.bias"].string_value == "true"
        assert start.hparams["seed"].number_value == 0

    def test_has_the_real_final_metrics_of_the_weights_that_were_kept(self, restless):
        accumulator = events(restless.directory)
        content = accumulator.PluginTagToContent("hparams")["_hparams_/session_start_info"]
        columns = HParamsPluginData.FromString(content).session_start_info.hparams
        for name, value in restless.metrics.items():
            if is_constant(name):  # one number is no chart
                assert columns[name].number_value == value
            if is_constant(name) or name.endswith((LOW, HIGH)):  # columns that are not sorted by
                assert f"weights_kept/{name}" not in accumulator.Tags()["scalars"]
                continue
            (point,) = accumulator.Scalars(f"weights_kept/{name}")
            assert point.step == restless.module.steps_done
            assert point.value == pytest.approx(value, rel=1e-6)
        assert "optimum/loss" in columns
        assert columns["optimizer.lr_log10"].number_value == pytest.approx(math.log10(2), rel=1e-15)

    def test_begins_with_curves_before_single_points(self, restless):
        tags = events(restless.directory).Tags()["scalars"]
        single = min(tag for tag in tags if tag.startswith("weights_kept/"))
        assert max(tag for tag in tags if not tag.startswith("weights_kept/")) < single
        assert {"train/loss", "val/loss"} <= set(tags)

    def test_says_what_each_tag_is(self, finished):
        read = events(finished.directory)
        for tag in read.Tags()["scalars"]:
            assert read.SummaryMetadata(tag).summary_description.endswith("."), tag
        assert read.SummaryMetadata("train/loss").summary_description == describe("train/loss") != ""

    def test_has_all_metrics_as_text(self, finished):
        (event,) = events(finished.directory).Tensors("metrics/text_summary")
        text = event.tensor_proto.string_val[0].decode()
        assert re.search(r"\| loss (= nll = kl_divergence )?= objective \| ", text)
        assert f"{finished.metrics['test/loss']:.4g} " in text
