# %% [markdown]
# # Codes
# How short can a message of three symbols become, with Huffman's code of blocks, and with a code for other odds?

# %%
import heapq
import itertools
import math

import numpy as np

from linnet.information import cross_entropy, entropy


def code(p):
    """Return the words of Huffman's code, one for each symbol of probabilities p, as texts of 0 and 1."""
    words, order = [""] * len(p), itertools.count()
    heap = [(chance, next(order), [symbol]) for symbol, chance in enumerate(p)]
    heapq.heapify(heap)
    while len(heap) > 1:
        one, two = heapq.heappop(heap), heapq.heappop(heap)
        for digit, (_, _, symbols) in zip("01", (one, two), strict=True):
            for symbol in symbols:
                words[symbol] = digit + words[symbol]
        heapq.heappush(heap, (one[0] + two[0], next(order), one[2] + two[2]))
    return words


def of_blocks(p, n):
    """Return the probabilities of blocks of n independent symbols."""
    return [math.prod(block) for block in itertools.product(p, repeat=n)]


# %% [markdown]
# Blocks come nearer to the entropy, and never below it. Equal odds: log₂ 3 = 1.585 bits, where one symbol takes 1.667.

# %%
for p in ([1 / 3] * 3, [0.7, 0.2, 0.1]):
    print(f"p = {np.round(p, 3).tolist()}: entropy {entropy(p, 'bits'):.4f} bits")
    for n in (1, 2, 3, 5, 7):
        blocks = of_blocks(p, n)
        print(f"  blocks of {n}: {sum(c * len(word) for c, word in zip(blocks, code(blocks), strict=True)) / n:.4f}")

# %% [markdown]
# A message, written and read again, with the code for its odds and with one for odds that are wrong.

# %%
p, q = [1 / 2, 1 / 4, 1 / 8, 1 / 8], [1 / 8, 1 / 8, 1 / 4, 1 / 2]
message = np.random.default_rng(0).choice(4, size=100_000, p=p)
for believed in (p, q):
    words = code(believed)
    written = "".join(words[symbol] for symbol in message)
    symbols, read, word = {text: symbol for symbol, text in enumerate(words)}, [], ""
    for digit in written:
        word += digit
        if word in symbols:
            read.append(symbols[word])
            word = ""
    assert read == message.tolist()
    print(f"code for {believed}: {len(written) / len(message):.3f} bits a symbol, cross-entropy "
          f"{cross_entropy(p, believed, 'bits'):.3f}")  # fmt: skip

# %% [markdown]
# Digits of another base: how many levels and digits do 8 numbers take, and a million?

# %%
for base in (2, 3, 4):
    digits = [next(n for n in itertools.count() if base**n >= size) for size in (8, 10**6)]
    print(f"base {base}: {digits[0]} digits for 0 ... 7, {digits[1]} for a million numbers, "
          f"{base / math.log(base):.3f} levels a nat")  # fmt: skip
