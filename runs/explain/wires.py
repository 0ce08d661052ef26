"""What the DSO said about trades, and the limits behind it, as candidates for the cause of a decision."""

import numpy as np

from peerflex.agents.watch import severity
from peerflex.core.arrays import Bools, Floats, ints
from peerflex.core.trade import TradeTerms
from peerflex.markets.network_rows import Near, network_rows
from peerflex.runs.explain.again import Again
from peerflex.runs.explain.edits import risky_branches, said_terms
from peerflex.runs.explain.envelopes import envelopes
from peerflex.runs.explain.text import CRUMB, money
from peerflex.runs.explain.types import Candidate, Element, Figures, Without

LEAST_LIMITS, MOST_LIMITS, MOST_CLEARINGS = 4, 24, 300
"""Limits without which the DSO's service negotiates again, each as long as the hour: fewer where it took it long."""
AT_ITS_LIMIT = 0.999
"""Share of its limit from which an element was one that the DSO's service had to mind."""
NEARLY_EUR_PER_MWH = 0.5
"""Charges that are given again to this are those of the limits; the rest is the reactive power of loads."""
NOBODY = -1


def said_to(again: Again, peers: tuple[int, ...]) -> list[Candidate]:
    """Return what the DSO said that some peers' trades depend on: branches at risk, charges, limits, envelopes.

    Sensitivities are at the bus of the first peer; without peers, none are told.
    """
    peer = peers[0] if peers else NOBODY
    return [*_limits(again, peer), *envelopes(again, peers), *_terms(again, peer), *_charges(again, peers)]


def _terms(again: Again, peer: int) -> list[Candidate]:
    """Return the branches that the incentive speaks for, those first on which the peer's own place matters most."""
    moment = again.moment
    branches = risky_branches(moment)
    if not len(branches):
        return []
    forecast, area = moment.decision.outlook.forecast, moment.area
    slopes = area.dso.grid.sensitivities(forecast, branches, ints(0))
    effect = np.sign(slopes.value)[:, None] * slopes.by_mw * slopes.mw_per_unit[:, None]
    here = np.full(len(branches), np.nan) if peer == NOBODY else effect[:, area.peers.bus[peer]]
    away = np.nan_to_num(np.abs(here - np.median(effect, axis=1)))
    limit = area.dso.incentive.at_risk_loading * area.limits.loading[branches]
    order = np.lexsort((-forecast.loading[branches], -np.round(away, 1)))
    found = []
    for row in order.tolist():
        name, loading = area.grid.branches.name[branches[row]], float(forecast.loading[branches[row]])
        why = (
            f"{name} is forecast at {100 * loading:.1f} % and at risk from {100 * limit[row]:.0f} %, so the DSO "
            f"{_speaks(again)} trades that load it further{_adds(float(here[row]))}."
        )
        if peer != NOBODY:
            alone = said_terms(moment, frozenset(branches.tolist()) - {int(branches[row])})
            why += _kept_apart(alone, peer, area.peers.trade)
        figures = Figures(loading, float(limit[row]), "%", np.nan, float(here[row]), "MW/MW")
        without, otherwise = Without(at_risk=frozenset({int(branches[row])})), "If it were not at risk"
        found.append(Candidate("terms", name, why, otherwise, without, figures, "trade-terms"))
    return found


def _adds(effect: float) -> str:
    if np.isnan(effect):
        return ""
    adds = "nothing" if abs(effect) < CRUMB else f"{effect:+.2f} kW"
    return f"; 1 kW injected at this bus adds {adds} to it"


def _kept_apart(terms: TradeTerms, peer: int, may_trade: Bools) -> str:
    """Return whom the terms of one branch keep a peer from, as a sentence; '' for nobody."""
    place = terms.place[may_trade]
    sales = int(np.count_nonzero(terms.blocked[terms.place[peer], place]))
    purchases = int(np.count_nonzero(terms.blocked[place, terms.place[peer]]))
    if not (sales or purchases):
        return ""
    return (
        f" That alone rules out sales to {sales} and purchases from {purchases} of the {len(place)} peers that trade."
    )


def _speaks(again: Again) -> str:
    return "blocks" if again.moment.decision.signal.terms.blocked.any() else "weighs"


def _charges(again: Again, peers: tuple[int, ...]) -> list[Candidate]:
    """Return the charges at the places of some peers."""
    terms, area = again.moment.decision.signal.terms, again.moment.area
    if terms.charges is None:
        return []
    found = []
    for peer in dict.fromkeys(peers):
        place, name = int(terms.place[peer]), area.grid.buses.name[area.peers.bus[peer]]
        injection = float(terms.charges.injection_eur_per_mwh[place])
        pair = terms.charges.pair_eur_per_mwh
        dearest = float(max(np.abs(pair[place]).max(), np.abs(pair[:, place]).max()))
        if not (injection or dearest):
            continue
        given, taken = ("charges", "pays") if injection > 0.0 else ("pays", "charges")
        what = f"{given} {money(abs(injection))} for what is injected and {taken} as much for what is taken"
        if not injection:
            what = f"charges up to {money(dearest)} for a trade, by who sells to whom"
        why = f"At bus {name} the DSO {what}, for what that does to its limits."
        without = Without(uncharged=frozenset({peer}))
        figures = Figures(injection or dearest, np.nan, "EUR/MWh")
        found.append(
            Candidate("charge", f"charge at bus {name}", why, "Without this charge", without, figures, "trade-terms")
        )
    return found


