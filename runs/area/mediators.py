"""Who mediates in a scenario, and which mediators have no meaning in it."""

import numpy as np

from peerflex.agents.mediation import Honest
from peerflex.agents.mediator import MediatorSettings
from peerflex.agents.monitor import Monitor
from peerflex.core.errors import InputError
from peerflex.core.people import PeerTable
from peerflex.markets.idle import NoFlexMarket, NoMarket
from peerflex.runs.area.area import Area
from peerflex.runs.area.components import make
from peerflex.runs.area.plugins import Registry
from peerflex.runs.stages.sequences import iterative
from peerflex.scenarios.hints import nearest
from peerflex.scenarios.mediator_schema import Mediator
from peerflex.scenarios.schema import Scenario


def build_mediators(
    scenario: Scenario, registry: Registry, peers: PeerTable, origin: str
) -> tuple[MediatorSettings, ...]:
    """Return the mediators of a scenario; nobody is a member of two.

    Raises:
        InputError: if there is no such group or strategy, or if a group has two mediators.
    """
    groups, whose = [group.name for group in scenario.peers], dict[str, str]()
    for row, spec in enumerate(scenario.mediators):
        where = f"{origin}: mediators.{row}"
        for group in spec.groups:
            if group not in groups:
                raise InputError(f"{where}.groups", f"there is no group {group!r}", nearest(group, tuple(groups)))
            if group in whose:
                what = f"{group!r} is mediated by {whose[group]!r} already"
                raise InputError(f"{where}.groups", what, "Give every group one mediator.")
            whose[group] = spec.name
    return tuple(_built(spec, row, groups, registry, peers, origin) for row, spec in enumerate(scenario.mediators))


def _built(
    spec: Mediator, row: int, groups: list[str], registry: Registry, peers: PeerTable, origin: str
) -> MediatorSettings:
    kinds = [groups.index(group) for group in spec.groups]
    where = f"{origin}: mediators.{row}.strategy"
    return MediatorSettings(
        name=spec.name,
        role=spec.role,
        member=np.isin(peers.behaviour, kinds),
        strategy=make(registry.strategies, spec.strategy.kind, spec.strategy.parameters, where),
        fee_eur_per_mwh=spec.fee_eur_per_mwh,
        class_eur_per_mwh=spec.price_class_eur_per_mwh if spec.pools == "bus" else 0.0,
        resells=spec.resells,
    )


def build_monitor(scenario: Scenario) -> Monitor | None:
    """Return the monitor of the flexibility market's operator, if it has one."""
    spec = scenario.market.monitor
    if spec is None:
        return None
    return Monitor(spec.sees == "trades", spec.ask_above_eur_per_mwh, spec.reversal_share)


def check_mediators(area: Area, scenario: Scenario, origin: str) -> None:
    """Refuse mediators and monitors that have no meaning in a design.

    Raises:
        InputError: with what has to change.
    """
    market = area.flex_market
    bought = not (isinstance(market, NoFlexMarket) or getattr(market, "among_peers", False))
    if area.monitor is not None and not bought:
        what = "looks at what a flexibility market operator buys, and here nobody buys flexibility of peers"
        raise InputError(f"{origin}: market.monitor", what, "Use lfm linear, or leave out the monitor.")
    if area.mediators and scenario.tso is not None:
        what = "bid for members among peers, where the TSO's contracts are settled at members' own true prices"
        raise InputError(f"{origin}: mediators", what, "Leave out the mediators, or the TSO.")
    for row, each in enumerate(area.mediators):
        where, gamed = f"{origin}: mediators.{row}", not isinstance(each.strategy, Honest)
        if not bought and (each.class_eur_per_mwh or each.resells or gamed):
            what = "sells flexibility to a market operator, and here nobody buys any"
            if getattr(market, "among_peers", False):
                what = "sells flexibility to a market operator, and here peers serve the need among themselves"
            raise InputError(where, what, "Use lfm linear, or a mediator without pools, resells and strategy.")
        if each.class_eur_per_mwh and area.peers.least_share[each.member].any():
            what = "activates any part of a pool, and a group of its members has a least_activation"
            raise InputError(f"{where}.pools", what, "Use pools none, or leave out least_activation.")
        if each.resells and area.sequence is iterative:
            what = "undoes trades of one round that peers make anew in the next"
            raise InputError(f"{where}.resells", what, "Use another sequence, or resells: false.")
        if gamed and not area.dso.publishes:
            what = "acts on the DSO's signal, and this DSO publishes nothing"
            raise InputError(f"{where}.strategy", what, "Set dso.publishes to at-risk, or use honest.")
        if gamed and isinstance(area.market, NoMarket):
            what = "overbids among peers, and there is no market between peers"
            raise InputError(f"{where}.strategy", what, "Use a market between peers, or honest.")
