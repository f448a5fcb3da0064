import numpy as np
import pytest

from linnet.solvers.least_squares.qr_factor import Triangle, triangularised


@pytest.mark.parametrize("sizes", [[5000], [1] * 30, [3, 0, 2000, 1, 1500, 1200, 7]])
@pytest.mark.parametrize("n_columns", [1, 8, 70])
def test_factor_has_the_gram_matrix_of_all_rows(sizes: list[int], n_columns: int):
    rng = np.random.default_rng(0)
    triangle = Triangle(n_columns)
    blocks = [rng.standard_normal((size, n_columns)) * np.geomspace(1e-8, 1e8, n_columns) for size in sizes]
    for block in blocks:
        triangle.add(block)
    rows, factor = np.concatenate(blocks), triangle.factor()
    lengths = np.linalg.norm(rows, axis=0)
    assert factor.shape == (min(rows.shape), n_columns)
    np.testing.assert_array_equal(factor, np.triu(factor))
    np.testing.assert_allclose(
        factor.T @ factor / np.outer(lengths, lengths), rows.T @ rows / np.outer(lengths, lengths), atol=1e-14
    )
    np.testing.assert_array_equal(triangle.factor(), factor)


def test_no_rows():
    assert Triangle(3).factor().shape == (0, 3)
    assert triangularised(np.zeros((2, 0))).shape == (0, 0)
