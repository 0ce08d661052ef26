"""What the terminal shows of one step: tables of the views, with units."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from peerflex.core.arrays import Floats
from peerflex.core.errors import InputError
from peerflex.core.units import QUANTITY_TOLERANCE_MW
from peerflex.runs.stepper.print import kilo, number, say, table
from peerflex.runs.views import (
    Book,
    Difference,
    FigureDifference,
    FlexRow,
    Log,
    MessageRow,
    OrderRow,
    TradeRow,
    grid_at,
    groups_in,
    standing_at,
)
from peerflex.runs.views.log import numbers, rows_at

MOST_ROWS: Final = 12


def grid_summary(log: Log, step: int) -> None:
    """Print the extremes of the network."""
    grid, manifest = grid_at(log, step), log.manifest
    rows = [
        *(("voltage", manifest.buses[bus], f"{grid.v_pu[bus]:.4f} pu") for bus in _extremes(grid.v_pu)),
        *(
            ("loading", manifest.branches[branch], f"{grid.loading[branch] * 100:.1f} %")
            for branch in _highest(grid.loading)
        ),
    ]
    table(f"{len(manifest.buses)} buses, {len(manifest.branches)} branches, solved by {grid.method}",
            ("what", "where", " value"), rows)  # fmt: skip
    at_risk = [manifest.branches[row] for row in np.flatnonzero(grid.at_risk)]
    broken = [manifest.buses[row] for row in grid.violated_buses]
    broken += [manifest.branches[row] for row in grid.violated_branches]
    say(f"at risk beforehand: {some(at_risk)}", f"limit not kept: {some(broken)}")
    if grid.shed_mw.any():
        say(f"taken off for a solution: {kilo(float(np.abs(grid.shed_mw).sum()))} kW")


def bus_page(log: Log, step: int, bus: str) -> None:
    """Print one bus."""
    row, grid, buses = log.manifest.buses.index(bus), grid_at(log, step), rows_at(log, "buses", step)
    peers = [name for name, at in zip(log.manifest.peers, log.manifest.peer_bus, strict=True) if at == row]
    pairs = (
        ("voltage", f"{grid.v_pu[row]:.4f} pu"),
        ("injection", f"{kilo(grid.p_mw[row])} kW, {kilo(float(numbers(buses, 'q_mvar')[row]))} kvar"),
        ("taken off", f"{kilo(grid.shed_mw[row])} kW"),
        ("DSO's word", f"{numbers(buses, 'relief')[row]:+.2f} (> 0: more injection helps here)"),
        ("limit", "not kept" if row in grid.violated_buses else "kept"),
        ("peers", some(peers)),
    )
    table(f"bus {bus}", ("what", "value"), pairs)


def branch_page(log: Log, step: int, branch: str) -> None:
    """Print one line or transformer."""
    row, grid, rows = log.manifest.branches.index(branch), grid_at(log, step), rows_at(log, "branches", step)
    rating = log.manifest.branch_rating_mva[row]
    pairs = (
        ("loading", f"{grid.loading[row] * 100:.1f} %"),
        ("rating", "none" if rating is None else f"{kilo(rating, 1)} kVA"),
        ("flow", f"{kilo(grid.flow_mw[row])} kW into it at its first end"),
        ("forecast", f"{number(float(numbers(rows, 'forecast_loading')[row]) * 100, 1)} % before anybody traded"),
        (
            "then",
            f"{number(float(numbers(rows, 'pre_lfm_loading')[row]) * 100, 1)} % after trading, before flexibility",
        ),
        ("at risk", "yes, the DSO worried about it" if grid.at_risk[row] else "no"),
        ("limit", "not kept" if row in grid.violated_branches else "kept"),
    )
    table(f"branch {branch}", ("what", "value"), pairs)


def agents_table(log: Log, step: int, group: str) -> None:
    """Print what peers did: those of a group, or all ('')."""
    manifest, rows = log.manifest, rows_at(log, "peers", step)
    groups = groups_in(log, standing_at(log, step))
    if group and group not in groups:
        raise InputError("agents", f"there is no group {group!r}", f"There are {some(sorted(set(groups)))}.")
    columns = [numbers(rows, name) for name in ("load_mw", "pv_mw", "battery_mw", "metered_mw", "voltage_pu")]
    found = [row for row, name in enumerate(groups) if group in ("", name)]
    body = [
        (manifest.peers[row], groups[row], *(kilo(each[row]) for each in columns[:4]),
         number(columns[4][row], 4))
        for row in found[: 3 * MOST_ROWS]
    ]  # fmt: skip
    head = ("peer", "group", " load kW", " gen. kW", " battery kW", " metered kW", " voltage pu")
    table(f"{len(found)} peers", head, body)
    _left(len(found) - len(body), "agents GROUP, or agent NAME")


def book_page(book: Book) -> None:
    """Print what was offered, traded and left as flexibility, the most interesting first, orders of nothing last."""
    sells, buys = ([each for each in book.orders if each.side == side] for side in ("sell", "buy"))
    sells.sort(key=lambda each: (each.quantity_mw <= QUANTITY_TOLERANCE_MW, each.price_eur_per_mwh))
    buys.sort(key=lambda each: (each.quantity_mw <= QUANTITY_TOLERANCE_MW, -each.price_eur_per_mwh))
    orders_table(f"{len(sells)} offers to sell, the cheapest first", sells)
    orders_table(f"{len(buys)} offers to buy, the dearest first", buys)
    trades_table(
        f"{len(book.trades)} trades, the largest first", sorted(book.trades, key=lambda each: -each.quantity_mw)
    )
    used = sorted(book.flex, key=lambda each: (-each.accepted_mw, each.price_eur_per_mwh))
    flex_table(f"{len(used)} offers of flexibility, those called first", used)


def trade_page(book: Book, which: int) -> None:
    """Print a trade and its two orders."""
    if not 0 <= which < len(book.trades):
        have = f"There are trades 0 to {len(book.trades) - 1}." if book.trades else "Nobody traded in this step."
        raise InputError("trade", f"there is no trade {which}", have)
    trade = book.trades[which]
    trades_table(f"trade {which}", [trade])
    orders = {each.order: each for each in book.orders}
    orders_table("its orders", [orders[order] for order in (trade.sell_order, trade.buy_order) if order in orders])


def messages_table(rows: Sequence[MessageRow]) -> None:
    """Print who told whom what."""
    body = [(each.kind, each.sender, each.receiver, str(each.count), each.fields) for each in rows]
    table(f"{len(rows)} kinds of message", ("kind", "from", "to", " how many", "each discloses"), body)


def difference_page(found: Difference, kpis: Sequence[FigureDifference], names: tuple[str, str]) -> None:
    """Print what differs in a step, and over all steps that both runs have."""
    say(f"a is {names[0]}, b is {names[1]}")
    _figures(f"{found.time:%Y-%m-%d %H:%M}, figures that differ", found.hours)
    if found.grid is None:
        say("The two runs are of different networks: buses and branches cannot be compared.")
    else:
        for what, pair, unit, factor in (
            ("bus voltage", found.grid.v_pu, "pu", 1.0),
            ("branch loading", found.grid.loading, "%", 100.0),
        ):
            say(f"largest change of a {what}: {factor * _largest(pair.change):.4f} {unit}")
    _figures("closing figures that differ, over the steps both have", kpis)


def _figures(title: str, rows: Sequence[FigureDifference]) -> None:
    differ = [row for row in rows if not (row.a == row.b or (row.a != row.a and row.b != row.b))]
    body = [
        (row.name, number(row.a, 4) or "-", number(row.b, 4) or "-", _signed(row.change), row.unit) for row in differ
    ]
    table(title if body else f"{title}: none", ("figure", " a", " b", " b - a", "unit"), body)


def orders_table(title: str, orders: Sequence[OrderRow]) -> None:
    """Print orders."""
    body = [
        (str(each.order), each.peer, each.side, kilo(each.quantity_mw), number(each.price_eur_per_mwh, 2),
         number(each.true_eur_per_mwh, 2), kilo(each.accepted_mw), "yes" if each.dispatchable else "", each.session,
         each.mediator)
        for each in orders[:MOST_ROWS]
    ]  # fmt: skip
    if body:
        head = (" order", "peer", "side", " kW", " EUR/MWh", " true EUR/MWh", " traded kW", "only if traded", "session",
                "mediator")  # fmt: skip
        _table(title, head, body, ("true EUR/MWh", "session", "mediator"))
        _left(len(orders) - len(body), "agent NAME")


def trades_table(title: str, trades: Sequence[TradeRow]) -> None:
    """Print trades."""
    body = [
        (str(each.trade), each.seller, each.buyer, kilo(each.quantity_mw), number(each.price_eur_per_mwh, 2),
         each.session)
        for each in trades[:MOST_ROWS]
    ]  # fmt: skip
    if body:
        _table(title, (" trade", "seller", "buyer", " kW", " EUR/MWh", "session"), body, ("session",))
        _left(len(trades) - len(body), "trade N, or agent NAME")


def flex_table(title: str, offers: Sequence[FlexRow]) -> None:
    """Print offers of flexibility."""
    body = [
        (str(each.offer), each.peer, each.direction, kilo(each.quantity_mw), number(each.price_eur_per_mwh, 2),
         kilo(each.accepted_mw), each.mediator)
        for each in offers[:MOST_ROWS]
    ]  # fmt: skip
    if body:
        _table(title, (" offer", "peer", "way", " kW", " EUR/MWh", " called kW", "mediator"), body, ("mediator",))
        _left(len(offers) - len(body), "agent NAME")


def _table(title: str, head: Sequence[str], body: Sequence[Sequence[str]], seldom: Sequence[str]) -> None:
    """Print a table without those of its ``seldom`` columns in which nothing stands."""
    kept = [place for place, name in enumerate(head) if name.strip() not in seldom or any(row[place] for row in body)]
    table(title, [head[place] for place in kept], [[row[place] for place in kept] for row in body])


def _left(count: int, how: str) -> None:
    if count > 0:
        say(f"... and {count} more: {how}")


def _signed(change: float) -> str:
    return "" if np.isnan(change) else f"{change:+.4f}"


def some(names: Sequence[str]) -> str:
    """Return names in one line, those beyond ``MOST_ROWS`` counted."""
    shown = ", ".join(names[:MOST_ROWS])
    return (shown + (f" and {len(names) - MOST_ROWS} more" if len(names) > MOST_ROWS else "")) or "none"


def _extremes(values: Floats) -> list[int]:
    """Return the rows of the lowest and the highest value."""
    return [] if np.isnan(values).all() else [int(np.nanargmin(values)), int(np.nanargmax(values))]


def _highest(values: Floats, most: int = 5) -> list[int]:
    order = np.argsort(-np.nan_to_num(values, nan=-1.0), kind="stable")
    return [int(row) for row in order[:most] if np.isfinite(values[row])]


def _largest(change: Floats) -> float:
    return float(np.nanmax(np.abs(change))) if np.isfinite(change).any() else 0.0
