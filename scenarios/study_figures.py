"""What a study reports and what others printed of it: figures of a run or an hour, tables by hour, pictures."""

from itertools import pairwise
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from peerflex.scenarios.fields import SINCE, Section, Slug, wrong
from peerflex.scenarios.study_criterion import Hour

KpiName = Annotated[str, Field(pattern=r"^[a-z0-9]+(_[a-z0-9]+)*$", max_length=60)]
Hours = Annotated[str, Field(pattern=r"^[0-9]{1,5}(-[0-9]{1,5})?(, ?[0-9]{1,5}(-[0-9]{1,5})?)*$")]


INFEASIBLE: Final = "infeasible"
MISSING_IF_INFEASIBLE: Final = ("lfm_full_cost_eur",)
"""The KPIs that have no figure exactly when a market found no solution."""

COST_OF_GROUPS: Final = "cost_eur"
BEFORE: Final = "before"
"""What a change is from where it is from the scenario before each."""
BENEFIT_OF_GROUPS: Final = "benefit_eur"
BILL_OF_GROUPS: Final = "bill_eur"
GROUP_FIGURES: Final = ("energy_mwh", COST_OF_GROUPS, BENEFIT_OF_GROUPS, BILL_OF_GROUPS)
"""The figures that groups of peers have: what their meters saw, given less taken; what they paid, less received; what
moving their assets is worth to them, less what they paid; what they paid, with their part of the cost of the DSO."""


def span(first_to_last: str) -> range:
    """Return ``"first-last"`` or ``"only"`` as a range (empty if the last is before the first)."""
    first, _, last = first_to_last.partition("-")
    return range(int(first), int(last or first) + 1)


class Kpi(Section):
    """A figure that is reported, of the whole run, of one of its hours, or of several, each by itself.

    Without the keys below ``hours`` it is ``figure`` as measured. With them it is
    max(``times`` * (figure - figure of ``change_from``) / ``per``, ``at_least``).
    """

    name: KpiName = Field(description="what the study calls it")
    unit: str = Field(description="unit it is reported in")
    hour: Hour | None = Field(default=None, description="of this hour only")
    hours: Hours | None = Field(
        default=None,
        description="first-last, or several with commas: a figure of each of these hours",
        json_schema_extra=SINCE,
    )
    figure: KpiName | None = Field(
        default=None,
        description="what is measured, as in a run's kpis.json or (of an hour) its table hours; null: its name",
        json_schema_extra=SINCE,
    )
    groups: tuple[Slug, ...] | None = Field(
        default=None,
        min_length=1,
        description="of these groups of peers together: energy_mwh (metered, given less taken) or, of the whole run, "
        "cost_eur (paid less received), benefit_eur (private value of what their assets moved, less cost_eur), "
        "bill_eur (cost_eur, and recovery_eur_per_mwh for what their meters took)",
        json_schema_extra=SINCE,
    )
    change_from: str | None = Field(
        default=None,
        description="scenario whose figure is taken off, seed by seed (`before`: the one before each)",
        json_schema_extra=SINCE,
    )
    per: KpiName | None = Field(
        default=None,
        description="kpi further up, of the same hour, it is divided by; with change_from, that scenario's",
        json_schema_extra=SINCE,
    )
    times: float = Field(default=1.0, description="it is multiplied by this", json_schema_extra=SINCE)
    at_least: float | None = Field(
        default=None, description="what is below counts as this (after all of the above)", json_schema_extra=SINCE
    )
    interval: Literal["none", "mean"] = Field(
        default="none", description="also the mean over the seeds and its 95 % interval", json_schema_extra=SINCE
    )

    @property
    def measured(self) -> str:
        """The name of what is measured."""
        return self.figure or self.name

    def each(self) -> "tuple[Kpi, ...]":
        """Return the figure hour by hour if it is one of several hours, else itself."""
        if self.hours is None:
            return (self,)
        hours = (hour for part in self.hours.split(",") for hour in span(part))
        return tuple(self.model_copy(update={"hour": hour, "hours": None}) for hour in hours)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.hours is not None and self.hour is not None:
            raise wrong("hours", "is given beside hour", "Keep one of the two.")
        if self.hours is not None and not all(map(span, self.hours.split(","))):
            raise wrong("hours", f"{self.hours!r} ends before it begins", "Give first-last, e.g. 0-23.")
        if (self.groups is None) == (self.measured in GROUP_FIGURES):
            what = "is missing" if self.groups is None else f"do not have a figure {self.measured!r}"
            raise wrong("groups", what, f"Groups of peers have {', '.join(GROUP_FIGURES)}, and nobody else has them.")
        if self.measured in GROUP_FIGURES[1:] and (self.hour is not None or self.hours is not None):
            raise wrong("hour", f"{self.measured} is of the whole run", "Leave out hour and hours.")
        return self


