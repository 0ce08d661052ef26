"""What somebody may have meant."""

from collections.abc import Iterable
from difflib import get_close_matches

MOST_SHOWN = 20


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint for a name that is not known: the nearest one, and all of them."""
    names = sorted(known)
    close = get_close_matches(name, names, n=1, cutoff=0.5)
    shown = ", ".join(names[:MOST_SHOWN]) + (", ..." if len(names) > MOST_SHOWN else "")
    guess = f"Did you mean {close[0]!r}? " if close else ""
    return f"{guess}Known here: {shown or 'none'}."
