"""Numbers behind a picture or a table, and the picture that is drawn of them."""

import csv
import html
import io
import math
import re
import warnings
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_CSV: Final = 1_000_000
"""Characters of CSV in one link: browsers refuse links of more than two million."""

_INK: Final = "#010203"
"""Stands for the colour of the text around a picture until it is in the page, which may be light or dark."""

_STYLE: Final[dict[Any, Any]] = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # a dollar in a name is a dollar
    "font.size": 10,
    "text.color": _INK,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "axes.titlecolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "legend.frameon": False,
}
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""How a text begins that a spreadsheet takes for a formula; in a CSV, an apostrophe stands before it."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """Rows of a table as a file to save; ``name`` is that of the file, without its ending."""

    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]

    @classmethod
    def of_columns(cls, name: str, columns: "Mapping[str, npt.ArrayLike | pd.Series]") -> "Numbers":
        """Return columns of equal length side by side."""
        values = [np.asarray(column).tolist() for column in columns.values()]
        return cls(name, tuple(columns), tuple(zip(*values, strict=True)))

    @classmethod
    def of_frame(cls, name: str, frame: "pd.DataFrame") -> "Numbers":
        """Return the columns of a frame; times are written as ISO 8601."""
        told = {str(key): _told(column) for key, column in frame.items()}
        return cls.of_columns(name, told)

    def csv(self) -> tuple[str, ...]:
        """Return the rows as CSV, in as many files as a browser can save, each with the header; none is empty."""
        parts: list[str] = []
        head = _line(self.header)
        lines, size = [head], 0
        for row in self.rows:
            line = _line(row)
            if size + len(line) > MOST_CSV:
                parts.append("".join(lines))
                lines, size = [head], 0
            lines.append(line)
            size += len(line)
        return (*parts, "".join(lines))


def _told(column: "pd.Series[Any]") -> npt.ArrayLike:
    return column.dt.strftime("%Y-%m-%dT%H:%M:%S").to_numpy() if column.dtype.kind == "M" else column.to_numpy()


def _line(row: Sequence[object]) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerow([_plain(each) for each in row])
    return file.getvalue()


def _plain(value: object) -> object:
    """Return a cell: nothing for NaN, and no text that a spreadsheet takes for a formula."""
    if isinstance(value, float):
        return "" if math.isnan(value) else value
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in a page: ``image`` is its HTML (SVG, or an image in its own source)."""

    name: str
    title: str
    caption: str
    image: str
    numbers: tuple[Numbers, ...]


def draw(
    name: str,
    title: str,
    caption: str,
    alt: str,
    numbers: Sequence[Numbers],
    artist: "Callable[[Figure], object]",
    size: tuple[float, float] = (9.0, 3.2),
) -> Picture:
    """Return a picture as SVG in the colours of the page; ``artist`` draws it, ``alt`` says what is to be seen.

    ``size`` is in inches. The same numbers give the same bytes.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    file = io.StringIO()
    with mpl.rc_context({**_STYLE, "svg.hashsalt": name}), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # letters that the font measured with lacks; browsers have them
        drawn = Figure(figsize=size, layout="constrained")
        artist(drawn)
        metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        drawn.savefig(file, format="svg", transparent=True, dpi=150, metadata=metadata)
    return Picture(name, title, caption, _inline(file.getvalue(), name, alt), tuple(numbers))


def draw_one(
    name: str,
    title: str,
    caption: str,
    alt: str,
    numbers: Sequence[Numbers],
    artist: "Callable[[Axes], None]",
    size: tuple[float, float] = (9.0, 3.2),
) -> Picture:
    """Return a picture of one pair of axes, which ``artist`` draws on."""

    def whole(figure: "Figure") -> None:
        axis = figure.subplots()
        axis.spines[["top", "right"]].set_visible(False)
        artist(axis)

    return draw(name, title, caption, alt, numbers, whole, size)


def _inline(svg: str, name: str, alt: str) -> str:
    """Return a file of SVG as an element: ids are its own, its ink is the page's, its width what there is room for."""

    def own(tag: re.Match[str]) -> str:
        return re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", tag[0]).replace(_INK, "currentColor")

    body = re.sub("<[^>]+>", own, svg[svg.index("<svg") :])
    box = re.search(r'viewBox="([0-9. ]+)"', body)
    assert box is not None
    attributes = f'class="picture" role="img" aria-label="{html.escape(alt)}" viewBox="{box[1]}"'
    return f"<svg {attributes}>{body[body.index('>') + 1 :]}".rstrip()


def photo(name: str, title: str, caption: str, alt: str, numbers: Sequence[Numbers], png: bytes) -> Picture:
    """Return a picture that is a file of PNG."""
    source = b64encode(png).decode()
    image = f'<img class="picture paper" alt="{html.escape(alt)}" src="data:image/png;base64,{source}">'
    return Picture(name, title, caption, image, tuple(numbers))


def percent(share: float) -> str:
    """Return a share in words: 0.8 is 80 %."""
    return f"{100 * share:.4g} %"


def short(name: str, most: int = 40) -> str:
    """Return a name that fits into a picture: what cannot be printed is a question mark, the middle is left out."""
    clear = "".join(letter if letter.isprintable() else "?" for letter in name)
    return clear if len(clear) <= most else f"{clear[: most // 2]}…{clear[-most // 2 + 1 :]}"
