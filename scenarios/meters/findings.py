"""What is found wrong with a network and meter series of a user's own: where, what, what was done, what to do."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

LONGEST_NAME = 100
FEW = 5
UNSEEN = ("Cf", "Cs", "Co", "Cn")
"""Unicode categories that a line cannot show: format signs, lone surrogates, private and unassigned ones."""

WHOLE_FILE_SHARE = 0.9


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of finding: its heading, the consequence it always has, and what the user should do."""

    title: str
    done: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found: its kind, where it is (a file, an element, a meter), and what exactly is there."""

    kind: Kind
    where: str
    what: str


def printable(name: object) -> str:
    """Return a name that a line of text can hold: no line breaks, control characters or lone surrogates."""
    kinds = [(each, unicodedata.category(each)) for each in str(name)]
    shown = "".join(" " if kind == "Cc" or kind[0] == "Z" else each for each, kind in kinds if kind not in UNSEEN)
    return " ".join(shown.split())[:LONGEST_NAME].strip()


def listed(names: Sequence[object], most: int = FEW) -> str:
    """Return the first names of many, quoted, and how many more there are."""
    shown = ", ".join(repr(printable(name)) for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")


def counted(n: int, thing: str) -> str:
    """Return so many things, in words."""
    return f"{n} {thing}" if n == 1 else f"{n} {thing}s"


def together(findings: Sequence[Finding], meters: int, file: str) -> list[Finding]:
    """Return the findings, those of (nearly) every meter as one of the whole file."""
    of_kind: dict[str, set[str]] = {}
    for each in findings:
        of_kind.setdefault(each.kind.title, set()).add(each.where)
    count = {title: len(names) for title, names in of_kind.items()}
    everywhere = {title for title, n in count.items() if meters > FEW and n >= WHOLE_FILE_SHARE * meters}
    kept, said = [], set()
    for each in findings:
        title = each.kind.title
        if title not in everywhere:
            kept.append(each)
        elif title not in said:
            said.add(title)
            kept.append(Finding(each.kind, file, f"{count[title]} of {meters} meters; {each.where}: {each.what}"))
    return kept
