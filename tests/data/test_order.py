"""The batch order: each example once an epoch, and the same order for the same (seed, epoch), whatever came before."""

import torch
from hypothesis import given, strategies as st

from linnet.data.order import MINIBATCHES_PER_CHUNK, Chunks, epoch_order

SIZES = st.integers(1, 3000)
SEEDS = st.integers(0, 2**63 - 1)
EPOCHS = st.integers(0, 10**6)


def chunks(n_samples: int, batch_size: int, seed: int = 0, epoch: int = 0, overfit_batches: int = 0) -> Chunks:
    steps_per_epoch = Chunks(n_samples, batch_size, seed, int, overfit_batches).steps_per_epoch
    return Chunks(n_samples, batch_size, seed, lambda: epoch * steps_per_epoch, overfit_batches)


class TestEpochOrder:
    @given(n=SIZES, seed=SEEDS, epoch=EPOCHS)
    def test_is_a_permutation(self, n, seed, epoch):
        order = epoch_order(n, seed, epoch)
        assert order.dtype == torch.int64
        assert sorted(order.tolist()) == list(range(n))

    @given(seed=SEEDS, epoch=EPOCHS)
    def test_is_a_function_of_seed_and_epoch_alone(self, seed, epoch):
        first = epoch_order(100, seed, epoch)
        torch.manual_seed(seed % 1000)
        epoch_order(50, seed, epoch + 1)
        assert torch.equal(epoch_order(100, seed, epoch), first)

    @given(seed=st.integers(0, 2**63 - 2), epoch=EPOCHS)
    def test_differs_for_the_neighbours(self, seed, epoch):
        first = epoch_order(100, seed, epoch)
        assert not torch.equal(epoch_order(100, seed + 1, epoch), first)
        assert not torch.equal(epoch_order(100, seed, epoch + 1), first)

    def test_does_not_mistake_a_seed_for_an_epoch(self):
        assert not torch.equal(epoch_order(100, 0, 1), epoch_order(100, 1, 0))

    def test_visits_every_place_alike(self):
        # The mean place of an example over 4000 epochs is 49.5 with standard deviation 28.9/√4000 = 0.46.
        places = torch.stack([epoch_order(100, 0, epoch).argsort() for epoch in range(4000)]).double().mean(dim=0)
        assert (places - 49.5).abs().max() < 5 * 0.46


class TestBundles:
    @given(n=SIZES, batch_size=st.integers(1, 100), epoch=EPOCHS)
    def test_cover_each_example_once_in_the_order_of_the_epoch(self, n, batch_size, epoch):
        assert torch.equal(torch.cat(list(chunks(n, batch_size, 3, epoch))), epoch_order(n, 3, epoch))

    @given(n=SIZES, batch_size=st.integers(1, 100))
    def test_are_whole_minibatches_and_a_short_one_at_the_end(self, n, batch_size):
        found = chunks(n, batch_size)
        sizes = [len(minibatch) for chunk in found for minibatch in chunk.split(batch_size)]
        assert sizes[:-1] == [batch_size] * (len(sizes) - 1)
        assert sizes[-1] == (n % batch_size or batch_size)
        assert found.steps_per_epoch == len(sizes)

    @given(n=SIZES, batch_size=st.integers(1, 100))
    def test_are_as_many_as_they_say_and_bounded(self, n, batch_size):
        found = chunks(n, batch_size)
        rows = list(found)
        assert len(found) == len(rows)
        assert all(0 < len(chunk) <= batch_size * MINIBATCHES_PER_CHUNK for chunk in rows)

    def test_ask_for_the_epoch_each_time(self):
        steps = iter([20, 35])
        found = Chunks(50, 10, 0, lambda: next(steps))
        assert torch.equal(torch.cat(list(found)), epoch_order(50, 0, 4))
        assert torch.equal(torch.cat(list(found)), epoch_order(50, 0, 7))


class TestResumed:
    @given(n=SIZES, batch_size=st.integers(1, 100), per_chunk=st.integers(1, 70), data=st.data())
    def test_goes_on_where_it_was_and_lightning_counts_as_many_bundles(self, n, batch_size, per_chunk, data):
        steps_per_epoch = -(-n // batch_size)
        done = data.draw(st.integers(0, steps_per_epoch - 1))
        found = Chunks(n, batch_size, 0, lambda: 5 * steps_per_epoch + done, per_chunk=per_chunk)
        rows = list(found)
        assert torch.equal(torch.cat(rows), epoch_order(n, 0, 5)[done * batch_size :])
        assert len(rows) == len(found)


class TestOverfit:
    @given(n=SIZES, batch_size=st.integers(1, 100), count=st.integers(1, 5), epoch=EPOCHS)
    def test_is_the_first_minibatches_of_the_first_epoch_in_every_epoch(self, n, batch_size, count, epoch):
        found = chunks(n, batch_size, 3, epoch, count)
        visited = torch.cat(list(found))
        assert torch.equal(visited, epoch_order(n, 3, 0)[: count * batch_size])
        assert found.n_visited == len(visited)
        assert found.steps_per_epoch == -(-len(visited) // batch_size)
