"""Figures show what they were given: their artists are read back, and every figure renders."""

from collections.abc import Callable

import matplotlib as mpl
import numpy as np
import pytest
import torch
from drawn import assert_renders, said
from matplotlib.figure import Figure

from linnet.tracking.figures import (
    coefficients,
    learning_curves,
    prediction_against_target,
    residuals,
    strongest_features,
)
from linnet.tracking.figures.style import MAX_POINTS, PALETTE, name_figure

NAMES = ["cat", "dog", "owl"]


pytestmark = pytest.mark.filterwarnings("error")


class TestLearningCurves:
    def test_draws_each_curve_and_the_metric(self):
        history = {
            "train/loss": (list(range(6)), [3.0, 2.5, 2.0, 1.5, 1.2, 1.0]),
            "train/loss_epoch": ([2, 5], [2.5, 1.2]),
            "val/loss": ([2, 5], [2.6, 1.3]),
            "val/accuracy": ([2, 5], [0.5, 0.75]),
            "lr": ([0, 1], [0.1, 0.1]),
        }
        figure = learning_curves(history)
        losses, metric = figure.axes
        for line, key in zip(losses.lines, ["train/loss", "train/loss_epoch", "val/loss"], strict=True):
            assert line.get_xdata().tolist() == history[key][0]
            assert line.get_ydata().tolist() == history[key][1]
        assert metric.lines[0].get_ydata().tolist() == [0.5, 0.75]
        assert "best 0.75" in metric.get_title(loc="left")
        assert_renders(figure)

    def test_steps_are_numbered_by_epochs_and_panels_share_them(self):
        history = {
            "train/loss_epoch": ([41, 82, 123], [3.0, 2.0, 1.0]),
            "val/accuracy": ([41, 82, 123], [0.5, 0.7, 0.9]),
        }
        figure = learning_curves(history)
        losses, metric = figure.axes
        ticks = dict(zip([label.get_text() for label in metric.get_xticklabels()], metric.get_xticks(), strict=True))
        assert ticks["1"] == 41 and ticks["3"] == 123
        assert metric.get_xlabel() == "epoch (of 41 steps)" and losses.get_xlim() == metric.get_xlim()
        name_figure(figure, "runs/mine, test split")
        assert figure.get_suptitle() == "runs/mine, test split"
        assert_renders(figure)

    @pytest.mark.parametrize(
        ("values", "scale"),
        [([1.0, 0.5], "linear"), ([1000.0, 1.0], "log"), ([1000.0, 0.0], "linear"), ([1000.0, -1.0], "linear")],
    )
    def test_log_axis_only_for_a_wide_positive_range(self, values: list[float], scale: str):
        figure = learning_curves({"val/loss": ([1, 2], values)})
        assert figure.axes[0].get_yscale() == scale
        assert_renders(figure)

    def test_a_diverged_run_shows_its_finite_part(self):
        figure = learning_curves({"train/loss": ([0, 1, 2, 3], [1.0, 2.0, np.inf, np.nan])})
        assert figure.axes[0].lines[0].get_ydata().tolist() == [1.0, 2.0]
        assert "2 non-finite" in figure.axes[0].get_title(loc="left")
        assert_renders(figure)

    def test_long_curves_are_thinned_but_keep_their_spike(self):
        values = np.ones(50_000)
        values[31_234] = 7
        line = learning_curves({"train/loss": (range(50_000), values)}).axes[0].lines[0]
        assert len(line.get_ydata()) <= MAX_POINTS
        assert line.get_xdata()[line.get_ydata().argmax()] == 31_234

    @pytest.mark.parametrize(
        "history", [{"train/loss": ([0], [np.nan])}, {"val/loss": ([], []), "val/r2": ([0], [np.nan])}]
    )
    def test_nothing_finite_still_renders(self, history: dict[str, tuple[list[int], list[float]]]):
        assert_renders(learning_curves(history))

    def test_no_loss(self):
        assert "No loss" in said(learning_curves({"val/accuracy": ([0], [0.5])}))


