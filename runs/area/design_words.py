"""A market design in words, for whoever checks a scenario or reads the report of a run."""

from peerflex.scenarios.mediator_schema import Mediator
from peerflex.scenarios.peer_schema import Component
from peerflex.scenarios.schema import Scenario


def in_words(component: Component) -> str:
    """Return a kind with the parameters that are given for it."""
    given = ", ".join(f"{key} {value}" for key, value in component.parameters.items())
    return f"{component.kind} ({given})" if given else component.kind


def beside_markets(scenario: Scenario) -> list[tuple[str, str]]:
    """Return what a design has beside its two markets and the DSO's say in trades, as name and words."""
    market = scenario.market
    given = market.settlement.model_dump(exclude_defaults=True)
    parts = (
        ("Sessions", "" if market.sessions == ("intraday",) else ", then ".join(market.sessions)),
        ("Last resort", _unless_none(market.last_resort)),
        ("Network tariff", _unless_none(market.network_tariff)),
        ("Settlement", ", ".join(f"{key} {value}" for key, value in given.items())),
        ("Trades between peers at", ", ".join(map(str, market.p2p_area or ()))),
        ("Flexibility from", ", ".join(map(str, market.lfm_area or ()))),
        *((f"Mediator {each.name}", _mediator(each)) for each in scenario.mediators),
        ("Monitor sees", "" if market.monitor is None else market.monitor.sees),
        *((f"Preference of {each.name}", in_words(each.preference)) for each in scenario.peers if each.preference),
        *((f"Quoting of {each.name}", each.quoting) for each in scenario.peers if each.quoting),
    )
    return [(name, words) for name, words in parts if words]


def _unless_none(component: Component) -> str:
    return "" if component.kind == "none" else in_words(component)


def _mediator(each: Mediator) -> str:
    does = [
        f"{each.role} of {', '.join(each.groups)}",
        f"pools by {each.pools}" if each.pools != "none" else "",
        "resells" if each.resells else "",
        f"fee {each.fee_eur_per_mwh:g} EUR/MWh" if each.fee_eur_per_mwh else "",
        in_words(each.strategy),
    ]
    return "; ".join(filter(None, does))
