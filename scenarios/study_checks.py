"""What must fit across the sections of a study file: names that refer to each other, and what can be reached."""

from collections.abc import Iterable
from itertools import pairwise
from typing import TYPE_CHECKING

from peerflex.scenarios.fields import wrong
from peerflex.scenarios.study_figures import BEFORE, span

if TYPE_CHECKING:
    from peerflex.scenarios.study_schema import Study


def check_names(study: "Study") -> None:
    """Refuse what is there twice, and seeds that end before they begin."""
    sections = (study.criteria, study.coverage, study.hour_sets)
    named: tuple[tuple[str, list[str]], ...] = (
        ("scenarios", [case.name for case in study.scenarios]),
        ("variations", [variation.name for variation in study.every_variation]),
        ("criteria", [each.name for section in sections for each in section]),
        ("kpis", [f"{kpi.name} of hour {kpi.hour}" for kpi in study.every_kpi]),
        ("occupancy", list(study.occupancy)),
        ("hourly", [picture.name for picture in study.hourly]),
    )
    for field, names in named:
        for name, following in pairwise(sorted(names)):
            if name == following:
                raise wrong(field, f"{name!r} is there twice", "Name each once.")
    tested = study.frozen.test_seeds if study.frozen else study.seeds
    for field, seeds in (("seeds", study.seeds), ("frozen.test_seeds", tested)):
        if not span(seeds):
            raise wrong(field, f"{seeds!r} ends before it begins", "Give first-last, e.g. 1-10.")
    if study.sweep and study.every_variation:
        raise wrong("variations", "are given beside a sweep", "Keep one of the two, or make two studies.")


def check_kpis_of_each_other(study: "Study") -> None:
    """Refuse a KPI that is made of a scenario or of a KPI that is not there, or not there yet."""
    known: set[tuple[str, int | None]] = set()
    for row, kpi in enumerate(study.kpis):
        if kpi.change_from not in (None, BEFORE):
            _known(study, f"kpis.{row}.change_from", [str(kpi.change_from)])
        for each in kpi.each():
            if kpi.per is not None and (kpi.per, each.hour) not in known:
                what = f"{kpi.per!r} is not further up among the kpis{_at(each.hour)}"
                raise wrong(f"kpis.{row}.per", what, "Add it above, with the same hours.")
        known |= {(each.name, each.hour) for each in kpi.each()}


def check_references(study: "Study") -> None:
    """Refuse names of scenarios and KPIs that are not there."""
    kpis = {(kpi.name, kpi.hour) for kpi in study.every_kpi}
    hours = {name for name, hour in kpis if hour is not None}
    for row, case in enumerate(study.scenarios):
        _known(study, f"scenarios.{row}.beside", [case.beside] if case.beside else [])
        _known(study, f"scenarios.{row}.before", [case.before] if case.before else [])
    for row, figure in enumerate(study.published):
        _known(study, f"published.{row}.scenario", [figure.scenario])
        if (figure.kpi, figure.hour) not in kpis:
            raise wrong(f"published.{row}.kpi", f"{figure.kpi!r} is not among the kpis", "Add it to kpis.")
    for row, table in enumerate(study.published_by_hour):
        _known(study, f"published_by_hour.{row}.scenario", [table.scenario])
        for hour in table.own_hours:
            if (table.kpi, hour) not in kpis:
                what = f"{table.kpi!r} is not among the kpis{_at(hour)}"
                raise wrong(f"published_by_hour.{row}.kpi", what, "Add it to kpis, with these hours (from 0).")
    for row, judged in enumerate(study.hour_sets):
        _known(study, f"hour_sets.{row}.scenario", [judged.scenario])
        if judged.kpi not in hours:
            raise wrong(f"hour_sets.{row}.kpi", f"{judged.kpi!r} is not among the kpis by hour", "Add it with hours.")
        if judged.required > (count := len(study.hours_of(judged.kpi))):
            raise wrong(f"hour_sets.{row}.required", f"is more than the {count} hours", "Ask for fewer.")
    for row, criterion in enumerate(study.criteria):
        for field, name in (("of", criterion.of), ("against", criterion.against)):
            if isinstance(name, str):
                _known(study, f"criteria.{row}.{field}", [name])
        _known(study, f"criteria.{row}.of_plus", criterion.of_plus)
        _known(study, f"criteria.{row}.against_plus", criterion.against_plus)
        if (criterion.kpi, criterion.hour) not in kpis:
            raise wrong(f"criteria.{row}.kpi", f"{criterion.kpi!r} is not among the kpis", "Add it to kpis.")
    for row, variation in enumerate(study.variations):
        _known(study, f"variations.{row}.scenarios", variation.scenarios or ())
    for row, many in enumerate(study.vary_each):
        _known(study, f"vary_each.{row}.scenarios", many.scenarios or ())
    for row, picture in enumerate(study.hourly):
        _known(study, f"hourly.{row}.scenarios", picture.scenarios)
    _known(study, "occupancy", study.occupancy)


def check_coverage(study: "Study") -> None:
    """Refuse to ask for more matches than there are published values that nothing was calibrated with."""
    for row, coverage in enumerate(study.coverage):
        _known(study, f"coverage.{row}.scenarios", coverage.scenarios)
        count = sum(coverage.counts(each.scenario, each.kpi, each.in_sample) for each in study.every_published)
        if coverage.required > count:
            what = f"{coverage.required} is more than the {count} published values not calibrated with"
            raise wrong(f"coverage.{row}.required", what, "Ask for fewer, or name more scenarios.")


def _at(hour: int | None) -> str:
    return "" if hour is None else f" of hour {hour}"


def _known(study: "Study", field: str, names: Iterable[str]) -> None:
    cases = {case.name for case in study.scenarios}
    for name in names:
        if name not in cases:
            raise wrong(field, f"{name!r} is not in the study", f"Known here: {', '.join(sorted(cases))}.")
