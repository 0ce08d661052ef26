"""What the terminal shows of one step: tables of the views, with units."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from peerflex.core.arrays import Floats
from peerflex.core.errors import InputError
from peerflex.runs.stepper.print import kilo, number, say, table
from peerflex.runs.views import (
    AgentView,
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
    say(f"at risk beforehand: {_some(at_risk)}", f"limit not kept: {_some(broken)}")
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
        ("peers", _some(peers)),
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
        raise InputError("agents", f"there is no group {group!r}", f"There are {_some(sorted(set(groups)))}.")
    columns = [numbers(rows, name) for name in ("load_mw", "pv_mw", "battery_mw", "metered_mw", "voltage_pu")]
    found = [row for row, name in enumerate(groups) if group in ("", name)]
    body = [
        (manifest.peers[row], groups[row], *(kilo(each[row]) for each in columns[:4]),
         number(columns[4][row], 4))
        for row in found[: 3 * MOST_ROWS]
    ]  # fmt: skip
    head = ("peer", "group", " load kW", " PV kW", " battery kW", " metered kW", " voltage pu")
    table(f"{len(found)} peers", head, body)
    _left(len(found) - len(body), "agents GROUP, or agent NAME")


def agent_page(view: AgentView) -> None:
    """Print all that there is to see of a peer."""
    did, knew, owns = view.did, view.knew, view.assets
    table(
        f"{view.peer}: {view.group}{f' ({view.behaviour})' if view.behaviour else ''}, at {view.bus}",
        ("what", "value"),
        (
            (
                "owns",
                f"PV {_known(owns.pv_mw)} kW, battery {_known(owns.battery_mwh)} kWh, {_known(owns.battery_mw)} kW",
            ),
            ("", f"generator {_known(owns.generator_mw)} kW, boiler {_known(owns.boiler_mw)} kW"),
            ("", f"({owns.note})"),
            ("knew", f"{_voltage(knew.voltage_pu)}, DSO's word {knew.relief:+.2f}"),
            ("", f"buys at {knew.retail_eur_per_mwh:g}, sells at {knew.feed_in_eur_per_mwh:g} EUR/MWh"),
            ("did", f"load {kilo(did.load_mw)} kW, PV {kilo(did.pv_mw)} kW, battery {kilo(did.battery_mw)} kW"),
            ("stored", f"{kilo(did.soc_mwh)} kWh after the step"),
            ("sold", f"{kilo(did.contracted_mw)} kW (below 0: bought)"),
            *((("last resort", f"{kilo(did.last_resort_mw)} kW"),) if abs(did.last_resort_mw) > 0.0 else ()),
            ("announced", f"{kilo(did.scheduled_mw)} kW"),
            ("metered", f"{kilo(did.metered_mw)} kW at {number(did.voltage_pu, 4)} pu"),
        ),
    )
    _orders("its orders", view.orders)
    _trades("its trades", view.trades)
    _flex("its flexibility", view.flex)
    rows = [
        (row.reason, kilo(row.energy_mwh), number(row.amount_eur, 4), kilo(row.energy_so_far_mwh),
         number(row.amount_so_far_eur, 4))
        for row in view.money
    ]  # fmt: skip
    table("money received (below 0: paid)", ("for", " kWh", " EUR", " kWh so far", " EUR so far"), rows)


def book_page(book: Book) -> None:
    """Print what was offered, traded and left as flexibility, the most interesting first."""
    sells = sorted((each for each in book.orders if each.side == "sell"), key=lambda each: each.price_eur_per_mwh)
    buys = sorted((each for each in book.orders if each.side == "buy"), key=lambda each: -each.price_eur_per_mwh)
    _orders(f"{len(sells)} offers to sell, the cheapest first", sells)
    _orders(f"{len(buys)} offers to buy, the dearest first", buys)
    _trades(f"{len(book.trades)} trades, the largest first", sorted(book.trades, key=lambda each: -each.quantity_mw))
    used = sorted(book.flex, key=lambda each: (-each.accepted_mw, each.price_eur_per_mwh))
    _flex(f"{len(used)} offers of flexibility, those called first", used)


def trade_page(book: Book, which: int) -> None:
    """Print a trade and its two orders."""
    if not 0 <= which < len(book.trades):
        have = f"There are trades 0 to {len(book.trades) - 1}." if book.trades else "Nobody traded in this step."
        raise InputError("trade", f"there is no trade {which}", have)
    trade = book.trades[which]
    _trades(f"trade {which}", [trade])
    orders = {each.order: each for each in book.orders}
    _orders("its orders", [orders[order] for order in (trade.sell_order, trade.buy_order) if order in orders])


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


def _orders(title: str, orders: Sequence[OrderRow]) -> None:
    body = [
        (str(each.order), each.peer, each.side, kilo(each.quantity_mw), number(each.price_eur_per_mwh, 2),
         kilo(each.accepted_mw), "yes" if each.dispatchable else "")
        for each in orders[:MOST_ROWS]
    ]  # fmt: skip
    if body:
        head = (" order", "peer", "side", " kW", " EUR/MWh", " traded kW", "only if traded")
        table(title, head, body)
        _left(len(orders) - len(body), "agent NAME")


def _trades(title: str, trades: Sequence[TradeRow]) -> None:
    body = [
        (str(each.trade), each.seller, each.buyer, kilo(each.quantity_mw), number(each.price_eur_per_mwh, 2))
        for each in trades[:MOST_ROWS]
    ]
    if body:
        table(title, (" trade", "seller", "buyer", " kW", " EUR/MWh"), body)
        _left(len(trades) - len(body), "trade N, or agent NAME")


def _flex(title: str, offers: Sequence[FlexRow]) -> None:
    body = [
        (str(each.offer), each.peer, each.direction, kilo(each.quantity_mw), number(each.price_eur_per_mwh, 2),
         kilo(each.accepted_mw))
        for each in offers[:MOST_ROWS]
    ]  # fmt: skip
    if body:
        table(title, (" offer", "peer", "way", " kW", " EUR/MWh", " called kW"), body)
        _left(len(offers) - len(body), "agent NAME")


def _left(count: int, how: str) -> None:
    if count > 0:
        say(f"... and {count} more: {how}")


def _signed(change: float) -> str:
    return "" if np.isnan(change) else f"{change:+.4f}"


def _voltage(v_pu: float) -> str:
    return "no voltage" if np.isnan(v_pu) else f"voltage {v_pu:.4f} pu"  # in the first step, and in linear physics


def _known(value_mw: float) -> str:
    return kilo(value_mw, 1) or "?"


def _some(names: Sequence[str]) -> str:
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