def _limits(again: Again, peer: int) -> list[Candidate]:
    """Return the limits that the DSO's service had to mind, the worst first."""
    if not again.negotiated:
        return []
    limits = again.moment.model.dso.limits
    used = [severity(state, limits) for state in again.states]
    branch = np.max([each.branch for each in used], axis=0)
    bus = np.max([each.bus for each in used], axis=0)
    rows = [(float(branch[row]), (False, row)) for row in np.flatnonzero(branch >= AT_ITS_LIMIT).tolist()]
    rows += [(float(bus[row]), (True, row)) for row in np.flatnonzero(bus >= AT_ITS_LIMIT).tolist()]
    worst = [element for _, element in sorted(rows, key=lambda row: -row[0])]
    multiplier = _multipliers(again, worst)
    most = min(max(MOST_CLEARINGS // again.moment.decision.effort.clearings, LEAST_LIMITS), MOST_LIMITS)
    return [_limit(again, element, peer, multiplier.get(element, np.nan)) for element in worst[:most]]


def _limit(again: Again, element: Element, peer: int, multiplier: float) -> Candidate:
    moment, limits = again.moment, again.moment.model.dso.limits
    (is_voltage, row), area, first = element, moment.area, again.states[0]
    bus = 0 if peer == NOBODY else int(area.peers.bus[peer])
    branches, buses = (ints(0), np.array([row])) if is_voltage else (np.array([row]), ints(0))
    slopes = moment.model.dso.grid.sensitivities(first, branches, buses)
    if is_voltage:
        name, value = f"voltage at bus {area.grid.buses.name[row]}", float(first.v_pu[row])
        middle = (limits.v_min_pu[row] + limits.v_max_pu[row]) / 2
        limit = float(limits.v_min_pu[row] if value < middle else limits.v_max_pu[row])
        effect, per = float(slopes.by_mw[0, bus]), "pu/MW"
        what = f"{value:.4f} pu against a limit of {limit:.4f} pu"
    else:
        name, value, limit = area.grid.branches.name[row], float(first.loading[row]), float(limits.loading[row])
        effect, per = float(np.sign(slopes.value[0]) * slopes.by_mw[0, bus] * slopes.mw_per_unit[0]), "MW/MW"
        what = f"{100 * value:.1f} % against a limit of {100 * limit:.0f} %"
    called = moment.decision.effort.called_share
    does = f"called on {100 * called:.0f} % of what peers have" if called else "charged trades until it was kept"
    why = f"With the first trades the DSO expected {what} ({name}), and {does}."
    message = "flexibility-call" if called else "trade-terms"
    figures = Figures(value, limit, "pu" if is_voltage else "%", multiplier, np.nan if peer == NOBODY else effect, per)
    return Candidate("limit", name, why, "Without this limit", Without(limits=frozenset({element})), figures, message)


def _multipliers(again: Again, elements: list[Element]) -> dict[Element, float]:
    """Return what one MW of relief of each limit was worth, where the charges are those of a few limits.

    A charge is the sum of multipliers times sensitivities at the state before the last trades; they are read back from
    it by least squares. Empty where that does not give the charges again.
    """
    moment, terms = again.moment, again.moment.decision.signal.terms
    if terms.charges is None or not terms.charges.injection_eur_per_mwh.any() or len(again.states) < 2:
        return {}
    area, grid = moment.area, moment.model.dso.grid
    near = Near(np.zeros(len(grid.branches), dtype=np.bool_), np.zeros(len(grid.buses), dtype=np.bool_))
    for is_voltage, row in elements:
        (near.bus if is_voltage else near.branch)[row] = True
    rows = network_rows(grid, again.states[-2], moment.model.dso.limits, near)
    charge: Floats = terms.charges.injection_eur_per_mwh[terms.place]
    by_peer = rows.by_peer(area.peers)
    worth, *_ = np.linalg.lstsq(by_peer.T, charge, rcond=None)
    if np.abs(worth @ by_peer - charge).max() > NEARLY_EUR_PER_MWH:
        return {}
    n = len(rows.branch)
    found: dict[Element, float] = {}
    for place, row in enumerate(rows.branch.tolist()):
        found[False, row] = float(np.hypot(worth[place], worth[n + place]))
    for place, row in enumerate(rows.bus.tolist()):
        found[True, row] = float(abs(worth[2 * n + place]))
    return found


def relief_at(again: Again, peer: int) -> str:
    """Return what the DSO's signal said at a peer's bus, as a sentence; '' if nothing."""
    relief = float(again.moment.decision.signal.relief[again.moment.area.peers.bus[peer]])
    if relief == 0.0:
        return ""
    wants = "more" if relief > 0 else "less"
    return f"The DSO's signal at this bus was {relief:+.2f} (message 'signal'): {wants} injection helps here."
