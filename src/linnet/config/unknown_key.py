"""Message for a key that does not exist, with the nearest one that does."""

import difflib
from collections.abc import Sequence

from linnet.config.groups import shipped
from linnet.config.run_options import NOT_OFFERED


def unknown_key(key: str, known: Sequence[str]) -> str:
    """Return the message for a key that does not exist; Hydra's own settings are not suggested."""
    group, _, name = key.partition(".")
    if group == "trainer" and name in NOT_OFFERED:
        return f"{key}: linnet has no such option of Lightning's Trainer: {NOT_OFFERED[name]}"
    part, _, leaf = name.partition(".")  # of one logger or callback among several
    options = shipped().get(group, {}).items()
    owners = [
        option for option, node in options if name in node or (isinstance(node.get(part), dict) and leaf in node[part])
    ]
    if owners:
        return f"{key}: the chosen {group} has no such key, it belongs to {group}={', '.join(owners)}"
    remedy = nearest(key, [word for word in known if not word.startswith("hydra.") and "_target_" not in word])
    return f"{key}: no such key{remedy}; `linnet train --cfg job` lists them"


def nearest(word: str, known: Sequence[str]) -> str:
    """Return ", did you mean …?" if there is a near match, else nothing."""
    match = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f", did you mean {match[0]}?" if match else ""
