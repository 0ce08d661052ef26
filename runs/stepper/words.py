"""From what somebody types to what it means: settings, names of peers and wires, and how a name is completed."""

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from peerflex.core.errors import InputError
from peerflex.runs.log.manifest import Manifest
from peerflex.scenarios.hints import nearest
from peerflex.scenarios.layers import parse_settings
from peerflex.scenarios.schema import FIXED

_NEXT_SETTING: Final = re.compile(r"\s+(?=[\w.#-]+=)")
_QUOTES: Final = "'\""


def settings(text: str) -> dict[str, Any]:
    """Return ``KEY=VALUE KEY=VALUE ...`` as a document; a value may hold spaces.

    Raises:
        InputError: if it says nothing, or is of another form.
    """
    if not text.strip():
        raise InputError("set", "says nothing to change", "For example: set dso.loading=0.9")
    return parse_settings([unquoted(each) for each in _NEXT_SETTING.split(text.strip())])


def folder_and_settings(text: str) -> tuple[str | None, dict[str, Any] | None]:
    """Return the folder and the settings of ``[FOLDER] [KEY=VALUE ...]``, None for what is not said.

    Raises:
        InputError: if there is more than one folder.
    """
    begin = re.search(r"(?:^|\s)(?=[\w.#-]+=)", text)
    before, after = (text, "") if begin is None else (text[: begin.start()], text[begin.start() :])
    names = words(before)
    if len(names) > 1:
        raise InputError(
            "branch", f"{' '.join(names)} names more than one folder", "Put quotes round a name with spaces."
        )
    return (names[0] if names else None), (settings(after) if after.strip() else None)


def words(text: str) -> list[str]:
    """Return the words of a text; quotes hold words together.

    Raises:
        InputError: if a quote is not closed.
    """
    try:
        return shlex.split(text)
    except ValueError as error:
        raise InputError(text, str(error).lower(), "Close the quotes.") from None


def unquoted(text: str) -> str:
    """Return a text without the quotes round all of it."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in _QUOTES:
        return text[1:-1]
    return text


def find(name: str, known: Sequence[str], what: str) -> str:
    """Return the one name that is meant: it may be written in other letters, or only in part.

    Raises:
        InputError: if no name is meant, or more than one.
    """
    asked = unquoted(name)
    if asked in known:
        return asked
    lower = asked.lower()
    found = (
        [each for each in known if each.lower() == lower]
        or [each for each in known if each.lower().endswith(f" {lower}")]  # 'Load 1' is not 'Load 11'
        or [each for each in known if lower in each.lower()]
    )
    if not asked or len(found) != 1:
        many = f"{len(found)} names hold {asked!r}" if asked and found else f"there is no {what} {asked!r}"
        raise InputError(what, many, nearest(asked, found or known))
    return found[0]


def whole_number(text: str, what: str) -> int:
    """Return a count or a row number.

    Raises:
        InputError: if it is none.
    """
    if not text.strip().isdecimal():
        raise InputError(what, f"{text.strip()!r} is not a whole number", f"For example: {what} 3")
    return int(text)


def positive(text: str, what: str) -> float:
    """Return a number above 0.

    Raises:
        InputError: if it is none.
    """
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value < float("inf"):
        raise InputError(what, f"{text.strip()!r} is not a number above 0", f"For example: {what} 2")
    return value


def completions(names: Iterable[str], typed: str, text: str) -> list[str]:
    """Return how ``typed`` may go on, as readline wants it: without what is before its last word ``text``."""
    done = len(typed) - len(text)
    return [name[done:] for name in names if name.startswith(typed)]


def keys(manifest: Manifest) -> list[str]:
    """Return every key of the scenario that can change in the middle of a run."""
    return [key for key, _ in leaves(manifest.scenario) if key.partition(".")[0] not in FIXED]


def leaves(document: Any, before: str = "") -> Iterable[tuple[str, Any]]:
    """Return every value of a document and its dotted key; items of a list go by their names."""
    if isinstance(document, Mapping) and document:
        for key, value in document.items():
            yield from leaves(value, f"{before}.{key}" if before else key)
    elif isinstance(document, list) and document and all(isinstance(each, Mapping) for each in document):
        for row, each in enumerate(document):
            yield from leaves(each, f"{before}.{each.get('name', row)}")
    elif before:
        yield before, document
