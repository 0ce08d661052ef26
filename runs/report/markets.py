"""Pictures of a run's markets: who offered flexibility at which price, who gained, and who was told how much."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from peerflex.core.units import KW_PER_MW
from peerflex.runs.log.reader import Run
from peerflex.runs.report import figures
from peerflex.runs.report.numbers import Numbers, Picture, draw_one, short
from peerflex.runs.views.log import numbers, time_at, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_OFFERS: Final = 1000
MOST_BARS: Final = 24


def merit_order(run: Run) -> list[Picture]:
    """Return the offers of flexibility in the step with the most activated, by price; nothing if there was none."""
    activated = numbers(run.rows("hours"), "lfm_mwh")
    if not activated.size or not np.nanmax(activated) > 0:
        return []
    step = int(np.nanargmax(activated))
    rows = run.rows("flex", step, step)
    price, offered_kw = numbers(rows, "price_eur_per_mwh"), KW_PER_MW * numbers(rows, "quantity_mw")
    used_kw = KW_PER_MW * numbers(rows, "accepted_mw")
    upward = np.array(words(rows, "direction")) == "up"
    # An upward offer asks a price, a downward one pays it: the cheapest, and the best paying, come first.
    order = np.lexsort((np.where(upward, price, -price), ~upward))
    left_out = len(order) - MOST_OFFERS
    if left_out > 0:
        order = order[np.argsort(used_kw[order] <= 0, kind="stable")[:MOST_OFFERS]]
        order = order[np.lexsort((np.where(upward, price, -price)[order], ~upward[order]))]
    peers = words(rows, "peer")
    table: Mapping[str, npt.ArrayLike] = {
        "direction": np.where(upward, "up", "down")[order],
        "peer": [peers[row] for row in order],
        "price_eur_per_mwh": price[order],
        "offered_kw": offered_kw[order],
        "activated_kw": used_kw[order],
    }
    when = time_at(run.manifest, step)
    caption = (
        f"Offers in the step with the most flexibility activated, {when:%Y-%m-%d %H:%M}: each as wide as its power. "
        "Green is what was activated; the wires decide beside the price, so that it need not be the cheapest."
    )
    if left_out > 0:
        caption += f" {left_out} offers of which nothing was activated are not drawn."

    def artist(axis: "Axes") -> None:
        for sign, wanted, label in ((1, upward, "upward (asks the price)"), (-1, ~upward, "downward (pays it)")):
            here = order[wanted[order]]
            edges = sign * np.concatenate([[0.0], np.cumsum(offered_kw[here])])
            color = figures.GREY if sign > 0 else figures.PURPLE
            axis.stairs(price[here], edges, baseline=None, color=color, linewidth=1.2, label=label)
            width = sign * used_kw[here]
            axis.bar(edges[:-1], price[here], width, align="edge", color=figures.GREEN, linewidth=0)
        axis.bar([0.0], [0.0], color=figures.GREEN, label="activated")
        axis.axvline(0, color=figures.ink(), linewidth=0.8)
        axis.set(xlabel="power offered, downward left and upward right (kW)", ylabel="price (EUR/MWh)")
        axis.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, fontsize=8, borderaxespad=0.0)

    alt = f"Merit order of {len(order)} offers; {used_kw.sum():.1f} kW of {offered_kw.sum():.1f} kW were activated"
    data = (Numbers.of_columns("merit-order", table),)
    return [draw_one("merit-order", "Merit order of flexibility", caption, alt, data, artist)]


def gains_picture(run: Run, reference: Run | None, gains_eur: dict[str, float]) -> Picture:
    """Return who gained: groups of peers and roles."""
    compared = reference is not None
    title = "Who gained" if compared else "Who earned"
    caption = "Income less cost of groups of peers and of roles"
    caption += " beyond what it is without any market." if compared else ", in the whole run."
    table = Numbers.of_columns("gains", {"party": list(gains_eur), "eur": list(gains_eur.values())})
    shown = {short(name): value for name, value in gains_eur.items()}
    told = "; ".join(f"{name} {value:.2f} EUR" for name, value in shown.items())
    return draw_one(
        "gains", title, caption, f"{title}: {told}", (table,),
        lambda axis: figures.draw_gains(axis, shown, compared), (9.0, 0.9 + 0.32 * len(shown)),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Told:
    """Messages of one kind between two roles in a whole run; ``values`` is how many figures they disclose."""

    sender: str
    receiver: str
    kind: str
    fields: str
    messages: int

    @property
    def values(self) -> int:
        return self.messages * len(self.fields.split(", "))


def messages_of(run: Run) -> list[Told]:
    """Return what roles told each other, those who told most values first."""
    keys = ["sender", "receiver", "kind", "fields"]
    rows: pa.Table = run.rows("messages").group_by(keys).aggregate([("count", "sum")])
    columns = (rows[name].to_pylist() for name in (*keys, "count_sum"))
    found = [Told(*row) for row in zip(*columns, strict=True)]
    return sorted(found, key=lambda told: (-told.values, told.sender, told.receiver, told.kind))


def messages_picture(told: list[Told]) -> list[Picture]:
    """Return how many values every role got to know; nothing if nobody said anything."""
    told = told[:MOST_BARS]
    if not told:
        return []
    labels = [short(f"{each.sender} to {each.receiver}: {each.kind}", 50) for each in told]
    table = tuple((each.sender, each.receiver, each.kind, each.fields, each.messages, each.values) for each in told)
    header = ("sender", "receiver", "kind", "fields", "messages", "values")

    def artist(axis: "Axes") -> None:
        axis.barh(range(len(told)), [each.values for each in told], color=figures.BLUE)
        axis.set_yticks(range(len(told)), labels)
        axis.invert_yaxis()
        axis.set_xscale("log")
        axis.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axis.set_xlabel("values told in the whole run: messages times fields (logarithmic)")

    caption = (
        "How much each role discloses to which other: what privacy this design leaves. A field counts once a message, "
        "also where it is a list, like the voltages of all buses in a state-report."
    )
    alt = f"Values told by kind of message; most are of {told[0].kind}, {told[0].values}"
    size = (9.0, 0.9 + 0.26 * len(told))
    return [
        draw_one(
            "disclosed", "Who is told how much", caption, alt, (Numbers("disclosed", header, table),), artist, size
        )
    ]
