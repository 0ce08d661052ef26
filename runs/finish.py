"""What follows the last step of a run: the check against pandapower, the reference without a market, the picture."""

import shutil
from pathlib import Path

import numpy as np

from peerflex.core.network import GridState, Injections
from peerflex.grid.network import Network
from peerflex.runs.area.build import build
from peerflex.runs.area.plugins import Registry
from peerflex.runs.log.reader import REFERENCE, Run, open_run, reference_of
from peerflex.runs.log.store import write_json
from peerflex.runs.report.figures import run_picture, save, worst_step
from peerflex.runs.session import Session
from peerflex.scenarios.changes import standing
from peerflex.scenarios.documents import Document
from peerflex.scenarios.layers import merge
from peerflex.scenarios.load import LoadedScenario, restore_scenario

CHECKS = "checks.json"
PICTURE = "picture.png"

NO_MARKET = {"p2p": {"kind": "none"}, "lfm": {"kind": "none"}}
SILENT = {"dso": {"publishes": "nothing"}, "delivery": {"day_ahead_error": None}, "reference": "none"}
"""What the reference changes: the same peers and wires, and only the supplier to deal with."""

OF_MARKETS = {"dso": "publishes", "delivery": "day_ahead_error"}
"""What says nothing where there are none."""


def is_finished(run: Run) -> bool:
    """Say whether everything that follows the last step is there (it may have been killed in between)."""
    wants = run.manifest.scenario["reference"] == "no-market"
    there = all((run.folder / name).is_file() for name in (CHECKS, PICTURE))
    return there and (not wants or reference_of(run.folder) is not None)


def finish(run: Run, loaded: LoadedScenario, network: Network, registry: Registry) -> None:
    """Check the worst step, simulate the reference if the scenario wants one, and draw."""
    worst = standing(loaded, worst_step(run.hours))
    if worst.scenario.grid != standing(loaded, run.finished_steps).scenario.grid:
        network = build(worst, registry).network
    check_worst_step(run, network)
    reference = None
    if loaded.scenario.reference == "no-market":
        reference = _reference(run.folder / REFERENCE, loaded, registry)
    save(run_picture(run, reference), run.folder / PICTURE)


def check_worst_step(run: Run, network: Network) -> None:
    """Solve the step with the worst wires again with pandapower itself, and keep the deviation in ``checks.json``."""
    step = worst_step(run.hours)
    deviation_pu, deviation_loading = network.check(_ac_state(run, step, network))
    write_json(
        run.folder / CHECKS,
        {
            "network": {"deviation_pu": network.deviation_pu, "deviation_loading": network.deviation_loading},
            "worst_step": {"step": step, "deviation_pu": deviation_pu, "deviation_loading": deviation_loading},
        },
    )


def _ac_state(run: Run, step: int, network: Network) -> GridState:
    """Return the state of a step from its log; in linear physics, the AC flow at its injections."""
    hours, buses, branches = (run.table(name, step, step) for name in ("hours", "buses", "branches"))
    column = {name: buses[name].to_numpy() for name in ("v_pu", "angle_rad", "p_mw", "q_mvar", "shed_mw")}
    state = GridState(
        **column,
        loading=branches["loading"].to_numpy(),
        flow_mw=branches["flow_mw"].to_numpy(),
        loss_mw=0.0,
        exchange_mw=float(hours["exchange_mwh"].iloc[0]),
        exchange_mvar=float(hours["exchange_mvarh"].iloc[0]),
        method=str(hours["method"].iloc[0]),
        iterations=int(hours["iterations"].iloc[0]),
        deviation_pu=float(hours["deviation_pu"].iloc[0]),
    )
    if np.isnan(state.v_pu).all() and state.method == "linear":
        return network.ac.solve(Injections(state.p_mw, state.q_mvar))
    return state


def _reference(folder: Path, loaded: LoadedScenario, registry: Registry) -> Run:
    """Return the same without a market: as it is, resumed, or simulated."""
    done = reference_of(folder.parent)
    if done is not None and done.manifest.status == "done":
        return done
    if (folder / "manifest.json").is_file():
        session = Session.resume(folder, registry)
    else:
        shutil.rmtree(folder, ignore_errors=True)  # killed before it began
        origin = f"{loaded.origin}, without market"
        document = merge(loaded.scenario.model_dump(mode="json"), SILENT, origin) | {"market": NO_MARKET}
        document["changes"] = _without_market(document["changes"])
        without = restore_scenario(document, loaded.base, origin)
        session = Session.begin(without, registry, folder, driver="mesa")
    with session:
        for _ in session.advance():
            pass
    return open_run(folder, check=False)


def _without_market(changes: list[Document]) -> list[Document]:
    """Return what changes in a run without a market: all but the markets, and what is for them only."""
    kept = []
    for change in changes:
        rest = {key: value for key, value in change["set"].items() if key != "market"}
        for section, gone in OF_MARKETS.items():
            if isinstance(rest.get(section), dict):
                rest[section] = {key: value for key, value in rest[section].items() if key != gone}
        rest = {key: value for key, value in rest.items() if value != {}}
        kept += [{"hour": change["hour"], "set": rest}] if rest else []
    return kept
