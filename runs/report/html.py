"""Elements of a page that needs nothing else: every text is escaped here, and nowhere else is HTML written."""

import html
import re
from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import Final, NewType
from urllib.parse import quote

from peerflex.runs.report.numbers import Numbers, Picture

Html = NewType("Html", str)
"""Text that is HTML already. A plain text becomes one by ``text``."""

GENERATOR: Final = "peerflex report"
_POLICY: Final = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""A browser that obeys it loads nothing from anywhere and runs no script, whatever a log has in it."""

_FIGURE: Final = re.compile(r"[-+]?[0-9][0-9.,]*(e[-+]?[0-9]+)?( %)?|-|")


def text(plain: object) -> Html:
    """Return a plain text as HTML; what no text file can hold becomes a question mark."""
    return Html(html.escape(str(plain).encode("utf-8", "replace").decode()))


def join(parts: Iterable[Html]) -> Html:
    return Html("\n".join(parts))


def paragraph(plain: str, kind: str = "") -> Html:
    return Html(f'<p class="{text(kind)}">{text(plain)}</p>' if kind else f"<p>{text(plain)}</p>")


def heading(plain: str) -> Html:
    return Html(f"<h3>{text(plain)}</h3>")


def listing(texts: Iterable[str]) -> Html:
    return Html("<ul>" + "".join(f"<li>{text(each)}</li>" for each in texts) + "</ul>")


def preformatted(plain: str) -> Html:
    return Html(f'<pre tabindex="0">{text(plain)}</pre>')


def table(
    caption: str, header: Sequence[str], rows: Iterable[Sequence[object]], numbers: Numbers | None = None
) -> Html:
    """Return a table; cells that are figures stand right. ``numbers`` are offered as CSV below it."""
    head = "".join(f'<th scope="col">{text(each)}</th>' for each in header)
    body = "\n".join("<tr>" + "".join(map(_cell, row)) + "</tr>" for row in rows)
    link = links(numbers) if numbers else ""
    title = f"<caption>{text(caption)}</caption>" if caption else ""
    whole = f"<table>{title}<thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table>"
    return Html(scrolling(Html(whole)) + (f'<p class="links">{link}</p>' if link else ""))


def scrolling(wide: Html) -> Html:
    """Return what may be wider than the page, so that it scrolls, by keyboard too."""
    return Html(f'<div class="wide" tabindex="0">{wide}</div>')


def _cell(value: object) -> str:
    lines = [text(line) for line in str(value).split("\n")]
    kind = ' class="n"' if _FIGURE.fullmatch(str(value)) else ""
    return f"<td{kind}>{'<br>'.join(lines)}</td>"


def links(numbers: Numbers) -> Html:
    """Return links that save numbers as CSV: they are in the links themselves."""
    found = []
    parts = numbers.csv()
    for part, content in enumerate(parts, start=1):
        name = numbers.name if len(parts) == 1 else f"{numbers.name}-{part}-of-{len(parts)}"
        data = quote(content, safe=",.:;-_+ ()", errors="replace").replace(" ", "%20")
        rows = content.count("\n") - 1
        told = f"numbers of {name} (CSV, {rows} row{'s' * (rows != 1)})"
        found.append(f'<a download="{text(name)}.csv" href="data:text/csv;charset=utf-8,{data}">{text(told)}</a>')
    return Html(" ".join(found))


def figure(picture: Picture) -> Html:
    """Return a picture with its title, its caption and its numbers."""
    title = f'<h3 id="{text(picture.name)}">{text(picture.title)}</h3>'
    link = " ".join(map(links, picture.numbers))
    caption = f"<figcaption>{text(picture.caption)} <span class='links'>{link}</span></figcaption>"
    return Html(f"<figure>{title}\n{picture.image}\n{caption}</figure>")


def section(name: str, title: str, *parts: Html) -> Html:
    return Html(f'<section id="{text(name)}">\n<h2>{text(title)}</h2>\n{join(parts)}\n</section>')


def page(title: str, lead: Html, sections: Sequence[tuple[str, str, Html]], version: str) -> Html:
    """Return the whole page; sections have a name, a title and what is in them (empty ones are left out)."""
    style = files("peerflex.runs.report").joinpath("report.css").read_text(encoding="utf-8")
    there = [each for each in sections if each[2]]
    contents = "".join(f'<li><a href="#{text(name)}">{text(told)}</a></li>' for name, told, _ in there)
    body = join(section(name, told, content) for name, told, content in there)
    return Html(f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="generator" content="{GENERATOR} {text(version)}">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{text(title)}</title>
<style>
{style}</style>
</head>
<body>
<header>
<h1>{text(title)}</h1>
{lead}
<nav aria-label="Contents"><ul>{contents}</ul></nav>
</header>
<main>
{body}
</main>
</body>
</html>
""")
