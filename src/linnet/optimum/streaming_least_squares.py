"""Least squares over more rows than fit in memory."""

from collections.abc import Iterable, Iterator

from linnet.optimum.least_squares import NO_ROWS, LeastSquares, check_not_empty, check_objective, minimum, moved_rows
from linnet.optimum.refinement import Block
from linnet.optimum.rows import Rows, Summary, as_columns, block_of, check_shapes
from linnet.optimum.triangle import Triangle
from linnet.optimum.triangular_solution import Coordinates


class StreamingLeastSquares:
    """`least_squares` from blocks of rows, in memory O((D + C)² + rows of a block).

    One pass gives the solution of plain QR. A second one refines it to what `least_squares` returns.

        streaming = StreamingLeastSquares()
        for x, y in blocks:
            streaming.add(x, y)
        fit = streaming.result(blocks)

    Args:
        bias: whether there is one; it is never penalised.
        l2: strength of the penalty in [0, inf).

    Raises:
        ValueError: l2 is out of range.
    """

    def __init__(self, *, bias: bool = True, l2: float = 0.0) -> None:
        check_objective(l2)
        self._bias, self._l2 = bias, l2
        self._started: tuple[Triangle, Coordinates, Summary] | None = None
        self._shape: tuple[int, int] | None = None

    def add(self, x: Rows, y: Rows, sample_weight: Rows | None = None) -> None:
        """Take in rows `x [n, D]`, `y [n, C]` or `[n]`, `sample_weight [n]`; n may differ from block to block.

        Raises:
            ValueError: as `least_squares`, or D or C is not that of the blocks before. Nothing is taken in then.
        """
        block = self._block(x, y, sample_weight)
        if len(block.design) == 0:
            return
        if self._started is None:
            first = Summary(block.design.shape[1], block.target.shape[1])
            first.add(block)
            n_columns = block.design.shape[1] + block.target.shape[1]
            empty = Summary(block.design.shape[1], block.target.shape[1])
            self._started = Triangle(n_columns), first.coordinates(bias=self._bias), empty
        triangle, at, summary = self._started
        summary.add(block)
        triangle.add(moved_rows(block, at))

    def result(self, blocks: Iterable[tuple[Rows, ...]] | None = None) -> LeastSquares:
        """The minimum over all rows so far; more may be added afterwards.

        Args:
            blocks: the same rows again, as tuples (x, y) or (x, y, sample_weight), for refinement. Something that can
                be iterated over several times (a list, a loader): a hard problem takes up to `MAX_STEPS` passes.

        Raises:
            ValueError: there are no rows, their squares overflow, or `blocks` does not yield as many as were added.
        """
        if self._started is None:
            raise ValueError(NO_ROWS)
        triangle, at, summary = self._started
        return minimum(
            triangle, at, summary, self._l2, None if blocks is None else lambda: self._again(blocks, summary)
        )

    def _again(self, blocks: Iterable[tuple[Rows, ...]], before: Summary) -> Iterator[Block]:
        n_rows = 0
        for rows in blocks:
            block = self._block(*rows)
            n_rows += len(block.design)
            yield block
        if n_rows != before.n_rows:
            raise ValueError(
                f"blocks yields {n_rows} rows of positive weight, but {before.n_rows} were added: "
                "give the same rows, in something that can be iterated over again (a list, not a generator)"
            )

    def _block(self, x: Rows, y: Rows, sample_weight: Rows | None = None) -> Block:
        y = as_columns(y)
        check_shapes(x, y, sample_weight)
        check_not_empty(x.shape[1], bias=self._bias)
        shape = x.shape[1], y.shape[1]
        if self._shape is not None and shape != self._shape:
            raise ValueError(f"x and y have {shape} columns: expected {self._shape}, as in the blocks before")
        block = block_of(x, y, sample_weight, bias=self._bias)
        self._shape = shape
        return block
