"""Every valid pair of values of the design elements in few whole designs, each of which trades, balances and verifies.

The elements are what the registries and the sequences hold; each choice (a word or a yes or no) among a kind's
parameters is a value of its own. ``pytest -m slow -s tests/test_compositions.py`` runs every design and prints the
coverage.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields
from functools import cache, reduce
from itertools import combinations, product
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

import pytest

from peerflex.agents.registry import BEHAVIOURS
from peerflex.core.errors import InputError
from peerflex.markets.idle import NoFlexMarket
from peerflex.markets.registry import FLEX_MARKETS, INCENTIVES, MARKETS, NETWORK_TARIFFS, PREFERENCES, SERVICES
from peerflex.markets.responsibility import ACTIVATIONS, IMBALANCE
from peerflex.runs.area.build import build
from peerflex.runs.area.plugins import registry
from peerflex.runs.log.reader import open_run
from peerflex.runs.log.verification import verify
from peerflex.runs.session import Session
from peerflex.runs.stages.sequences import SEQUENCES
from peerflex.scenarios.layers import merge, parse_settings
from peerflex.scenarios.load import LoadedScenario, load_scenario, restore_scenario

NO_CHOICE: Final = {
    *("solver", "coordinates", "latency", "quoting", "inside"),
    *("withdraws_request", "reactive_control", "voltage", "extra"),
}
"""Parameters that are no element of a design: how something is computed or drawn, or a detail within one element."""

QUICK: Final = {
    "consensus-admm": {"most_rounds": 200},
    "product-differentiation": {"iterations": 2, "flexibility_step": 0.35},
}
"""Less of the same: what makes a kind's hour short."""

NEEDED: Final = {
    "prosumer": {"flexible_load_share": 0.3},
    "truthful": {"flexible_load_share": 0.3},
    "elastic-load": {"marginal_eur_per_mwh": 150.0, "rise_eur_per_mwh": 50.0, "penalty_eur_per_mwh": 20.0},
    "philanthropic": {"to": "truthful"},
}
"""What a kind has to be told here."""

LISTED: Final = ("listed", "elastic-source")
"""Behaviours that are nothing here: they bid prices listed for them, or all that they generate, and use nothing."""

EVENING: Final = ("time.start=2016-07-04T17:00:00", "reference=none", "grid.line_rating_factor=0.5")
"""Two hours in which peers trade, and the lowest voltage and some lines come to their limits."""

STEADY: Final = ("profiles.source=steady", "profiles.load=null", "profiles.pv=null")
"""What a design is refused for has nothing to do with profiles, and there are thousands to be built."""

TRIED: Final = 6
"""Beginnings that are tried for each design."""

PARTS: Final = registry()

Value = str
Design = tuple[tuple[str, Value], ...]
"""A value of every element, by the element's name; values are as a scenario writes them."""

Pair = frozenset[tuple[str, Value]]


def values(kinds: dict[str, type]) -> Iterator[Value]:
    """Every kind as it comes, and with each other choice that one of its parameters allows."""
    for kind, made in kinds.items():
        said = {"kind": kind} | QUICK.get(kind, {}) | NEEDED.get(kind, {})
        yield json.dumps(said)
        hints = get_type_hints(made)
        for field in fields(made):
            if field.name in NO_CHOICE:
                continue
            kind_of = hints[field.name]
            choices = get_args(kind_of) if get_origin(kind_of) is Literal else (False, True) * (kind_of is bool)
            yield from (json.dumps(said | {field.name: each}) for each in choices if each != field.default)


def _may_be_last(made: type) -> bool:
    """Whether the DSO may have it as a last resort: no market of those that have asks."""
    return made is NoFlexMarket or getattr(made, "administered", False)


MEDIATORS: Final = (
    {"role": "independent", "fee_eur_per_mwh": 1},
    {"role": "aggregator", "pools": "bus"},
    {"role": "community-manager", "resells": True},
    {"role": "aggregator", "strategy": {"kind": "increase-decrease"}},
)

