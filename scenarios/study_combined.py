"""From the combinations of a study to those of them that are scenarios."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from peerflex.core.errors import InputError, Problem
from peerflex.scenarios.load import LoadedScenario
from peerflex.scenarios.study import MOST_VARIANTS, LoadedStudy, one_variant
from peerflex.scenarios.study_designs import Combination
from peerflex.scenarios.study_schema import Case

PARTS = ("market.p2p", "market.incentive", "market.service", "market.lfm", "market.sequence")
"""Where parts of a design that contradict each other are refused."""

Check = Callable[[LoadedScenario], object]
"""Raises ``InputError`` if a scenario cannot be built."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A combination that contradicts itself, and why."""

    combination: Combination
    problem: Problem

    @property
    def part(self) -> str:
        """The part that has to change."""
        return self.problem.where.rpartition(": ")[2]

    @property
    def why(self) -> str:
        """The part that has to change and the reason, without the name of the scenario."""
        return f"{self.part}: {self.problem.what}"


@dataclass(frozen=True, slots=True)
class Combined:
    """A study whose valid combinations are scenarios like those of its file, and what became of the others."""

    loaded: LoadedStudy
    designs: tuple[Combination, ...] = ()
    refused: tuple[Refused, ...] = ()


def combined(loaded: LoadedStudy, check: Check) -> Combined:
    """Return the study with every valid combination of its ``designs`` as a scenario behind those of its file.

    Raises:
        InputError: if a combination has the name of a scenario, or nothing is left, or too much.
    """
    designs = loaded.study.designs
    if designs is None:
        return Combined(loaded)
    where = f"{loaded.origin}: designs"
    if loaded.study.sweep or loaded.study.every_variation:
        raise InputError(where, "are given beside a sweep or variations", "Keep one of the two, or make two studies.")
    taken = {case.name for case in loaded.study.scenarios}
    valid, cases, variants, refused = [], [], [], []
    for each in designs.combinations():
        if each.name in taken:
            raise InputError(where, f"{each.name!r} is a scenario, too", "Call the scenario otherwise.")
        case = Case(name=each.name, scenario=each.scenario, set=each.settings)
        variant = one_variant(case, loaded.base, loaded.origin)
        try:
            check(variant.loaded)
        except InputError as error:
            refused.append(Refused(each, error.problem))
            if refused[-1].part not in PARTS:
                raise  # a mistake, no contradiction
            continue
        valid.append(each)
        cases.append(case)
        variants.append(variant)
    if not valid:
        raise InputError(where, f"all are refused, e.g. {refused[0].why}", "Change or add a part.")
    if len(valid) > MOST_VARIANTS:
        what = f"are {len(valid)} scenarios, more than {MOST_VARIANTS}"
        raise InputError(where, what, "Leave out a part.")
    study = loaded.study.model_copy(update={"scenarios": (*loaded.study.scenarios, *cases)})
    whole = replace(loaded, study=study, variants=(*loaded.variants, *variants))
    return Combined(whole, tuple(valid), tuple(refused))
