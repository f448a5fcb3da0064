"""Random streams: a pure function of seed, name and index, as `SeedSequence` defines them."""

import zlib

import numpy as np
import pytest

from linnet.system.seeds import generator


@pytest.mark.parametrize("seed", [0, 1, 2**31, 2**32 - 1, 2**32, 2**40 + 5, 2**64 - 1])
@pytest.mark.parametrize("index", [(), (0,), (7, 3), (2**33,)])
def test_a_stream_is_seeded_by_the_first_63_bits_of_the_sequence(seed: int, index: tuple[int, ...]) -> None:
    sequence = np.random.SeedSequence([seed, zlib.crc32(b"order"), *index])
    expected = int(sequence.generate_state(1, np.uint64)[0]) >> 1
    assert generator(seed, "order", *index).initial_seed() == expected
