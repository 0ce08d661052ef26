"""What a study file may say: scenarios to compare over seeds and settings, and what is expected of them."""

from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import Field, JsonValue, model_validator

from peerflex.scenarios.fields import Factor, Section, Slug
from peerflex.scenarios.study_checks import check_coverage, check_kpis_of_each_other, check_names, check_references
from peerflex.scenarios.study_criterion import Coverage, Criterion
from peerflex.scenarios.study_designs import Designs
from peerflex.scenarios.study_figures import INFEASIBLE, HourlyPicture, Kpi, Published, PublishedByHour, span
from peerflex.scenarios.study_hours import HourSet

__all__ = [
    "INFEASIBLE",
    "Case",
    "Coverage",
    "Criterion",
    "Frozen",
    "HourSet",
    "HourlyPicture",
    "Kpi",
    "Published",
    "PublishedByHour",
    "Study",
    "Variation",
    "seed_range",
]

Seeds = Annotated[str, Field(pattern=r"^[0-9]{1,9}(-[0-9]{1,9})?$")]
KeyName = Annotated[str, Field(pattern=r"^[a-z0-9]+(_[a-z0-9]+)*$", max_length=50)]
Settings = dict[str, JsonValue]

seed_range = span
PERCENT = 100


class Case(Section):
    """One scenario of a study: a scenario file with settings on top."""

    name: Slug = Field(description="name within the study")
    scenario: str = Field(description="bundled name, or file in the study's folder")
    set: Settings = Field(default={}, description="dotted.key: value, on top of the scenario")
    beside: str | None = Field(
        default=None, description="scenario in whose table it stands, too (tables by scenario, of one seed)"
    )
    before: str | None = Field(
        default=None, description="scenario that is its state before: what is matched by doing nothing is counted"
    )
    first_hour: int | None = Field(default=None, ge=0, description="what tables call its first hour; null: the study's")


class Variation(Section):
    """One assumption changed, everything else as it is: do the verdicts survive?"""

    name: Slug = Field(description="name within the study")
    set: Settings = Field(min_length=1, description="dotted.key: value, on top of each scenario")
    scenarios: tuple[str, ...] | None = Field(default=None, description="those it changes; null: all")


class VariationsOfEach(Section):
    """The same change of many settings, one at a time."""

    key: str = Field(pattern=r"^[^{}]*\{\}[^{}]*$", description="dotted.key with {} where the name goes")
    each: tuple[KeyName, ...] = Field(min_length=1, description="names that are put there")
    by: tuple[Factor, ...] = Field(min_length=1, description="values each setting takes")
    scenarios: tuple[str, ...] | None = Field(default=None, description="those it changes; null: all")

    def all(self) -> tuple[Variation, ...]:
        """Return the variations one by one, called name-percent."""
        return tuple(
            Variation(
                name=f"{name}-{PERCENT * value:g}".replace("_", "-").replace(".", "-"),
                set={self.key.format(name): value},
                scenarios=self.scenarios,
            )
            for name in self.each
            for value in self.by
        )


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
    designs: Designs | None = Field(
        default=None, description="combinations of the parts of a market design that are scenarios, too"
    )
    seeds: Seeds = Field(default="1-5", description="first and last seed, both simulated")
    first_hour: int = Field(default=0, ge=0, description="what tables and criteria call the first hour of a run")
    keep: Literal["runs", "figures"] = Field(
        default="runs", description="every run in full, or only its figures (faster)"
    )
    sweep: dict[str, Annotated[tuple[JsonValue, ...], Field(min_length=1)]] = Field(
        default={}, description="dotted.key: [values]; every combination is simulated in every scenario"
    )
    variations: tuple[Variation, ...] = Field(default=(), description="what --vary changes, one at a time")
    vary_each: tuple[VariationsOfEach, ...] = Field(default=(), description="variations that differ in a name only")
    kpis: tuple[Kpi, ...] = Field(min_length=1, description="what is reported")
    occupancy: tuple[str, ...] = Field(default=(), description="scenarios whose branches are drawn, loading by loading")
    published: tuple[Published, ...] = Field(default=(), description="what others printed")
    published_by_hour: tuple[PublishedByHour, ...] = Field(default=(), description="what others printed hour by hour")
    hour_sets: tuple[HourSet, ...] = Field(default=(), description="hours that others printed")
    hourly: tuple[HourlyPicture, ...] = Field(default=(), description="pictures over the hours")
    criteria: tuple[Criterion, ...] = Field(default=(), description="what must hold")
    coverage: tuple[Coverage, ...] = Field(default=(), description="how many published values must be matched")
    frozen: Frozen | None = Field(default=None, description="what was fixed before the test seeds")
    calibrated: tuple[str, ...] = Field(default=(), description="what parameters were chosen with, in words")
    not_matched: tuple[str, ...] = Field(default=(), description="what is not reproduced, in words")
    notes: tuple[str, ...] = Field(default=(), description="what else a reader of the table must know")

    @property
    def seed_range(self) -> range:
        """The seeds, as a range (empty if the last is before the first)."""
        return span(self.seeds)

    @property
    def before(self) -> dict[str, str]:
        """The scenario before each that has one."""
        return {case.name: case.before for case in self.scenarios if case.before is not None}

    def in_print(self, case: str, hour: int) -> int:
        """Return what tables call an hour (from 0) of a scenario."""
        first = next(each.first_hour for each in self.scenarios if each.name == case)
        return hour + (self.first_hour if first is None else first)

    @cached_property
    def every_kpi(self) -> tuple[Kpi, ...]:
        """The KPIs, those of several hours hour by hour."""
        return tuple(each for kpi in self.kpis for each in kpi.each())

    @cached_property
    def every_published(self) -> tuple[Published, ...]:
        """All published figures, those of a table by hour one by one."""
        return (*self.published, *(each for row in self.published_by_hour for each in row.each()))

    @cached_property
    def every_variation(self) -> tuple[Variation, ...]:
        """All variations, those that differ in a name only one by one."""
        return (*self.variations, *(each for many in self.vary_each for each in many.all()))

    def hours_of(self, kpi: str) -> tuple[int, ...]:
        """Return the hours of a KPI."""
        return tuple(each.hour for each in self.every_kpi if each.name == kpi and each.hour is not None)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        check_names(self)
        check_kpis_of_each_other(self)
        check_references(self)
        check_coverage(self)
        return self
