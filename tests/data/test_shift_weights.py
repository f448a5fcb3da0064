"""Weights for a target of another distribution, against values worked by hand and by what they are meant to do."""

import math

import pytest
import torch

from linnet.data.sources.shift_weights import (
    confusion_matrix,
    density_ratio,
    effective_sample_size,
    label_weights,
    normalize_weights,
)


class TestDensityRatio:
    def test_is_the_odds_of_equal_samples(self):
        ratio = density_ratio(torch.tensor([0.0, math.log(3), -math.log(4)]).double(), 10, 10)
        torch.testing.assert_close(ratio, torch.tensor([1.0, 3.0, 0.25]).double())

    def test_takes_out_that_the_samples_differ_in_size(self):
        # Even odds although there are four times as many inputs of the target: p is a quarter of q there.
        assert density_ratio(torch.tensor(0.0), 10, 40).item() == 0.25
        assert density_ratio(torch.tensor([[0.0, 0.0]]), 30, 10).tolist() == [[3.0, 3.0]]


class TestConfusionMatrix:
    def test_counts_predictions_by_rows_and_classes_by_columns(self):
        predicted, y = torch.tensor([0, 0, 0, 1, 2, 2]), torch.tensor([0, 0, 1, 1, 0, 0])
        assert confusion_matrix(predicted, y, 3).tolist() == [[2, 1, 0], [0, 1, 0], [2, 0, 0]]


class TestLabelWeights:
    def test_two_classes_worked_by_hand(self):
        # 0.4 a + 0.1 b = 0.26 and 0.1 a + 0.4 b = 0.74 give a = 0.2, b = 1.8.
        weights = label_weights(torch.tensor([[40, 10], [10, 40]]), torch.tensor([26, 74]))
        torch.testing.assert_close(weights, torch.tensor([0.2, 1.8]).double())

    def test_predictions_that_did_not_change_give_ones(self):
        confusion = torch.tensor([[50, 3, 2], [4, 20, 1], [1, 2, 17]])
        torch.testing.assert_close(label_weights(confusion, 7 * confusion.sum(dim=1)), torch.ones(3).double())

    def test_of_a_faultless_classifier_are_shares_over_shares(self):
        weights = label_weights(torch.diag(torch.tensor([80, 10, 10])), torch.tensor([10, 10, 80]))
        torch.testing.assert_close(weights, torch.tensor([0.125, 1.0, 8.0]).double())

    def test_are_never_negative(self):
        # The equations give 7/3 for the first class and −1/3 for the second.
        weights = label_weights(torch.tensor([[40, 10], [10, 40]]), torch.tensor([90, 10]))
        assert weights[0] > 0 and weights[1] == 0
        # The least squares of one column c alone: c·μ / c·c = (0.4 · 0.9 + 0.1 · 0.1) / 0.17.
        assert weights[0].item() == pytest.approx(0.37 / 0.17)

    def test_ask_for_every_class_among_the_labelled(self):
        with pytest.raises(ValueError, match="no validation example is of class 1"):
            label_weights(torch.tensor([[4, 0], [1, 0]]), torch.tensor([3, 2]))

    def test_ask_for_a_classifier_that_tells_classes_apart(self):
        with pytest.raises(ValueError, match="the confusion matrix is singular"):
            label_weights(torch.tensor([[8, 2], [4, 1]]), torch.tensor([3, 2]))


class TestOfMeanOne:
    def test_keeps_the_proportions(self):
        assert normalize_weights(torch.tensor([1.0, 0.0, 5.0])).tolist() == [0.5, 0.0, 2.5]

    @pytest.mark.parametrize("weight", [[0.0, 0.0], [1.0, math.inf], [1.0, math.nan]])
    def test_refuses_what_has_no_such_mean(self, weight):
        with pytest.raises(ValueError, match="do not cover the target"):
            normalize_weights(torch.tensor(weight))


class TestEffectiveSampleSize:
    def test_is_the_number_of_examples_of_equal_weight(self):
        assert effective_sample_size(torch.full((7,), 0.3).double()) == pytest.approx(7)

    def test_is_one_where_one_has_all_the_weight(self):
        assert effective_sample_size(torch.tensor([0.0, 5.0, 0.0])) == 1

    def test_worked_by_hand(self):
        assert effective_sample_size(torch.tensor([1.0, 1.0, 2.0])) == pytest.approx(16 / 6)
