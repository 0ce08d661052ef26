"""The report of a run: what was simulated in plain words, pictures, tables, and where it comes from."""

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import yaml

from peerflex.core.errors import InputError
from peerflex.core.units import SECONDS_PER_HOUR, SECONDS_PER_MINUTE
from peerflex.runs.area.design_words import beside_markets, in_words
from peerflex.runs.log.manifest import Manifest
from peerflex.runs.log.reader import Run, reference_of
from peerflex.runs.report.figures import worst_step
from peerflex.runs.report.html import Html, figure, heading, join, listing, page, paragraph, preformatted, table
from peerflex.runs.report.ledger import gains_eur, money_of
from peerflex.runs.report.markets import gains_picture, merit_order, messages_of, messages_picture
from peerflex.runs.report.numbers import Numbers, percent
from peerflex.runs.report.points import hours_to_draw, with_levels
from peerflex.runs.report.spread import spread_pictures
from peerflex.runs.report.tables import event_table, kpi_table, money_tables, violation_tables
from peerflex.runs.report.time import Timeline
from peerflex.runs.report.wires import network_picture
from peerflex.scenarios.changes import standing
from peerflex.scenarios.load import LoadedScenario, restore_scenario
from peerflex.scenarios.schema import CUSTOMERS, Scenario

_STATUS = {"done": "finished", "failed": "failed", "running": "not finished: it was stopped, or is still going on"}


def run_page(run: Run, version: str) -> Html:
    """Return the report of a run as a page.

    Raises:
        InputError: if the log, or that of its reference, was altered.
    """
    manifest = run.manifest
    origin = f"{run.folder}/manifest.json"
    loaded = restore_scenario(manifest.scenario, run.folder / "inputs", origin)
    scenario = loaded.scenario
    title = f"{scenario.title or scenario.name} (seed {manifest.seed})"
    lead = [paragraph(_lead(run)), *_state(run)]
    reference = reference_of(run.folder)
    about = [
        ("simulated", "What was simulated", _simulated(manifest, scenario)),
        ("calibrated", "What is calibrated or chosen", _calibrated(manifest, scenario)),
        ("scenario", "Scenario", preformatted(yaml.safe_dump(manifest.scenario, sort_keys=False, allow_unicode=True))),
        ("origin", "Versions and inputs", _origin(manifest)),
    ]
    found = _found(run, reference, loaded) if run.finished_steps else []
    return page(title, join(lead), [about[0], *found, *about[1:]], version)


def _found(run: Run, reference: Run | None, loaded: LoadedScenario) -> list[tuple[str, str, Html]]:
    """Return the sections of what came out."""
    step_s, hours = run.manifest.step_seconds, with_levels(run.hours, loaded)
    other = None if reference is None else hours_to_draw(reference.hours, step_s)
    time = Timeline(hours_to_draw(hours, step_s), other, loaded.scenario)
    money, theirs = money_of(run), None if reference is None else money_of(reference)
    told = messages_of(run)
    spread = spread_pictures(run, reference, hours)
    network = [_network(run, standing(loaded, worst_step(hours)).scenario), *map(figure, [*time.wires(), *spread])]
    gains = gains_picture(run, reference, gains_eur(money, theirs))
    kinds = [(each.sender, each.receiver, each.kind, each.fields, each.messages, each.values) for each in told]
    header = ("from", "to", "kind", "what each discloses", "messages", "values")
    messages = [table("", header, kinds)] if kinds else []
    return [
        ("kpis", "Key figures", kpi_table(run, reference)),
        ("wires", "Network", join(network)),
        ("violations", "Limits not kept", violation_tables(run)),
        ("markets", "Markets", join(map(figure, [*time.markets(), *merit_order(run), time.balance()]))),
        ("money", "Money", join([figure(gains), money_tables(run, money, theirs)])),
        ("messages", "Messages", join([*map(figure, messages_picture(told)), *messages])),
        ("frequency", "Frequency", join(map(figure, time.frequency()))),
        ("events", "Out of the ordinary", event_table(run)),
    ]  # fmt: skip


def _network(run: Run, scenario: Scenario) -> Html:
    """Return the picture of the network, or why there is none: a report is of use without it."""
    try:
        return figure(network_picture(run, run.hours, scenario.dso))
    except InputError as error:
        return paragraph(f"The network is not drawn. {error}", "note")


def _lead(run: Run) -> str:
    manifest = run.manifest
    end = manifest.start + timedelta(seconds=manifest.step_seconds * manifest.steps)
    return (
        f"{run.finished_steps} of {manifest.steps} steps of {manifest.step_seconds // SECONDS_PER_MINUTE} minutes, "
        f"{manifest.start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}. The run is {_STATUS[manifest.status]}."
    )


