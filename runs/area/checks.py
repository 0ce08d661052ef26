"""Whether the parts of an area fit each other: every check, in the order in which they are told."""

import numpy as np

from peerflex.agents.elastic import ElasticLoad, ElasticSource
from peerflex.core.errors import InputError
from peerflex.runs.area import agreements
from peerflex.runs.area.area import Area
from peerflex.runs.area.choices import check_preferences
from peerflex.runs.area.composition import check_composition, check_delivery, check_incentive, check_service
from peerflex.runs.area.interface_price import check_interface_price
from peerflex.runs.area.mediators import check_mediators
from peerflex.scenarios.schema import Scenario
from peerflex.scenarios.tso_schema import Tso


def check_area(area: Area, scenario: Scenario, origin: str) -> None:
    """Refuse an area whose parts contradict each other.

    Raises:
        InputError: with the part that has to change.
    """
    market, with_tso = scenario.market, scenario.tso is not None
    _check_curves(area, origin)
    if agreements.takes_energy(area.flex_market) or agreements.takes_energy(area.last_resort):
        check_interface_price(area, origin)
    check_mediators(area, scenario, origin)
    check_preferences(area, with_tso, origin)
    check_incentive(area, market.p2p.kind, f"{origin}: market.incentive")
    _check_slopes(area, f"{origin}: market.p2p")
    if getattr(area.service, "sets_terms", False):
        check_service(area, f"{origin}: market.service")
    check_composition(area, market, with_tso, f"{origin}: market")
    check_delivery(scenario.delivery, market.sessions, f"{origin}: delivery")
    agreements.check_means(area, with_tso, f"{origin}: market")
    if scenario.tso is not None:
        _check_tso(area, scenario.tso, f"{origin}: tso")


def _check_curves(area: Area, origin: str) -> None:
    """Refuse elastic peers of which nobody says what a MW is worth to them, or costs them."""
    for row, behaviour in enumerate(area.behaviours):
        if not isinstance(behaviour, ElasticLoad | ElasticSource):
            continue
        members = area.peers.behaviour == row
        for name, own in (
            ("marginal_eur_per_mwh", area.peers.marginal_eur_per_mwh),
            ("rise_eur_per_mwh", area.peers.marginal_rise_eur_per_mwh),
        ):
            if getattr(behaviour, name) is None and np.isnan(own[members]).any():
                where = f"{origin}: peers.{row}.behaviour.{name}"
                raise InputError(where, "is missing, and these peers have none of their own", f"Add {name}.")


def _check_slopes(area: Area, where: str) -> None:
    """Refuse prices that change with every MW in a market that sees one price an order."""
    if getattr(area.market, "heeds_slopes", False):
        return
    for name, behaviour in zip(area.behaviour_names, area.behaviours, strict=True):
        if getattr(behaviour, "has_slopes", False):
            what = f"sees one price an order, and {name!r} bids prices that change with every MW"
            raise InputError(where, what, "Use bilateral-equilibrium, or another behaviour.")


def _check_tso(area: Area, tso: Tso, where: str) -> None:
    """Refuse a TSO that is served first, or by another scheme, where the market settles none at true prices."""
    if (tso.firm or tso.scheme != "common") and not getattr(area.market, "true_prices", False):
        asked = "a firm request" if tso.firm else f"the scheme {tso.scheme}"
        what = f"{asked} needs a market that serves some bids first and settles all at true prices"
        raise InputError(where, what, "Use the market bilateral-equilibrium, or scheme common and no firm.")
