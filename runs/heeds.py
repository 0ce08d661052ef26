"""Whether what the DSO wants to say about trades fits the network it is said of, and who would have to heed it."""

from peerflex.core.errors import InputError
from peerflex.markets.idle import NoIncentive
from peerflex.runs.area import Area


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
