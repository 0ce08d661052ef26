"""What a study file may say: scenarios to compare over seeds and settings, and what is expected of them."""

from collections.abc import Iterable
from itertools import pairwise
from typing import Annotated, Final, Literal, Self

from pydantic import Field, JsonValue, model_validator

from peerflex.scenarios.fields import Section, Slug, wrong
from peerflex.scenarios.study_criterion import Coverage, Criterion, Hour

__all__ = ["Case", "Coverage", "Criterion", "Frozen", "Kpi", "Published", "Study", "Variation", "seed_range"]

KpiName = Annotated[str, Field(pattern=r"^[a-z0-9]+(_[a-z0-9]+)*$", max_length=60)]
Seeds = Annotated[str, Field(pattern=r"^[0-9]{1,9}(-[0-9]{1,9})?$")]
Settings = dict[str, JsonValue]

INFEASIBLE: Final = "infeasible"
MISSING_IF_INFEASIBLE: Final = ("lfm_full_cost_eur",)
"""The KPIs that have no figure exactly when a market found no solution."""


def seed_range(seeds: str) -> range:
    """Return ``"first-last"`` or ``"only"`` as a range (empty if the last is before the first)."""
    first, _, last = seeds.partition("-")
    return range(int(first), int(last or first) + 1)


class Case(Section):
    """One scenario of a study: a scenario file with settings on top."""

    name: Slug = Field(description="name within the study")
    scenario: str = Field(description="bundled name, or file in the study's folder")
    set: Settings = Field(default={}, description="dotted.key: value, on top of the scenario")


class Variation(Section):
    """One assumption changed, everything else as it is: do the verdicts survive?"""

    name: Slug = Field(description="name within the study")
    set: Settings = Field(min_length=1, description="dotted.key: value, on top of each scenario")
    scenarios: tuple[str, ...] | None = Field(default=None, description="those it changes; null: all")


class Kpi(Section):
    """A figure that is reported, of the whole run or of one of its hours."""

    name: KpiName = Field(description="as in a run's kpis.json")
    unit: str = Field(description="unit it is reported in")
    hour: Hour | None = Field(default=None, description="of this hour only")


class Published(Section):
    """A figure somebody published, to compare with."""

    scenario: str = Field(description="name within the study")
    kpi: str = Field(description="which of the kpis")
    hour: Hour | None = Field(default=None, description="of this hour only")
    value: float | Literal["infeasible"] = Field(description="as printed; `infeasible` for a market without solution")
    source: str = Field(min_length=1, description="paper, table, page")
    in_sample: bool = Field(description="whether parameters were calibrated with it")
    explanation: str | None = Field(default=None, description="why it is missed; shown where it is not matched")

    @model_validator(mode="after")
    def _infeasible_is_a_cost(self) -> Self:
        if self.value == INFEASIBLE and (self.kpi not in MISSING_IF_INFEASIBLE or self.hour is not None):
            what = f"{self.value!r} cannot be told from {self.kpi!r}"
            raise wrong("value", what, f"Use it with {', '.join(MISSING_IF_INFEASIBLE)} of the whole run.")
        return self


