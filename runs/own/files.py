"""The files of a new scenario: its YAML with a comment for every line to change, its series, its report."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from peerflex.core.arrays import Floats
from peerflex.core.units import MINUTES_PER_HOUR, SECONDS_PER_HOUR
from peerflex.runs.own.network import OwnNetwork
from peerflex.runs.own.profiles import LOAD_SHAPE, OwnProfiles, Used, sun_of
from peerflex.scenarios.meters.axis import Axis
from peerflex.scenarios.meters.findings import Finding, printable

WEEK_H = 168
FIRST_DAY = datetime(2016, 7, 4)  # a Monday in summer
DECIMALS = 5  # of a kW
MOST_PRINTED = 12

_SCENARIO = """\
# Made by `peerflex new`. report.md says what was found in the network and the meters, and what was done about it.
# Try:  peerflex check scenario.yaml    then    peerflex run scenario.yaml
name: {name}
title: {title}
description: >-
  A network of my own{metered}. Who trades, what they own and the markets are a first guess to be changed.

grid:
  source: {source}
  path: {file}
  demand_factor: 1.0   # every load times this: 2.0 stands for heat pumps and cars
  pv_factor: 1.0       # every PV system times this

time:
  start: {start}
  hours: {hours}{covers}
  step_minutes: {minutes}

profiles:
{profiles}

# Who trades. Every connection in no group is a customer of the supplier: on the wires, but in no market.
# The seed draws who is in which group; `at_buses: [name, ...]` in place of the share names them.
peers:
  - name: prosumers
    share_of_connections: 0.4
    behaviour: {{kind: prosumer, flexible_load_share: 0.3}}
    pv_kw: 0           # PV each member has beside what the network says
    battery_kwh: 8
    battery_kw: 4
  - name: truthful
    share_of_connections: 0.3
    behaviour: {{kind: truthful, flexible_load_share: 0.3}}

# `peerflex list` names all kinds with their parameters.
market:
  p2p: {{kind: bilateral-pool}}   # how peers trade with each other
  lfm: {{kind: linear}}           # where the DSO buys flexibility when limits are not kept

dso:
  voltage_pu: [0.95, 1.05]   # lowest and highest voltage
  loading: 1.0               # highest loading of lines and transformers; 1.0 is the rating

tariffs:
  retail_eur_per_mwh: 320    # what the supplier asks
  feed_in_eur_per_mwh: 80    # what the supplier pays