class TestRegression:
    def test_points_and_identity_line(self):
        prediction, target = torch.tensor([1.0, 2.0, 4.0]), torch.tensor([1.5, 2.0, 3.0])
        axes = prediction_against_target(prediction, target).axes[0]
        np.testing.assert_array_equal(axes.collections[0].get_offsets(), [[1.5, 1], [2, 2], [3, 4]])
        np.testing.assert_array_equal(axes.lines[0].get_xydata(), [[1, 1], [4, 4]])

    def test_residuals_are_target_minus_prediction(self):
        scatter, histogram = residuals([1.0, 2.0, 4.0], [1.5, 2.0, 3.0]).axes
        np.testing.assert_array_equal(scatter.collections[0].get_offsets(), [[1, 0.5], [2, 0], [4, -1]])
        assert "mean -0.167" in histogram.get_title(loc="left")

    def test_fitted_normal_covers_the_histogram(self):
        noise = np.random.default_rng(0).normal(0.3, 2, size=20_000)
        histogram = residuals(np.zeros(20_000), noise).axes[1]
        y, x = histogram.lines[0].get_data()
        assert x[y.argmax()] == pytest.approx(0.3, abs=0.1)
        assert np.trapezoid(y, x) == pytest.approx(1, abs=1e-3)
        assert sum(bar.get_height() * bar.get_width() for bar in histogram.patches) == pytest.approx(1)

    @pytest.mark.parametrize("draw", [prediction_against_target, residuals])
    def test_many_points_and_outputs(self, draw: Callable[..., Figure]):
        values = np.random.default_rng(0).normal(size=(2, 4000, 2))
        figure = draw(values[0], values[1])
        assert len(figure.axes[0].collections[0].get_offsets()) == MAX_POINTS
        assert_renders(figure)

    @pytest.mark.parametrize("draw", [prediction_against_target, residuals])
    @pytest.mark.parametrize("size", [1, 100])
    def test_exact_predictions(self, draw: Callable[..., Figure], size: int):
        assert_renders(draw(np.full(size, 2.0), np.full(size, 2.0)))

    @pytest.mark.parametrize("draw", [prediction_against_target, residuals])
    def test_diverged(self, draw: Callable[..., Figure]):
        figure = draw([np.nan, np.inf], [1.0, 2.0])
        assert "No finite prediction" in said(figure)
        assert_renders(figure)

    @pytest.mark.parametrize("draw", [prediction_against_target, residuals])
    def test_refuses_different_shapes(self, draw: Callable[..., Figure]):
        with pytest.raises(ValueError, match=r"got \[3, 1\] and \[3\]"):
            draw(np.zeros((3, 1)), np.zeros(3))


class TestCoefficients:
    def test_largest_first_with_their_intervals(self):
        figure = coefficients([1.0, -3, 2], list("abc"), optimum=[1.0, -2, 2], std_error=[0.5, 1, 0], margin=2)
        axes = figure.axes[0]
        assert [label.get_text() for label in axes.get_yticklabels()] == ["b", "c", "a"]
        (run,) = [line for line in axes.lines if line.get_label() == "this run"]
        np.testing.assert_array_equal(run.get_xydata(), [[-3, 0], [2, 1], [1, 2]])
        ends = np.array([[segment[0, 0], segment[1, 0]] for segment in axes.collections[0].get_segments()])
        np.testing.assert_array_equal(ends, [[-4, 0], [2, 2], [0, 2]])
        assert_renders(figure)

    def test_at_most_thirty_and_no_formulas(self):
        figure = coefficients(np.arange(100.0), [f"$x^{i}$ and much more of a name" for i in range(100)])
        assert len(figure.axes[0].get_yticklabels()) == 30
        assert "30 largest of 100" in figure.axes[0].get_title(loc="left")
        assert_renders(figure)

    def test_diverged(self):
        assert "No finite coefficient" in said(coefficients([np.nan], ["a"]))

    def test_of_each_class_the_strongest(self):
        weight = np.zeros((3, 20))
        weight[1, 7], weight[1, 3] = -2, 1
        figure = strongest_features(weight, [f"x{i}" for i in range(20)], NAMES)
        axes = figure.axes[1]
        assert axes.get_title(loc="left") == "dog"
        assert [label.get_text() for label in axes.get_yticklabels()][:2] == ["x7", "x3"]
        assert [bar.get_width() for bar in axes.patches][:2] == [-2, 1]
        assert len(axes.patches) == 10
        assert_renders(figure)

    def test_of_many_classes_the_first(self):
        figure = strongest_features(np.ones((40, 2)), ["a", "b"], [str(k) for k in range(40)])
        assert "12 of 40" in figure.get_suptitle()
        assert_renders(figure)


def test_global_state_is_left_alone():
    before = dict(mpl.rcParams)
    figure = residuals([1.0, 2.0], [1.5, 2.0])
    assert_renders(figure)
    assert dict(mpl.rcParams) == before


def test_colours_are_those_of_okabe_and_ito():
    """In the RGB values of their table, without the yellow, which is hardly seen on white."""
    published = [(0, 0, 0), (230, 159, 0), (86, 180, 233), (0, 158, 115), (0, 114, 178), (213, 94, 0), (204, 121, 167)]
    assert {tuple(np.round(255 * np.array(mpl.colors.to_rgb(colour))).astype(int)) for colour in PALETTE} == set(
        published
    )