class Frozen(Section):
    """What was fixed before the seeds that test it were simulated."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="of the configuration: `peerflex study NAME --hash`")
    test_seeds: Seeds = Field(description="first and last seed that nothing was tuned with")
    test_runs: int = Field(ge=0, description="how often they were simulated so far, with any configuration")


class Study(Section):
    """A set of scenarios over many seeds or settings, with the figures it is compared with."""

    name: Slug = Field(description="short name, also of the results' folder")
    title: str = Field(default="", max_length=200, description="one line for people")
    description: str = Field(default="", max_length=5000, description="the question, and what was calibrated")
    scenarios: tuple[Case, ...] = Field(min_length=1, description="what is compared")
    seeds: Seeds = Field(default="1-5", description="first and last seed, both simulated")
    keep: Literal["runs", "figures"] = Field(
        default="runs", description="every run in full, or only its figures (faster)"
    )
    sweep: dict[str, Annotated[tuple[JsonValue, ...], Field(min_length=1)]] = Field(
        default={}, description="dotted.key: [values]; every combination is simulated in every scenario"
    )
    variations: tuple[Variation, ...] = Field(default=(), description="what --vary changes, one at a time")
    kpis: tuple[Kpi, ...] = Field(min_length=1, description="what is reported")
    occupancy: tuple[str, ...] = Field(default=(), description="scenarios whose branches are drawn, loading by loading")
    published: tuple[Published, ...] = Field(default=(), description="what others printed")
    criteria: tuple[Criterion, ...] = Field(default=(), description="what must hold")
    coverage: tuple[Coverage, ...] = Field(default=(), description="how many published values must be matched")
    frozen: Frozen | None = Field(default=None, description="what was fixed before the test seeds")
    calibrated: tuple[str, ...] = Field(default=(), description="what parameters were chosen with, in words")
    not_matched: tuple[str, ...] = Field(default=(), description="what is not reproduced, in words")
    notes: tuple[str, ...] = Field(default=(), description="what else a reader of the table must know")

    @property
    def seed_range(self) -> range:
        """The seeds, as a range (empty if the last is before the first)."""
        return seed_range(self.seeds)

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        named: tuple[tuple[str, list[str]], ...] = (
            ("scenarios", [case.name for case in self.scenarios]),
            ("variations", [variation.name for variation in self.variations]),
            ("criteria", [each.name for each in self.criteria] + [each.name for each in self.coverage]),
            ("kpis", [f"{kpi.name} of hour {kpi.hour}" for kpi in self.kpis]),
            ("occupancy", list(self.occupancy)),
        )
        for field, names in named:
            for name, following in pairwise(sorted(names)):
                if name == following:
                    raise wrong(field, f"{name!r} is there twice", "Name each once.")
        tested = self.frozen.test_seeds if self.frozen else self.seeds
        for field, seeds in (("seeds", self.seeds), ("frozen.test_seeds", tested)):
            if not seed_range(seeds):
                raise wrong(field, f"{seeds!r} ends before it begins", "Give first-last, e.g. 1-10.")
        if self.sweep and self.variations:
            raise wrong("variations", "are given beside a sweep", "Keep one of the two, or make two studies.")
        return self

    @model_validator(mode="after")
    def _references_exist(self) -> Self:
        kpis = {(kpi.name, kpi.hour) for kpi in self.kpis}
        for row, figure in enumerate(self.published):
            self._known(f"published.{row}.scenario", [figure.scenario])
            if (figure.kpi, figure.hour) not in kpis:
                raise wrong(f"published.{row}.kpi", f"{figure.kpi!r} is not among the kpis", "Add it to kpis.")
        for row, criterion in enumerate(self.criteria):
            for field, name in (("of", criterion.of), ("against", criterion.against)):
                if isinstance(name, str):
                    self._known(f"criteria.{row}.{field}", [name])
            if (criterion.kpi, criterion.hour) not in kpis:
                raise wrong(f"criteria.{row}.kpi", f"{criterion.kpi!r} is not among the kpis", "Add it to kpis.")
        for row, variation in enumerate(self.variations):
            self._known(f"variations.{row}.scenarios", variation.scenarios or ())
        self._known("occupancy", self.occupancy)
        return self

    @model_validator(mode="after")
    def _coverage_can_be_reached(self) -> Self:
        for row, coverage in enumerate(self.coverage):
            self._known(f"coverage.{row}.scenarios", coverage.scenarios)
            count = sum(each.scenario in coverage.scenarios and not each.in_sample for each in self.published)
            if coverage.required > count:
                what = f"{coverage.required} is more than the {count} published values not calibrated with"
                raise wrong(f"coverage.{row}.required", what, "Ask for fewer, or name more scenarios.")
        return self

    def _known(self, field: str, names: Iterable[str]) -> None:
        cases = {case.name for case in self.scenarios}
        for name in names:
            if name not in cases:
                raise wrong(field, f"{name!r} is not in the study", f"Known here: {', '.join(sorted(cases))}.")