ELEMENTS: Final = {
    "p2p": tuple(values(MARKETS)),
    "incentive": tuple(values(INCENTIVES)),
    "service": tuple(values(SERVICES)),
    "lfm": tuple(values(FLEX_MARKETS)),
    "sequence": tuple(SEQUENCES),
    "last_resort": tuple(values({kind: made for kind, made in FLEX_MARKETS.items() if _may_be_last(made)})),
    "network_tariff": tuple(values(NETWORK_TARIFFS)),
    "settlement.flexibility": ("sold", "delivered"),
    "settlement.baseline_days": ("0", "5"),
    "settlement.imbalance": tuple(IMBALANCE),
    "settlement.activations": tuple(ACTIVATIONS),
    "sessions": ('["intraday"]', '["day-ahead"]', '["day-ahead", "intraday"]'),
    "mediators": ("[]", *(json.dumps([{"name": "street", "groups": ["prosumers"], **said}]) for said in MEDIATORS)),
    "behaviour": tuple(values({kind: made for kind, made in BEHAVIOURS.items() if kind not in LISTED})),
    "preference": ("null", *values(PREFERENCES)),
}
ALLOWS_MOST: Final = {
    "p2p": '{"kind": "bilateral-equilibrium"}',
    "incentive": '{"kind": "none"}',
    "service": '{"kind": "none"}',
    "lfm": '{"kind": "linear"}',
    "sequence": "p2p-first",
    "last_resort": '{"kind": "none"}',
    "network_tariff": '{"kind": "none"}',
    "settlement.flexibility": "sold",
    "settlement.baseline_days": "0",
    "settlement.imbalance": "peers",
    "settlement.activations": "dso",
    "sessions": '["intraday"]',
    "mediators": "[]",
    "behaviour": '{"kind": "prosumer", "flexible_load_share": 0.3}',
    "preference": "null",
}
"""Values that fit all others: what is refused beside them is refused because of the pair."""

NOT_WITHOUT: Final = {("settlement.baseline_days", "5"): {"settlement.flexibility": "delivered"}}
"""Values that only fit beside one of another element, which then stands there if the pair says nothing of it."""


WRITTEN: Final = {"behaviour": "peers.0.behaviour", "preference": "peers.0.preference", "mediators": "mediators"}
"""Where elements are written that are no part of ``market``: what is the peers' own is that of the first group."""


def written(element: str, value: Value) -> str:
    """Return the setting of an element."""
    return f"{WRITTEN.get(element, f'market.{element}')}={value}"


@cache
def layer(element: str, value: Value) -> dict[str, Any]:
    """Return the same as a part of a scenario: there are few values, and each is in hundreds of pairs."""
    return parse_settings([written(element, value)])


@cache
def plain() -> LoadedScenario:
    """Return the scenario whose design is changed."""
    return load_scenario("case69-day", STEADY)


def refusal(design: dict[str, Value]) -> str:
    """Why a design is refused, '' if it is not."""
    try:
        document = reduce(merge, (layer(*each) for each in design.items()), plain().scenario.model_dump(mode="json"))
        build(restore_scenario(document, plain().base, plain().origin), PARTS)
    except InputError as error:
        return error.problem.what
    return ""


@cache
def refusals() -> dict[Pair, str]:
    """Every pair of values of two elements, and why it is refused ('': it is not)."""
    return {
        frozenset({(one, a), (other, b)}): refusal(
            ALLOWS_MOST | NOT_WITHOUT.get((one, a), {}) | NOT_WITHOUT.get((other, b), {}) | {one: a, other: b}
        )
        for one, other in combinations(ELEMENTS, 2)
        for a, b in product(ELEMENTS[one], ELEMENTS[other])
    }


@cache
def designs() -> tuple[Design, ...]:
    """A small set of designs in which every valid pair occurs, found greedily: most pairs not yet seen first."""
    left, found = dict.fromkeys(pair for pair, why in refusals().items() if not why), []
    while left:
        best = next(design for design in _tried(left) if not refusal(design))  # three values may not fit either
        for pair in _pairs(best):
            left.pop(pair, None)
        found.append(tuple((element, best[element]) for element in ELEMENTS))
    return tuple(found)


