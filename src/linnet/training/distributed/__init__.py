"""One run in several processes: each takes its share of every minibatch, and all make the same update."""
