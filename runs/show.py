"""What people see in the terminal: lists, hours and closing tables, from the log alone."""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any, Final, Literal, get_args, get_origin, get_type_hints

from rich.console import Console
from rich.table import Table

from peerflex.core.units import KW_PER_MW
from peerflex.runs.kpis.kpis import FILE, KPIS, kpis
from peerflex.runs.log.reader import Run

if TYPE_CHECKING:
    from peerflex.runs.area.build import Built
    from peerflex.scenarios.load import LoadedScenario

CONSOLE = Console(highlight=False)

NOT_WRITTEN: Final = ("member", "group", "quoting_of_group", "community", "interface_eur_per_mwh")
"""Parameters of components that are found from elsewhere in the scenario, which refuses them there."""


def say(text: str) -> None:
    CONSOLE.print(text, markup=False, soft_wrap=True)


def show_list() -> None:
    """Name bundled scenarios and studies, and every kind of component with its parameters."""
    from peerflex.runs.area.plugins import registry
    from peerflex.runs.stages.sequences import SequenceName
    from peerflex.scenarios.load import list_scenarios, list_studies
    from peerflex.scenarios.presets import PresetName

    for title, bundled in (("Scenarios", list_scenarios()), ("Studies", list_studies())):
        table = Table("name", "title", title=title, title_justify="left", box=None, pad_edge=False)
        for name, what in bundled.items():
            table.add_row(name, what)
        CONSOLE.print(table, "")
    words = (("Conceptual models", "preset", PresetName), ("Orders of the markets", "sequence", SequenceName))
    for title, key, names in words:
        say(f"{title} (market.{key}): {', '.join(get_args(names))}")
    say("")
    parts = registry()
    for title, kinds in (
        ("Behaviours of peers (peers.*.behaviour)", parts.behaviours),
        ("With whom peers would rather trade (peers.*.preference)", parts.preferences),
        ("Peer-to-peer markets (market.p2p)", parts.markets),
        ("Incentives: the DSO's terms for trades (market.incentive)", parts.incentives),
        ("Services: how trades and wires come to terms (market.service)", parts.services),
        ("Flexibility markets (market.lfm; some also market.last_resort)", parts.flex_markets),
        ("Strategies of mediators (mediators.*.strategy)", parts.strategies),
        ("Network tariffs (market.network_tariff)", parts.network_tariffs),
    ):
        table = Table("kind, parameter", "default", "meaning", title=title, title_justify="left", box=None)
        table.columns[0].no_wrap = True  # names are there to be copied
        for kind, component in kinds.items():
            table.add_row(kind, "", "")
            for name, default, meaning in parameters(component):
                table.add_row(f"  {name}", default, meaning)
        CONSOLE.print(table, "")


def parameters(component: Any) -> list[tuple[str, str, str]]:
    """Return name, default and meaning of every parameter of a component; none for one that is not imported yet."""
    if not hasattr(component, "__dataclass_fields__"):
        return []
    hints = get_type_hints(component, include_extras=True)
    written = (field for field in fields(component) if field.name not in NOT_WRITTEN)
    return [
        (field.name, "required" if field.default is MISSING else str(field.default), _meaning(hints[field.name]))
        for field in written
    ]


def _meaning(hint: Any) -> str:
    """Return what a parameter means, and the values it may have if they are words."""
    notes, kind = getattr(hint, "__metadata__", ()), getattr(hint, "__origin__", hint)
    meaning = next((note.description for note in notes if getattr(note, "description", None)), "")
    choices = ", ".join(map(str, get_args(kind))) if get_origin(kind) is Literal else ""
    return "; one of ".join(filter(None, (meaning, choices)))


