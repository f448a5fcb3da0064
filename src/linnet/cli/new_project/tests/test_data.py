import numpy as np
import pytest

from my_project.data import prices


@pytest.mark.parametrize("split", ["train", "test"])
def test_prices_are_those_of_the_formula_plus_noise(split):
    x, y = prices(n=10_000, noise=20, seed=0)[split]
    noise = y - (50 + 3 * x[:, 0] + 10 * x[:, 1])
    np.testing.assert_allclose(noise.mean(), 0, atol=0.8)  # four standard errors, as below
    np.testing.assert_allclose(noise.std(), 20, rtol=0.03)


def test_without_noise_prices_are_exact():
    x, y = prices(n=50, noise=0, seed=0)["train"]
    np.testing.assert_allclose(y, 50 + 3 * x[:, 0] + 10 * x[:, 1])


def test_equal_seeds_give_equal_flats_and_no_flat_is_in_both_splits():
    found, again, other = prices(seed=1), prices(seed=1), prices(seed=2)
    for split in ("train", "test"):
        assert all((a == b).all() for a, b in zip(found[split], again[split], strict=True))
        assert (found[split][0] != other[split][0]).any()
    assert not set(found["train"][1]) & set(found["test"][1])
