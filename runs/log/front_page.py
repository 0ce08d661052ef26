"""From a simulation to the front page of its run, and from there back to the scenario."""

from peerflex.core.errors import InputError
from peerflex.core.regulation import TSO
from peerflex.runs.area.plugins import Registry
from peerflex.runs.log.manifest import Manifest, describe
from peerflex.runs.log.reader import Run
from peerflex.runs.simulation import Simulation
from peerflex.scenarios.load import LoadedScenario, restore_scenario
from peerflex.scenarios.schema import CUSTOMERS


def front_page(
    simulation: Simulation, driver: str, part_steps: int, coupled: bool = False, parents: tuple[str, ...] = ()
) -> Manifest:
    """Return the manifest of a run that is about to begin."""
    area, scenario = simulation.built.area, simulation.loaded.scenario
    groups, names = (CUSTOMERS, *area.behaviour_names), area.peers.name
    return describe(
        scenario.model_dump(mode="json"),
        seed=scenario.seed,
        steps=area.steps,
        step_seconds=area.step_s,
        start=scenario.time.start,
        driver=driver,
        peers=area.peers,
        peer_groups=tuple(
            TSO if name == TSO else groups[int(kind) + 1]
            for name, kind in zip(names, area.peers.behaviour, strict=True)
        ),
        buses=area.grid.buses,
        branches=area.grid.branches,
        coupled=coupled,
        part_steps=part_steps,
        parents=parents,
    )


def restored(run: Run, registry: Registry | None = None) -> LoadedScenario:
    """Return the scenario of a run, its files taken from the copies in the run's own folder.

    Raises:
        InputError: if the run was made with plugins that the registry lacks: they are only run when named.
    """
    given = {path.name for path in registry.files} if registry is not None else None
    for name in run.manifest.inputs:
        kind, _, file = name.partition("plugins/")
        if given is not None and kind == "" and file not in given:
            option = f"--plugin {run.folder / 'inputs' / name}"
            raise InputError(str(run.folder), f"was made with the plugin {file}", f"If you trust it, add {option}")
    return restore_scenario(run.manifest.scenario, run.folder / "inputs", f"{run.folder}/manifest.json")