class Published(Section):
    """A figure somebody published, to compare with."""

    scenario: str = Field(description="name within the study")
    kpi: str = Field(description="which of the kpis")
    hour: Hour | None = Field(default=None, description="of this hour only")
    value: float | Literal["infeasible"] = Field(description="as printed; `infeasible` for a market without solution")
    source: str = Field(min_length=1, description="paper, table, page")
    in_sample: bool = Field(description="whether parameters were calibrated with it")
    explanation: str | None = Field(default=None, description="why it is missed; shown where it is not matched")
    tolerance: float = Field(
        default=0.0,
        ge=0,
        description="how far from our band it may be and still match, in the unit of the kpi",
        json_schema_extra=SINCE,
    )
    must_match: bool = Field(default=False, description="whether it is a criterion, too", json_schema_extra=SINCE)
    decimals: int | None = Field(
        default=None,
        ge=0,
        le=9,
        description="how many are in print, shown in tables by scenario; null: as many as the value has here",
        json_schema_extra=SINCE,
    )

    @model_validator(mode="after")
    def _infeasible_is_a_cost(self) -> Self:
        if self.value == INFEASIBLE and (self.kpi not in MISSING_IF_INFEASIBLE or self.hour is not None):
            what = f"{self.value!r} cannot be told from {self.kpi!r}"
            raise wrong("value", what, f"Use it with {', '.join(MISSING_IF_INFEASIBLE)} of the whole run.")
        return self


class HoursInPrint(Section):
    """Hours as print counts them."""

    counted_from: int = Field(default=0, ge=0, le=1, description="what print calls the first hour (here it is 0)")
    hours: tuple[int, ...] = Field(min_length=1, description="which hours, as print counts them")

    @property
    def own_hours(self) -> tuple[int, ...]:
        """The same hours, counted from 0."""
        return tuple(hour - self.counted_from for hour in self.hours)

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        if min(self.hours) < self.counted_from:
            raise wrong("hours", f"{min(self.hours)} is before the first hour", "Correct it, or counted_from.")
        for hour, following in pairwise(sorted(self.hours)):
            if hour == following:
                raise wrong("hours", f"{hour} is there twice", "Name each once.")
        return self


class PublishedByHour(HoursInPrint):
    """A row of a printed table whose columns are hours: as many ``Published`` as there are values."""

    scenario: str = Field(description="name within the study")
    kpi: str = Field(description="which of the kpis, with all of these hours")
    values: tuple[float, ...] = Field(description="as printed, one an hour")
    source: str = Field(min_length=1, description="paper, table, page")
    in_sample: bool = Field(description="whether parameters were calibrated with it")
    explanation: str | None = Field(default=None, description="why it is missed; shown where it is not matched")
    tolerance: float = Field(default=0.0, ge=0, description="as in published")
    must_match: bool = Field(default=False, description="whether each is a criterion, too")

    @model_validator(mode="after")
    def _as_many(self) -> Self:
        if len(self.values) != len(self.hours):
            what = f"are {len(self.values)}, and there are {len(self.hours)} hours"
            raise wrong("values", what, "Give one an hour.")
        return self

    def each(self) -> tuple[Published, ...]:
        """Return the figures one by one."""
        return tuple(
            Published(
                scenario=self.scenario,
                kpi=self.kpi,
                hour=hour,
                value=value,
                source=self.source,
                in_sample=self.in_sample,
                explanation=self.explanation,
                tolerance=self.tolerance,
                must_match=self.must_match,
            )
            for hour, value in zip(self.own_hours, self.values, strict=True)
        )


class HourlyPicture(Section):
    """A picture over the hours, of several scenarios: the last one solid, those before it dashed."""

    name: Slug = Field(description="name of the picture's file")
    title: str = Field(default="", max_length=200, description="one line above it")
    columns: tuple[KpiName, ...] = Field(
        min_length=1, description="numbers of the table hours; or loading, of the branch named"
    )
    branch: str | None = Field(default=None, description="name of the branch whose loading is drawn")
    scenarios: tuple[str, ...] = Field(min_length=1, description="which; the last is drawn solid")
    unit: str = Field(description="unit at the axis")
    times: float = Field(default=1.0, description="numbers are multiplied by this")
    limits: tuple[float, ...] = Field(default=(), description="lines across, after multiplication")
    counted_from: int = Field(default=0, ge=0, le=1, description="what the axis calls the first hour")

    @model_validator(mode="after")
    def _branch_has_loading(self) -> Self:
        if (self.branch is not None) != (self.columns == ("loading",)):
            raise wrong("branch", "and columns do not fit", "Give a branch with columns [loading], or neither.")
        return self
