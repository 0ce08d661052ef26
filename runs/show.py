"""What people see in the terminal: lists, hours and closing tables, from the log alone."""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import fields
from typing import TYPE_CHECKING, Any, get_type_hints

from rich.console import Console
from rich.table import Table

from peerflex.core.units import KW_PER_MW
from peerflex.runs.kpis import FILE, KPIS, kpis
from peerflex.runs.reader import Run

if TYPE_CHECKING:
    from peerflex.runs.build import Built
    from peerflex.scenarios.load import LoadedScenario

CONSOLE = Console(highlight=False)


def say(text: str) -> None:
    CONSOLE.print(text, markup=False, soft_wrap=True)


def show_list() -> None:
    """Name bundled scenarios and studies, and every kind of component with its parameters."""
    from peerflex.runs.plugins import registry
    from peerflex.scenarios.load import list_scenarios, list_studies

    for title, bundled in (("Scenarios", list_scenarios()), ("Studies", list_studies())):
        table = Table("name", "title", title=title, title_justify="left", box=None, pad_edge=False)
        for name, what in bundled.items():
            table.add_row(name, what)
        CONSOLE.print(table, "")
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
    return [(field.name, str(field.default), _meaning(hints[field.name])) for field in fields(component)]


def _meaning(hint: Any) -> str:
    notes = getattr(hint, "__metadata__", ())
    return next((note.description for note in notes if getattr(note, "description", None)), "")


def show_area(loaded: "LoadedScenario", built: "Built") -> None:
    """Say what a scenario amounts to."""
    area, network, scenario = built.area, built.network, loaded.scenario
    kinds = area.peers.behaviour
    table = Table(box=None, show_header=False)
    rows = (
        ("scenario", f"{scenario.name}: {scenario.title}"),
        ("grid", f"{len(area.grid.buses)} buses, {len(area.grid.branches)} lines and transformers, {scenario.physics}"),
        ("against pandapower", f"{network.deviation_pu:.1e} pu, {network.deviation_loading:.1e} of loading"),
        ("connections", str(len(area.peers))),
        *((f"  {name}", str(int((kinds == row).sum()))) for row, name in enumerate(area.behaviour_names)),
        ("steps", f"{area.steps} of {area.step_s // 60} minutes from {scenario.time.start:%Y-%m-%d %H:%M}"),
        ("markets", f"{scenario.market.p2p.kind}, then {scenario.market.lfm.kind}"),
        ("DSO's service", scenario.market.service.kind),
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
    for kpi in KPIS:
        # runs of earlier versions lack the figures that came later
        others = [] if reference is None else [_figure(reference.kpis.get(kpi.name, math.nan))]
        table.add_row(kpi.name, _figure(figures.get(kpi.name, math.nan)), *others, kpi.unit)
    CONSOLE.print(table)
    events = run.rows("events")
    kinds = zip(events["kind"].to_pylist(), events["consequence"].to_pylist(), strict=True)
    for (kind, consequence), count in sorted(Counter(kinds).items()):
        say(f"{count} x {kind}: {consequence}")


def _figure(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4f}"
