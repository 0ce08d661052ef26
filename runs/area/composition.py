"""Whether the parts of a market design make one design: what the DSO says and who would have to heed it, the order of
the markets, and the conceptual model it names."""

from typing import Literal

from peerflex.core.errors import InputError
from peerflex.core.protocols import Market
from peerflex.markets.idle import NoFlexMarket, NoIncentive, NoMarket, NoService
from peerflex.runs.area.area import Area
from peerflex.runs.area.responsible import check_responsibility
from peerflex.runs.stages.sequences import FLEXIBILITY_STANDS, p2p_first
from peerflex.scenarios.market_schema import MarketDesign
from peerflex.scenarios.presets import PRESETS, Structure
from peerflex.scenarios.tariff_schema import Delivery


def check_composition(area: Area, design: MarketDesign, with_tso: bool, where: str) -> None:
    """Refuse a design whose parts contradict each other.

    Raises:
        InputError: with the part that has to change.
    """
    if area.sequence is not p2p_first:
        _check_sequence(area, with_tso, f"{where}.sequence")
    if design.preset is not None:
        _check_preset(area, design, where)
    if len(area.sessions) > 1:
        _check_sessions(area, with_tso, f"{where}.sessions")
    check_responsibility(area, with_tso, f"{where}.settlement")
    market = area.flex_market
    if area.peers.least_share.any() and not (
        isinstance(market, NoFlexMarket) or getattr(market, "heeds_blocks", False)
    ):
        what = f"{design.lfm.kind!r} activates any part of an offer, and groups of peers have a least_activation"
        raise InputError(f"{where}.lfm", what, "Use linear, or leave out least_activation.")


def check_delivery(delivery: Delivery, sessions: tuple[str, ...], where: str) -> None:
    """Refuse an error of a forecast on which nobody trades.

    Raises:
        InputError: if it is refused.
    """
    if delivery.day_ahead_error is not None and "day-ahead" not in sessions:
        what = "is the error of the forecast that a day-ahead session is held on, and there is no such session"
        remedy = "Add day-ahead to market.sessions, or leave it out."
        raise InputError(f"{where}.day_ahead_error", what, remedy)


def check_incentive(area: Area, kind: str, where: str) -> None:
    """Refuse an incentive that the market (of this kind) does not heed, or that has no meaning in this network.

    Raises:
        InputError: if it is refused.
    """
    incentive = area.dso.incentive
    if isinstance(incentive, NoIncentive):
        return
    if hasattr(incentive, "check"):
        incentive.check(area.dso.grid, where)
    if not getattr(incentive, "binds_orders", False):
        if not getattr(area.market, "heeds_terms", False):
            what = f"the market {kind!r} does not heed what the DSO says about trades"
            raise InputError(where, what, "Use bilateral-equilibrium, or incentive none.")
        return
    for name, behaviour in zip(area.behaviour_names, area.behaviours, strict=True):
        if getattr(behaviour, "has_slopes", False):
            what = f"limits changes from the forecast, and {name!r} trades all that it uses"
            raise InputError(where, what, "Use another incentive, or another behaviour.")


def check_service(area: Area, where: str) -> None:
    """Refuse a service of the DSO whose terms of trade the market does not heed, or heeds otherwise than it expects."""
    if not getattr(area.market, "heeds_terms", False):
        what = "sets terms of trade, and the market does not heed what the DSO says about trades"
        raise InputError(where, what, "Use the market bilateral-equilibrium, or service none.")
    misfit = area.service.misfit(area.market, area.dso.incentive) if hasattr(area.service, "misfit") else ""
    if misfit:
        raise InputError(where, misfit, "Change either of the two, or use another service.")


def _check_sequence(area: Area, with_tso: bool, where: str) -> None:
    """Refuse an order of markets in which something that is sold among peers could not stand."""
    if with_tso:
        what = "the TSO buys among peers, and its purchase stands only where peers trade first"
        raise InputError(where, what, "Use p2p-first, or leave out the TSO.")
    if getattr(area.service, "asks_for_more", False):
        what = "the DSO's service has peers bid anew, and what the flexibility market activated would not stand"
        raise InputError(where, what, "Use p2p-first, or another service.")
    if isinstance(area.market, NoMarket) or isinstance(area.flex_market, NoFlexMarket):
        what = "there are not two markets to be put in an order"
        raise InputError(where, what, "Use p2p-first, or a design with both markets.")


def _check_sessions(area: Area, with_tso: bool, where: str) -> None:
    """Refuse two sessions where what was sold in the first could not stand in the second."""
    remedy = "Use [intraday] or [day-ahead] alone"
    if isinstance(area.market, NoMarket):
        raise InputError(where, "there is no market between peers to be held twice", f"{remedy}, or another market.")
    if with_tso:
        what = "the TSO asks once, for what it sees shortly before delivery, and would ask for it twice"
        raise InputError(where, what, f"{remedy}, or leave out the TSO.")
    if getattr(area.service, "asks_for_more", False):
        what = "the DSO's service has peers bid anew, and what they sold in the first session would not stand"
        raise InputError(where, what, f"{remedy}, or another service.")
    if area.sequence in FLEXIBILITY_STANDS and any(each.resells for each in area.mediators):
        what = "a mediator resells trades of both sessions, and peers trade again after it"
        raise InputError(where, what, f"{remedy}, or the sequence p2p-first.")


def _check_preset(area: Area, design: MarketDesign, where: str) -> None:
    """Refuse parts that make the design another conceptual model than the one it names."""
    name = design.preset
    assert name is not None
    preset, remedy = PRESETS[name], "Change it, or leave out the preset."
    if _structure(area.market) != preset.structure:
        wanted = {"auction": "an auction", "bilateral": "bilateral trade", "none": "trade of capacity alone"}
        what = f"{name} is {wanted[preset.structure]}, and {design.p2p.kind!r} is not"
        raise InputError(f"{where}.p2p", what, remedy)
    implicit = not (isinstance(area.service, NoService) and isinstance(area.dso.incentive, NoIncentive))
    if implicit and not preset.implicit:
        part = "service" if not isinstance(area.service, NoService) else "incentive"
        raise InputError(f"{where}.{part}", f"{name} has no say of the DSO in trades", remedy)
    if preset.implicit and not implicit:
        what = f"{name} is implicit service: trades mind the network, and here nothing makes them"
        raise InputError(f"{where}.service", what, "Use a service or an incentive, or leave out the preset.")
    if isinstance(area.flex_market, NoFlexMarket) != (preset.lfm == "none"):
        what = f"{name} has {'no' if preset.lfm == 'none' else 'a'} flexibility market"
        raise InputError(f"{where}.lfm", what, remedy)
    if getattr(area.flex_market, "among_peers", False) != preset.explicit:
        served = "by peers among themselves" if preset.explicit else "by a market operator"
        raise InputError(f"{where}.lfm", f"in {name} the DSO's need is served {served}", remedy)


def _structure(market: Market) -> Structure | Literal["hybrid"]:
    if getattr(market, "hybrid", False):
        return "hybrid"
    if isinstance(market, NoMarket):
        return "none"
    in_pairs = getattr(market, "bilateral", False) or getattr(market, "without_mediator", False)
    return "bilateral" if in_pairs else "auction"