def show_area(loaded: "LoadedScenario", built: "Built") -> None:
    """Say what a scenario amounts to."""
    from peerflex.runs.area.design_words import beside_markets, in_words

    area, network, scenario, market = built.area, built.network, loaded.scenario, loaded.scenario.market
    kinds = area.peers.behaviour
    table = Table(box=None, show_header=False)
    rows = (
        ("scenario", f"{scenario.name}: {scenario.title}"),
        ("grid", f"{len(area.grid.buses)} buses, {len(area.grid.branches)} lines and transformers, {scenario.physics}"),
        ("against pandapower", f"{network.deviation_pu:.1e} pu, {network.deviation_loading:.1e} of loading"),
        ("connections", str(len(area.peers))),
        *((f"  {name}", str(int((kinds == row).sum()))) for row, name in enumerate(area.behaviour_names)),
        ("steps", f"{area.steps} of {area.step_s // 60} minutes from {scenario.time.start:%Y-%m-%d %H:%M}"),
        ("trades between peers", in_words(market.p2p)),
        ("flexibility", f"{in_words(market.lfm)}, {market.sequence}"),
        ("DSO's say in trades", f"incentive {in_words(market.incentive)}, service {in_words(market.service)}"),
        *((name[0].lower() + name[1:], words) for name, words in beside_markets(scenario)),
        *((("TSO", f"asks {scenario.tso.request.kind}, {scenario.tso.scheme}"),) if scenario.tso else ()),
        ("seed", str(area.seed)),
    )
    for row in rows:
        table.add_row(*row)
    CONSOLE.print(table)
    say("The scenario is valid.")


HOUR_COLUMNS: tuple[tuple[str, str, Callable[[Any], str]], ...] = (
    ("time", "time", lambda v: f"{v:%m-%d %H:%M}"),
    ("p2p kWh", "p2p_mwh", lambda v: f"{v * KW_PER_MW:.1f}"),
    ("EUR/MWh", "p2p_price_eur_per_mwh", lambda v: "" if math.isnan(v) else f"{v:.1f}"),
    ("flex kWh", "lfm_mwh", lambda v: f"{v * KW_PER_MW:.2f}" if v else ""),
    ("flex EUR", "lfm_cost_eur", lambda v: f"{v:.3f}" if v else ""),
    ("V min pu", "lowest_voltage_pu", lambda v: f"{v:.4f}"),
    ("V max pu", "highest_voltage_pu", lambda v: f"{v:.4f}"),
    ("loading %", "highest_loading", lambda v: f"{v * 100:.1f}"),
    ("at", "highest_loading_branch", str),
    ("beyond limits", "violations", lambda v: str(v) if v else ""),
)


def hours(run: Run) -> None:
    """Print one line a step: plain text, since a table of rich would take ten seconds for a year."""
    frame = run.hours
    columns = [[title, *map(form, frame[column])] for title, column, form in HOUR_COLUMNS]
    widths = [max(map(len, texts)) for texts in columns]
    say("\n".join("  ".join(map(str.rjust, row, widths)) for row in zip(*columns, strict=True)))


def summary(run: Run, reference: Run | None) -> None:
    """Print the closing figures, beside those without a market if there are any, and what was out of the ordinary."""
    manifest = run.manifest
    figures = run.kpis if (run.folder / FILE).is_file() else kpis(run)  # a run that was killed was never closed
    title = f"{manifest.scenario['name']}, seed {manifest.seed}, {manifest.finished_steps} of {manifest.steps} steps"
    columns = ["run"] if reference is None else ["run", "no market"]
    table = Table("figure", *columns, "unit", title=f"{title} ({manifest.status})", title_justify="left", box=None)
    left_out = 0
    for kpi in KPIS:
        # runs of earlier versions lack the figures that came later
        values = [each.get(kpi.name, math.nan) for each in (figures, *([] if reference is None else [reference.kpis]))]
        if kpi.name != "violation_hours" and all(math.isnan(value) or value == 0.0 for value in values):
            left_out += 1
        else:
            table.add_row(kpi.name, *map(_figure, values), kpi.unit)
    CONSOLE.print(table)
    say(f"{left_out} more figures are 0 or do not apply; {FILE} has every figure.")
    events = run.rows("events")
    kinds = zip(events["kind"].to_pylist(), events["consequence"].to_pylist(), strict=True)
    for (kind, consequence), count in sorted(Counter(kinds).items()):
        say(f"{count} x {kind}: {consequence}")


def _figure(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4f}"