def _tried(left: dict[Pair, None]) -> Iterator[dict[str, Value]]:
    """Yield designs with pairs not yet seen, most of them first, and then other ones with the first of them."""
    names, seeds = list(ELEMENTS), list(left)[:: max(1, len(left) // TRIED)]
    tried = [_filled(seed, order, left) for seed in seeds for order in (names, names[::-1])]
    yield from sorted(tried, key=lambda design: -sum(pair in left for pair in _pairs(design)))
    yield from (_filled(seeds[0], names[turn:] + names[:turn], left) for turn in range(1, len(names)))


def _filled(seed: Pair, order: list[str], left: dict[Pair, None]) -> dict[str, Value]:
    """Return a whole design with a pair, each other value the one with most pairs not yet seen, in some order."""
    design = dict(sorted(seed))
    for element in (each for each in order if each not in design):
        fitting = [value for value in ELEMENTS[element] if _fits(design, element, value)]
        design[element] = max(fitting, key=lambda value: _new(design, element, value, left))
    return design


def _pairs(design: dict[str, Value]) -> list[Pair]:
    return [frozenset(two) for two in combinations(design.items(), 2)]


def _fits(design: dict[str, Value], element: str, value: Value) -> bool:
    return not any(refusals()[frozenset({each, (element, value)})] for each in design.items())


def _new(design: dict[str, Value], element: str, value: Value, left: dict[Pair, None]) -> int:
    return sum(frozenset({each, (element, value)}) in left for each in design.items())


def trouble(design: Design, folder: Path) -> str:
    """What is wrong with two hours of a design, '' if it trades where it should and its log verifies.

    That energy and money balance is checked by the run itself, which stops if they do not.
    """
    loaded = load_scenario("case69-day", [*EVENING, *(written(*each) for each in design)], hours=2)
    with Session.begin(loaded, PARTS, folder, driver="mosaik") as session:
        for _ in session.advance():
            pass
    differences = verify(folder, PARTS).differences  # in Mesa
    if differences:
        return f"does not verify: {differences[0]}"
    done, parts = open_run(folder, check=False), dict(design)
    trades, kind = len(done.table("trades")), json.loads(parts["p2p"])["kind"]
    if (trades > 0) != (kind != "none"):
        return f"{trades} trades"
    bought, lfm = (done.table("flex").accepted_mw > 0.0).any(), json.loads(parts["lfm"])["kind"]
    # elsewhere trades may leave nothing to relieve; and without a trade elastic loads use nothing
    needed = parts["sequence"] in ("lfm-first", "unrelated") and "elastic" not in parts["behaviour"]
    if (bought and lfm == "none") or (needed and not bought):
        return f"flexibility is bought: {bought}"
    return ""


def coverage() -> tuple[set[Pair], set[Pair]]:
    """Return the valid pairs and those that the designs cover, and print how many of which."""
    why = refusals()
    valid = {pair for pair, reason in why.items() if not reason}
    covered = {pair for design in designs() for pair in _pairs(dict(design))}
    print(f"\n{sum(map(len, ELEMENTS.values()))} values of {len(ELEMENTS)} elements, {len(why)} pairs")
    print(f"{len(valid)} valid, {len(valid & covered)} of them covered by {len(designs())} designs; refused:")
    reasons = Counter(re.sub("'.*'", "...", reason) for reason in why.values() if reason)
    print("\n".join(f"{count:5} {reason}" for reason, count in reasons.most_common()), flush=True)
    return valid, covered


@pytest.mark.once
def test_every_valid_pair_occurs_in_a_design_that_can_be_built() -> None:
    valid, covered = coverage()
    assert covered == valid
    for element, each in ((element, each) for element, all_of in ELEMENTS.items() for each in all_of):
        assert any((element, each) in pair for pair in valid), f"{element} {each} fits nothing"


@pytest.mark.once
def test_a_handful_of_designs_trade_and_verify(tmp_path: Path) -> None:
    some = designs()[:: max(1, len(designs()) // 4)]
    wrong = {design: said for row, design in enumerate(some) if (said := trouble(design, tmp_path / str(row)))}
    assert not wrong


@pytest.mark.slow
def test_every_design_trades_and_verifies(tmp_path: Path) -> None:
    coverage()
    wrong: dict[Design, Any] = {}
    for row, design in enumerate(designs()):
        try:
            said = trouble(design, tmp_path / str(row))
        except Exception as error:  # all of them are wanted, not the first
            said = f"{type(error).__name__}: {error}"
        if said:
            wrong[design] = said
            print(dict(design), said, flush=True)
    print(f"{len(designs()) - len(wrong)} of {len(designs())} designs trade, balance and verify")
    assert not wrong