def _state(run: Run) -> list[Html]:
    """Return a warning if this is not the whole run."""
    manifest, there = run.manifest, run.finished_steps
    if manifest.status == "failed":
        told = f"The simulation failed in step {there}. This report is of the {there} steps before it."
    elif there < manifest.steps:
        told = (
            f"Only {there} of {manifest.steps} steps are logged. This report is of these; go on with the run for more."
        )
    else:
        return []
    return [paragraph(told, "note")]


def _simulated(manifest: Manifest, scenario: Scenario) -> Html:
    grid, market = scenario.grid, scenario.market
    hours = manifest.steps * manifest.step_seconds / SECONDS_PER_HOUR
    physics = "AC power flow" if scenario.physics == "ac" else "linear, lossless power flow"
    low, high = scenario.dso.voltage_pu
    facts = [
        f"Grid: {grid.code or grid.path} ({grid.source}), {len(manifest.buses)} buses and {len(manifest.branches)} "
        f"lines and transformers; {physics}. Loads times {grid.demand_factor:g}, "
        f"local generation times {grid.pv_factor:g}.",
        f"Limits: {low:g} to {high:g} pu, and {percent(scenario.dso.loading)} of every rating. "
        f"The DSO publishes: {scenario.dso.publishes}.",
        f"Trades between peers: {in_words(market.p2p)}; incentive: {in_words(market.incentive)}; "
        f"service: {in_words(market.service)}.",
        f"Flexibility market: {in_words(market.lfm)}; order of markets: {market.sequence}.",
        *(f"{name}: {words}." for name, words in beside_markets(scenario)),
        f"Time: {hours:g} h in steps of {manifest.step_seconds // SECONDS_PER_MINUTE} min. Seed: {manifest.seed}.",
    ]
    if scenario.tso is not None:
        facts.append(f"TSO: asks {scenario.tso.request.kind}, {scenario.tso.scheme}.")
    if manifest.coupled:
        facts.append("Other simulators were coupled to it.")
    for parent in manifest.parents:
        facts.append(f"Branched from {parent} (folder@step).")
    parts = [listing(facts), _groups(manifest, scenario)]
    if scenario.changes:
        rows = [(f"{change.hour:g}", key, value) for change in scenario.changes for key, value in _leaves(change.set)]
        parts += [heading("Changes in the middle"), table("", ("hour", "what", "from then on"), rows)]
    return join(parts)


def _groups(manifest: Manifest, scenario: Scenario) -> Html:
    count = Counter(manifest.peer_groups)
    behaviour = {group.name: in_words(group.behaviour) for group in scenario.peers}
    owns = {
        group.name: ", ".join(
            [f"battery of {group.battery_kwh:g} kWh, {group.battery_kw:g} kW"] * (group.battery_kwh > 0)
            + [f"PV of {group.pv_kw:g} kW more"] * (group.pv_kw > 0)
            + [f"generator of {group.generator_kw:g} kW"] * (group.generator_kw > 0)
            + [f"boiler of {group.boiler_kw:g} kW"] * (group.boiler_kw > 0)
        )
        for group in scenario.peers
    }
    customers = {CUSTOMERS: "deal with the supplier only"}
    rows = [(name, n, (customers | behaviour).get(name, "-"), owns.get(name, "")) for name, n in count.items()]
    return table("Peers by group", ("group", "peers", "how they bid", "each owns"), rows)


def _leaves(change: Mapping[str, Any], above: str = "") -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for key, value in change.items():
        found += _leaves(value, f"{above}{key}.") if isinstance(value, Mapping) else [(f"{above}{key}", value)]
    return found


def _calibrated(manifest: Manifest, scenario: Scenario) -> Html:
    said = scenario.description or "The scenario says nothing about it."
    general = (
        "Every value in the scenario below was given or is a default of peerflex; none is measured here. What its "
        "description does not name as measured or published is chosen."
    )
    plugins = [name for name in manifest.inputs if name.startswith("plugins/")]
    own = [paragraph(f"Part of the model is in plugins of the user: {', '.join(plugins)}.")] if plugins else []
    return join([paragraph(said), paragraph(general), *own])


def _origin(manifest: Manifest) -> Html:
    rows = [
        ("commit", manifest.commit or "not from a clone"), ("seed", manifest.seed), ("driver", manifest.driver),
        *((f"version of {name}", version) for name, version in manifest.versions.items()),
        *((f"processor, {name}", value) for name, value in manifest.processor.items()),
    ]  # fmt: skip
    inputs = [(name, sha256) for name, sha256 in manifest.inputs.items()]
    header = ("input", "sha256")
    parts = [table("", ("what", "value"), rows)]
    parts += [table("", header, inputs, Numbers("inputs", header, tuple(inputs)))] if inputs else []
    return join([*parts, paragraph("The same scenario with these versions on such a processor gives the same log.")])
