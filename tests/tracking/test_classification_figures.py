"""Figures of classifiers show what they were given: their artists are read back, and every figure renders."""

import numpy as np
import pytest
import torch
from all_metrics import expected_calibration_error
from drawn import assert_renders, said

from linnet.tracking.figures import confident_mistakes, confusion_matrix, reliability_diagram, weight_images

NAMES = ["cat", "dog", "owl"]

pytestmark = pytest.mark.filterwarnings("error")


class TestConfusionMatrix:
    def test_counts_by_row_and_shares_as_colour(self):
        figure = confusion_matrix(torch.tensor([0, 0, 0, 0, 1]), torch.tensor([0, 0, 0, 2, 1]), NAMES)
        axes = figure.axes[0]
        written = {text.get_position(): text.get_text() for text in axes.texts}
        assert written == {(0, 0): "3", (2, 0): "1", (1, 1): "1"}
        np.testing.assert_array_equal(axes.images[0].get_array(), [[0.75, 0, 0.25], [0, 1, 0], [0, 0, 0]])
        assert [label.get_text() for label in axes.get_yticklabels()] == NAMES
        assert "80.0%" in axes.get_title(loc="left")
        assert_renders(figure)

    def test_many_classes_have_no_counts_and_fewer_names(self):
        labels = np.arange(100)
        axes = confusion_matrix(labels, labels, [f"class {k}" for k in labels]).axes[0]
        assert not axes.texts
        assert [label.get_text() for label in axes.get_xticklabels()][:2] == ["class 0", "class 3"]


class TestReliabilityDiagram:
    def test_bars_by_hand(self):
        figure = reliability_diagram([0.1, 0.3, 0.9, 0.7], [False, True, True, True], bins=2)
        bars = [(bar.get_y(), bar.get_height()) for bar in figure.axes[0].patches]
        # accuracy 1/2 and 1; mean confidence 0.2 and 0.8
        assert bars == [(0, 0.5), (0, 1.0), (0.5, pytest.approx(-0.3)), (1.0, pytest.approx(-0.2))]
        assert "ECE 0.250" in figure.axes[0].get_title(loc="left")
        assert_renders(figure)

    def test_error_is_that_of_the_metrics(self):
        generator = torch.Generator().manual_seed(0)
        confidence, correct = torch.rand(500, generator=generator), torch.rand(500, generator=generator) < 0.5
        expected = expected_calibration_error(confidence, correct).item()
        title = reliability_diagram(confidence, correct).axes[0].get_title(loc="left")
        assert f"ECE {expected:.3f}" in title

    def test_diverged(self):
        assert "No finite confidence" in said(reliability_diagram([np.nan], [False]))


class TestConfidentMistakes:
    PROBABILITY = np.array([[0.6, 0.4, 0], [0.1, 0.9, 0], [0.2, 0, 0.8], [0, 0.7, 0.3]])

    @pytest.mark.parametrize("shape", [(4, 5), (1, 4, 5), (3, 4, 5)])
    def test_most_confident_first(self, shape: tuple[int, ...]):
        images = torch.arange(4.0).reshape(4, *[1] * len(shape)).expand(4, *shape)
        figure = confident_mistakes(images, self.PROBABILITY, [1, 1, 0, 2], NAMES, count=2)
        assert [text.get_text() for text in figure.axes[0].texts] == ["owl 80%\n/ cat", "dog 70%\n/ owl"]
        assert "2 of 3" in figure.get_suptitle()
        assert_renders(figure)

    def test_shows_the_image_itself(self):
        images = np.random.default_rng(0).normal(size=(4, 4, 5))
        figure = confident_mistakes(images, self.PROBABILITY, [0, 1, 0, 1], NAMES)
        shown = figure.axes[0].images[0].get_array()
        assert np.corrcoef(shown.ravel(), images[2].ravel())[0, 1] == pytest.approx(1)
        assert (shown.min(), shown.max()) == (0, 1)

    def test_no_mistakes(self):
        figure = confident_mistakes(np.zeros((4, 2, 2)), self.PROBABILITY, [0, 1, 2, 1], NAMES)
        assert "No mistakes among 4 predictions" in said(figure)


class TestWeightImages:
    def test_one_picture_per_class_on_one_centred_scale(self):
        weight = torch.linspace(-1, 3, 18).reshape(3, 6)
        figure = weight_images(weight, (1, 2, 3), NAMES)
        gallery = figure.axes[0]
        assert [text.get_text() for text in gallery.texts] == NAMES
        for image, row in zip(gallery.images, weight, strict=True):
            np.testing.assert_allclose(image.get_array(), row.reshape(2, 3))
        limits = {image.get_clim() for image in gallery.images}
        assert len(limits) == 1
        low, high = limits.pop()
        assert low == -high
        assert 2.5 < high <= 3
        assert_renders(figure)

    @pytest.mark.parametrize("value", [0.0, np.nan])
    def test_no_range_still_renders(self, value: float):
        assert_renders(weight_images(np.full((7, 4), value), (2, 2), list("abcdefg")))
