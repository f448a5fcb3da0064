"""Information theory against hand-worked values and its own theorems."""

import math

import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch.testing import assert_close

from linnet.information import binary_entropy, cross_entropy, entropy, kl_divergence, perplexity, self_information

timeless = settings(deadline=None)  # the first call of a torch function is slow on a busy machine

DOG, PREDICTED = [1.0, 0.0, 0.0], [0.7, 0.2, 0.1]


def f64(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


@st.composite
def distributions(draw: st.DrawFn, count: int = 1) -> tuple[torch.Tensor, ...]:
    """`count` distributions over the same number of outcomes, zeros among them."""
    n = draw(st.integers(1, 8))
    weights = st.lists(st.one_of(st.just(0.0), st.floats(1e-6, 1.0)), min_size=n, max_size=n).filter(any)
    return tuple(f64(*w) / sum(w) for w in (draw(weights) for _ in range(count)))


class TestSelfInformation:
    def test_a_fair_coin_is_one_bit(self):
        assert self_information(0.5, "bits").item() == 1.0
        assert self_information(0.5).item() == pytest.approx(0.693147, abs=1e-6)

    def test_certain_and_impossible(self):
        assert str(self_information(1.0).item()) == "0.0"  # not −0.0
        assert self_information(0.0).item() == math.inf

    @timeless
    @given(st.floats(1e-9, 1), st.floats(1e-9, 1))
    def test_adds_up_over_independent_events(self, p, q):
        both = self_information(p * q).item()
        assert both == pytest.approx(self_information(p).item() + self_information(q).item(), abs=1e-9)

    @pytest.mark.parametrize("refused", [-0.1, 1.1, math.nan])
    def test_what_is_no_probability_is_refused(self, refused):
        with pytest.raises(ValueError, match=f"{refused:g}"):
            self_information([0.5, refused])


class TestEntropy:
    @pytest.mark.parametrize("n", [1, 2, 4, 256])
    def test_uniform_is_log_n_and_the_most(self, n):
        assert entropy([1 / n] * n, "bits").item() == pytest.approx(math.log2(n))

    @timeless
    @given(distributions())
    def test_lies_between_zero_and_log_n(self, drawn):
        (p,) = drawn
        assert 0 <= entropy(p).item() <= math.log(len(p)) + 1e-12

    @timeless
    @given(distributions())
    def test_is_the_expected_self_information(self, drawn):
        (p,) = drawn
        possible = p[p > 0]
        assert entropy(p).item() == pytest.approx((possible * self_information(possible)).sum().item(), abs=1e-12)

    def test_a_certain_outcome_has_none(self):
        assert entropy(DOG).item() == 0

    def test_adds_up_over_independent_variables(self):
        p, q = f64(0.2, 0.8), f64(0.5, 0.3, 0.2)
        joint = torch.outer(p, q).flatten()
        assert_close(entropy(joint), entropy(p) + entropy(q))

    def test_runs_along_the_last_dimension(self):
        p = torch.tensor([[[0.5, 0.5], [1.0, 0.0]]])
        assert entropy(p, "bits").tolist() == [[1.0, 0.0]]


class TestBinaryEntropy:
    def test_is_at_most_one_bit_at_one_half(self):
        p = torch.linspace(0, 1, 101, dtype=torch.float64)
        bits = binary_entropy(p, "bits")
        assert bits.argmax() == 50
        assert bits[50] == 1
        assert bits[0] == bits[100] == 0

    @timeless
    @given(st.floats(0, 1))
    def test_is_the_entropy_of_two_outcomes(self, p):
        assert binary_entropy(p).item() == pytest.approx(entropy([p, 1 - p]).item(), abs=1e-12)

    def test_what_is_no_probability_is_refused(self):
        with pytest.raises(ValueError, match=r"1\.5"):
            binary_entropy(1.5)


class TestKLDivergence:
    def test_worked_example(self):
        assert kl_divergence(DOG, PREDICTED).item() == pytest.approx(0.356675, abs=1e-6)  # −log 0.7
        assert kl_divergence(DOG, PREDICTED, "bits").item() == pytest.approx(0.514573, abs=1e-6)

    @timeless
    @given(distributions(count=2))
    def test_is_never_negative_nor_nan(self, drawn):
        assert kl_divergence(*drawn).item() >= 0

    def test_is_not_negative_where_rounding_is_all_there_is(self):
        p = torch.rand(1000, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        p /= p.sum(-1, keepdim=True)
        assert (kl_divergence(p, p * (1 + 1e-12 * f64(0, 1, 2, 3, 4))) >= 0).all()

    @timeless
    @given(distributions())
    def test_of_a_distribution_from_itself_is_exactly_zero(self, drawn):
        (p,) = drawn
        assert kl_divergence(p, p).item() == 0

    def test_is_infinite_where_the_possible_is_excluded(self):
        assert kl_divergence([0.5, 0.5], [1.0, 0.0]).item() == math.inf
        assert kl_divergence([1.0, 0.0], [0.5, 0.5]).item() == pytest.approx(math.log(2))

    def test_is_not_symmetric(self):
        p, q = [0.9, 0.1], [0.5, 0.5]
        assert kl_divergence(p, q).item() != pytest.approx(kl_divergence(q, p).item(), rel=0.1)

    def test_of_a_tiny_probability_is_finite(self):
        assert kl_divergence([0.5, 0.5], [1.0, 1e-310]).isfinite()

    def test_nearby_distributions_differ_by_half_the_chi_square(self):
        p, step = f64(0.2, 0.3, 0.5), 1e-4 * f64(1, 1, -2)
        chi_square = (step.square() / p).sum().item()
        assert kl_divergence(p + step, p).item() == pytest.approx(chi_square / 2, rel=1e-3)

    def test_leading_dimensions_broadcast(self):
        p = torch.tensor([[0.5, 0.5], [0.25, 0.75], [1.0, 0.0]])
        table = kl_divergence(p.unsqueeze(1), p)
        assert table.shape == (3, 3)
        assert_close(table[0, 1], kl_divergence(p[0], p[1]))

    def test_different_numbers_of_outcomes_are_refused(self):
        with pytest.raises(ValueError, match=r"\(1,\).*\(2,\)"):
            kl_divergence([1.0], [0.5, 0.5])


class TestCrossEntropy:
    @timeless
    @given(distributions(count=2))
    def test_is_entropy_plus_divergence(self, drawn):
        p, q = drawn
        parts = entropy(p) + kl_divergence(p, q)
        assert cross_entropy(p, q).item() == pytest.approx(parts.item(), abs=1e-9)

    def test_from_a_certain_outcome_is_its_self_information(self):
        assert cross_entropy(DOG, PREDICTED).item() == pytest.approx(self_information(0.7).item())

    def test_with_itself_is_the_entropy(self):
        assert_close(cross_entropy(PREDICTED, PREDICTED), entropy(PREDICTED))


class TestPerplexity:
    def test_of_a_uniform_belief_is_the_number_of_outcomes(self):
        assert perplexity(DOG, [1 / 3] * 3).item() == pytest.approx(3)

    def test_is_two_to_the_bits(self):
        bits = cross_entropy(PREDICTED, [0.5, 0.25, 0.25], "bits").item()
        assert perplexity(PREDICTED, [0.5, 0.25, 0.25]).item() == pytest.approx(2**bits)

    def test_of_a_certain_and_expected_outcome_is_one(self):
        assert perplexity(DOG, DOG).item() == 1


class TestArguments:
    @timeless
    @given(distributions(count=2))
    def test_bits_are_nats_over_log_two(self, drawn):
        p, q = drawn
        for function, arguments in [(entropy, (p,)), (kl_divergence, (p, q)), (cross_entropy, (p, q))]:
            nats, bits = function(*arguments), function(*arguments, unit="bits")
            assert bits.item() == pytest.approx(nats.item() / math.log(2))

    def test_another_unit_is_refused(self):
        with pytest.raises(ValueError, match=r"'hartleys'.*nats, bits"):
            entropy(DOG, unit="hartleys")

    @pytest.mark.parametrize(
        ("refused", "reason"),
        [
            ([0.5, 0.6], r"sum of 1\.1"),
            ([0.5, math.nan], "sum of nan"),
            ([math.inf, 0.5], "sum of inf"),
            ([1.5, -0.5], r"-0\.5"),
            ([], "sum of 0"),
            ([[0.5, 0.5], [0.5, 0.4]], r"sum of 0\.9"),
            (1.0, "single number 1"),
        ],
    )
    def test_what_is_no_distribution_is_refused(self, refused, reason):
        for function in (entropy, lambda p: kl_divergence(p, p), lambda p: cross_entropy(p, p)):
            with pytest.raises(ValueError, match=reason):
                function(refused)

    def test_sequences_are_double_precision_and_tensors_keep_theirs(self):
        assert entropy([0.5, 0.5]).dtype == torch.float64
        assert entropy(torch.tensor([0.5, 0.5])).dtype == torch.float32
        assert entropy(torch.tensor([1, 0])).dtype == torch.float64

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
    def test_rounded_probabilities_of_many_outcomes_are_accepted(self, dtype):
        p = torch.softmax(torch.randn(3, 1000, generator=torch.Generator().manual_seed(0)), -1).to(dtype)
        exact = entropy(p.double() / p.double().sum(-1, keepdim=True))
        assert_close(entropy(p).double(), exact, rtol=torch.finfo(dtype).eps * 8, atol=0)
        assert torch.equal(kl_divergence(p, p), torch.zeros(3, dtype=dtype))
