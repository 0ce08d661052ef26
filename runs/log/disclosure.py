"""What parties are told in a step, counted: messages, and values in them (columns of the log)."""

import numpy as np

from peerflex.core.arrays import Ints
from peerflex.core.messages import KINDS
from peerflex.runs.log.columns import Part, Source


def messages(part: Part) -> Ints:
    """Count the messages of every step, whoever sends them."""
    return np.array([sum(batch.count for batch in said) for said in part.values("messages")], dtype=np.int64)


def disclosed_to(receiver: str) -> Source:
    """Count the values that a kind of party is told in every step: messages to it, times the fields of each."""

    def values(part: Part) -> Ints:
        told = [
            sum(batch.count * len(KINDS[batch.kind].fields) for batch in said if batch.receiver == receiver)
            for said in part.values("messages")
        ]
        return np.array(told, dtype=np.int64)

    return values
