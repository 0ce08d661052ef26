"""The pages that studies write, from Markdown to HTML: headings, paragraphs, lists and tables, and nothing else."""

import re
from collections.abc import Collection
from itertools import groupby

from peerflex.runs.report.html import Html, join, scrolling, text

_CHAPTER = re.compile(r"\n(?=## )")
_RULE = re.compile(r"\|(\s*:?-+:?\s*\|)+")


def markdown(page: str, without: Collection[str] = ()) -> Html:
    """Return a page without its title, and ``without`` some chapters, as HTML; HTML in it is shown as text."""
    chapters = [
        each for each in _CHAPTER.split(page) if each.partition("\n")[0] not in {f"## {name}" for name in without}
    ]
    lines = "\n".join(chapters).splitlines()
    found = [_block(kind, list(alike)) for kind, alike in groupby(lines, _kind)]
    return join(each for each in found if each)


def _kind(line: str) -> str:
    for kind in ("# ", "## ", "- ", "|"):
        if line.startswith(kind):
            return kind
    return "text" if line.strip() else ""


def _block(kind: str, lines: list[str]) -> Html:
    match kind:
        case "## ":
            return Html("".join(f"<h3>{_inline(line[3:])}</h3>" for line in lines))
        case "- ":
            return Html("<ul>" + "".join(f"<li>{_inline(line[2:])}</li>" for line in lines) + "</ul>")
        case "|":
            return _table(lines)
        case "text":
            return Html(f"<p>{_inline(' '.join(lines))}</p>")
    return Html("")  # blank, or the title, which the report has already


def _table(lines: list[str]) -> Html:
    rows = [line.strip().strip("|").split("|") for line in lines if not _RULE.fullmatch(line)]
    told = "".join(_row(row, "td" if place else "th") for place, row in enumerate(rows))
    return scrolling(Html(f"<table>{told}</table>"))


def _row(cells: list[str], kind: str) -> str:
    return "<tr>" + "".join(f"<{kind}>{_inline(cell.strip())}</{kind}>" for cell in cells) + "</tr>"


def _inline(plain: str) -> Html:
    shown = text(plain).replace("&lt;br&gt;", "<br>")
    return Html(re.sub("`([^`]*)`", r"<code>\1</code>", shown))
