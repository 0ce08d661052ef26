"""A report as a browser takes it in: its elements, its text, its numbers; and a run whose every name is hostile."""

import csv
import io
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

from peerflex.core.record import Event
from peerflex.runs.log.writer import RunWriter
from peerflex.scenarios.load import load_scenario
from tests import logs

HOSTILE = "\"><script>alert('x')</script><img src=x onerror=alert(1)>$\\frac{& \x01 =1+1"

LOADING = ("src", "href", "xlink:href", "action", "data", "srcset", "poster", "background", "style")


@dataclass
class Page(HTMLParser):
    """All elements of a page with their attributes, and its text."""

    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    @classmethod
    def of(cls, path: Path) -> "Page":
        page = cls()
        page.feed(path.read_text(encoding="utf-8"))
        page.close()
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    @property
    def pictures(self) -> list[str]:
        """What every picture shows, in words."""
        svg = [told["aria-label"] for tag, told in self.elements if tag == "svg"]
        return svg + [told["alt"] for tag, told in self.elements if tag == "img"]

    @property
    def numbers(self) -> dict[str, list[dict[str, str]]]:
        """The rows of every CSV by the name of its file."""
        found = {}
        for tag, told in self.elements:
            if tag == "a" and "download" in told:
                head, _, data = told["href"].partition(",")
                assert head == "data:text/csv;charset=utf-8"
                found[told["download"]] = list(csv.DictReader(io.StringIO(unquote(data))))
        return found

    def dangers(self) -> list[str]:
        """Return what could run, or load something from elsewhere."""
        found = [
            tag for tag, _ in self.elements if tag in ("script", "iframe", "object", "embed", "link", "base", "form")
        ]
        for tag, told in self.elements:
            found += [f"{tag} {name}" for name in told if name.startswith("on")]
            for name in LOADING:
                value = told.get(name, "").strip()
                local = not value or value.startswith(("#", "data:image/png;base64,", "data:text/csv;"))
                if name == "style":
                    local = "url(" not in value.replace("url(#", "")
                if not local:
                    found.append(f"{tag} {name}={value[:60]}")
        return found


def hostile_run(folder: Path, steps: int = 60) -> Path:
    """Write a run of random records in which every name and text wants to be HTML, or a formula."""
    front = logs.manifest(steps)
    scenario = load_scenario("case69-day").scenario.model_dump(mode="json")
    scenario |= {"title": HOSTILE[:100], "description": HOSTILE}
    scenario["grid"]["code"] = HOSTILE
    named = {
        kind: tuple(f"{HOSTILE}{name}{HOSTILE if row else ''}" for row, name in enumerate(getattr(front, kind)))
        for kind in ("peers", "buses", "branches")
    }
    front = front.model_copy(
        update={**named, "scenario": scenario, "peer_groups": (HOSTILE,) * len(front.peers), "parents": (HOSTILE,),
                "versions": {HOSTILE: HOSTILE}, "commit": HOSTILE}
    )  # fmt: skip
    writer, carried = RunWriter.create(folder, front), logs.begin(len(front.peers))
    for step in range(steps):
        made = replace(
            logs.record(step, len(front.peers), carried), events=(Event(HOSTILE, HOSTILE, HOSTILE, HOSTILE),)
        )
        carried = logs.Carried(made.decision.peers, made.state)
        writer.append(made, carried)
    writer.close("done")
    return folder
