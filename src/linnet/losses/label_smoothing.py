"""Label smoothing: the distribution over classes that a label stands for, applied without storing it.

A label y with smoothing ε means q = (1 − ε) onehot(y) + ε/C: probability ε is spread evenly over all C classes,
y among them (Szegedy et al., "Rethinking the Inception Architecture", 2016, section 7; torch's convention). A
one-hot matrix as large as the logits would be the costliest thing in a training step, so q is only ever applied.
"""

from torch import Tensor


def expectation(scores: Tensor, target: Tensor, label_smoothing: float) -> Tensor:
    """Return Σ_c q_c s_c, `[K, B]`, of scores `[K, C, B]` under the distributions q of the labels `[B]`."""
    of_label = scores.gather(1, target.expand(scores.shape[0], 1, -1)).squeeze(1)
    if label_smoothing == 0:
        return of_label
    return (1 - label_smoothing) * of_label + label_smoothing * scores.mean(1)


def subtract_labels_(probability: Tensor, target: Tensor, label_smoothing: float) -> Tensor:
    """Turn probabilities `[K, C, B]` into probability − q, in place, for labels `[B]`."""
    if label_smoothing != 0:
        probability -= label_smoothing / probability.shape[1]
    return probability.scatter_(1, target.expand(probability.shape[0], 1, -1), label_smoothing - 1, reduce="add")