reference: no-market         # simulate the same without any market, too
seed: 1
"""

_CSV = """\
  source: csv
  unit: kW
  load: load.csv{pv}"""

_SHAPES = """\
  source: shapes             # a day that repeats; `peerflex new --meters` makes profiles of your own
  load: {load}
  pv: {pv}"""


def scenario_text(name: str, title: str, own: OwnNetwork, profiles: OwnProfiles | None) -> str:
    """Return the scenario: over (at most) the first whole week of the meters, or one summer day without any."""
    if profiles is None:
        start, hours, covers, minutes = FIRST_DAY, 24, "", MINUTES_PER_HOUR
        source, metered = _SHAPES.format(load=LOAD_SHAPE, pv=sun_of(start.month)), ""
    else:
        start, hours = _window(profiles.axis)
        end = profiles.axis.start + timedelta(seconds=profiles.axis.steps * profiles.axis.step_s)
        covers = f"   # the files cover {profiles.axis.start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}"
        minutes = profiles.axis.step_s // 60
        source = _CSV.format(pv="\n  pv: pv.csv" if profiles.pv_kw.any() else "")
        metered = f" with {len(profiles.used)} meters"
    return _SCENARIO.format(
        name=name,
        title=json.dumps(printable(title), ensure_ascii=False),
        metered=metered,
        source=own.source,
        file=own.file,
        start=f"{start:%Y-%m-%dT%H:%M}",
        hours=hours,
        covers=covers,
        minutes=minutes,
        profiles=source,
    )


def _window(axis: Axis) -> tuple[datetime, int]:
    """Return the first midnight of an axis (its beginning, if no whole day follows) and whole hours from there."""
    midnight = axis.start.replace(hour=0, minute=0)
    start = axis.start if midnight == axis.start else midnight + timedelta(days=1)
    rows = axis.steps - int((start - axis.start).total_seconds()) // axis.step_s
    if rows * axis.step_s < 24 * SECONDS_PER_HOUR:
        start, rows = axis.start, axis.steps
    return start, min(rows * axis.step_s // SECONDS_PER_HOUR, WEEK_H)


def write_series(path: Path, axis: Axis, names: Sequence[str], kw: Floats) -> None:
    """Write a profile as ``profiles.source: csv`` reads it; ``kw`` has shape ``(steps, names)``."""
    import pyarrow as pa
    from pyarrow import csv

    times = np.datetime64(axis.start, "s") + np.arange(axis.steps) * np.timedelta64(axis.step_s, "s")
    columns = [pa.array(np.datetime_as_string(times, unit="m")), *(pa.array(each) for each in np.round(kw, DECIMALS).T)]
    csv.write_csv(pa.table(columns, names=["time", *names]), path)


def report_text(title: str, findings: Sequence[Finding], profiles: OwnProfiles | None) -> str:
    """Return the report as Markdown: every finding by its kind, then which meter is which load."""
    parts = [f"# {_safe(printable(title))}: what was found", *_summary(findings, profiles)]
    for kind in dict.fromkeys(each.kind for each in findings):
        own = [each for each in findings if each.kind == kind]
        parts += ["", f"## {kind.title[0].upper()}{kind.title[1:]} ({len(own)})", ""]
        parts += [f"- **{_safe(printable(each.where))}**: {_safe(each.what)}" for each in own]
        parts += ["", f"Done: {kind.done}.", "", f"To do: {kind.remedy}"]
    if profiles is not None:
        parts += ["", "## Which meter is which load", "", *_table(profiles.used)]
    return "\n".join(parts) + "\n"


def _summary(findings: Sequence[Finding], profiles: OwnProfiles | None) -> list[str]:
    if profiles is None:
        return ["", "No meters were given: loads and PV follow bundled shapes of a day."]
    axis = profiles.axis
    first = f"{len(profiles.used)} of {profiles.meters} meters are used, {axis.steps} steps of"
    return ["", f"{first} {axis.step_s // 60} minutes from {axis.start:%Y-%m-%d %H:%M}. Series are in kW."]


def _table(used: Sequence[Used]) -> list[str]:
    rows = [
        f"| {_safe(each.meter)} | {_safe(each.connection)} | {each.how} | {each.to_kw:g} | {each.filled} |"
        for each in used
    ]
    head = "| meter | load in the network | matched by | times, to be kW | steps filled |"
    return [head, "|---|---|---|---|---|", *rows]


def _safe(text: str) -> str:
    """Return text that Markdown and HTML show as it is."""
    for sign in "\\`*_[]|<>#":
        text = text.replace(sign, "&lt;" if sign == "<" else "&gt;" if sign == ">" else f"\\{sign}")
    return text


def report_lines(findings: Sequence[Finding], profiles: OwnProfiles | None) -> list[str]:
    """Return the report for a terminal: every kind with its first findings."""
    lines = [text for text in _summary(findings, profiles) if text]
    for kind in dict.fromkeys(each.kind for each in findings):
        own = [each for each in findings if each.kind == kind]
        lines += ["", f"{kind.title[0].upper()}{kind.title[1:]} ({len(own)})"]
        lines += [f"  {printable(each.where)}: {each.what}" for each in own[:MOST_PRINTED]]
        if len(own) > MOST_PRINTED:
            lines.append(f"  ... and {len(own) - MOST_PRINTED} more in report.md")
        lines += [f"  done:  {kind.done}", f"  to do: {kind.remedy}"]
    return lines
