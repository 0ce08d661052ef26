"""What a study file may say: scenarios to compare over seeds and settings, and what is expected of them."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import fmean, median
from typing import Annotated, Literal, Self

from pydantic import Field, JsonValue, model_validator

from peerflex.scenarios.fields import Section, Slug, wrong

Hour = Annotated[int, Field(ge=0, le=87_840)]
KpiName = Annotated[str, Field(pattern=r"^[a-z0-9]+(_[a-z0-9]+)*$", max_length=60)]
Settings = dict[str, JsonValue]

_STATISTICS: dict[str, Callable[[Sequence[float]], float]] = {
    "median": median,
    "mean": fmean,
    "lowest": min,
    "highest": max,
}


class Case(Section):
    """One scenario of a study: a scenario file with settings on top."""

    name: Slug = Field(description="name within the study")
    scenario: str = Field(description="bundled name, or file in the study's folder")
    set: Settings = Field(default={}, description="dotted.key: value, on top of the scenario")


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
    value: float = Field(description="as printed")
    source: str = Field(min_length=1, description="paper, table, page")
    in_sample: bool = Field(description="whether parameters were calibrated with it")


class Criterion(Section):
    """What must hold of the differences between two scenarios, or a scenario and a number, seed by seed.

    With ``share-of-seeds``, the measured share of the seeds in which the comparison holds must reach
    ``required``. With any other statistic, that statistic of the differences (of - against) is measured, and
    must be below (less), above (greater) or no further from 0 than (within) ``required``.
    """

    name: Slug = Field(description="name of the criterion")
    kpi: str = Field(description="which of the kpis")
    hour: Hour | None = Field(default=None, description="of this hour only")
    of: str = Field(description="scenario whose figure is judged")
    against: str | float = Field(description="scenario it is compared with, or a number")
    comparison: Literal["less", "greater", "within"] = Field(description="how `of` should compare with `against`")
    tolerance: float = Field(
        default=0.0,
        ge=0,
        description="least difference that counts (less, greater) or largest allowed (within), per seed",
    )
    statistic: Literal["share-of-seeds", "median", "mean", "lowest", "highest"] = Field(
        default="share-of-seeds", description="what is measured over the seeds"
    )
    required: float = Field(default=1.0, description="what the measured value must reach")

    @model_validator(mode="after")
    def _share_is_a_share(self) -> Self:
        if self.statistic == "share-of-seeds" and not 0 < self.required <= 1:
            raise wrong("required", f"{self.required:g} is not a share of seeds", "Give a number above 0, up to 1.")
        if self.statistic != "share-of-seeds" and self.tolerance > 0:
            what = f"is for share-of-seeds, not for the {self.statistic}"
            raise wrong("tolerance", what, "Leave it out and put the bound into required.")
        return self

    def judge(self, of: Sequence[float], against: Sequence[float]) -> tuple[float, bool]:
        """Return what was measured and whether the criterion holds; both in the order of the seeds.

        A difference that is not a number never satisfies anything.
        """
        differences = [own - other for own, other in zip(of, against, strict=True)]
        if self.statistic == "share-of-seeds":
            share = fmean(self._satisfied(difference, self.tolerance) for difference in differences)
            return share, share >= self.required
        if any(difference != difference for difference in differences):
            return float("nan"), False
        measured = _STATISTICS[self.statistic](differences)
        bound = self.required if self.comparison != "less" else -self.required
        return measured, self._satisfied(measured, bound)

    def _satisfied(self, difference: float, bound: float) -> bool:
        if self.comparison == "within":
            return abs(difference) <= bound
        return difference < -bound if self.comparison == "less" else difference > bound


class Study(Section):
    """A set of scenarios over many seeds or settings, with the figures it is compared with."""

    name: Slug = Field(description="short name, also of the results' folder")
    title: str = Field(default="", max_length=200, description="one line for people")
    description: str = Field(default="", max_length=5000, description="the question, and what was calibrated")
    scenarios: tuple[Case, ...] = Field(min_length=1, description="what is compared")
    seeds: str = Field(
        default="1-5", pattern=r"^[0-9]{1,9}(-[0-9]{1,9})?$", description="first and last seed, both simulated"
    )
    sweep: dict[str, Annotated[tuple[JsonValue, ...], Field(min_length=1)]] = Field(
        default={}, description="dotted.key: [values]; every combination is simulated in every scenario"
    )
    kpis: tuple[Kpi, ...] = Field(min_length=1, description="what is reported")
    published: tuple[Published, ...] = Field(default=(), description="what others printed")
    criteria: tuple[Criterion, ...] = Field(default=(), description="what must hold")

    @property
    def seed_range(self) -> range:
        """The seeds, as a range (empty if the last is before the first)."""
        first, _, last = self.seeds.partition("-")
        return range(int(first), int(last or first) + 1)

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        for field, names in (
            ("scenarios", [case.name for case in self.scenarios]),
            ("criteria", [criterion.name for criterion in self.criteria]),
            ("kpis", [f"{kpi.name} of hour {kpi.hour}" for kpi in self.kpis]),
        ):
            for name, following in pairwise(sorted(names)):
                if name == following:
                    raise wrong(field, f"{name!r} is there twice", "Name each once.")
        if not self.seed_range:
            raise wrong("seeds", f"{self.seeds!r} ends before it begins", "Give first-last, e.g. 1-10.")
        return self

    @model_validator(mode="after")
    def _references_exist(self) -> Self:
        cases = {case.name for case in self.scenarios}
        kpis = {(kpi.name, kpi.hour) for kpi in self.kpis}
        for row, figure in enumerate(self.published):
            if figure.scenario not in cases:
                raise wrong(f"published.{row}.scenario", f"{figure.scenario!r} is not in the study", _known(cases))
            if (figure.kpi, figure.hour) not in kpis:
                raise wrong(f"published.{row}.kpi", f"{figure.kpi!r} is not among the kpis", "Add it to kpis.")
        for row, criterion in enumerate(self.criteria):
            named = {"of": criterion.of, "against": criterion.against}
            for field, name in named.items():
                if isinstance(name, str) and name not in cases:
                    raise wrong(f"criteria.{row}.{field}", f"{name!r} is not in the study", _known(cases))
            if (criterion.kpi, criterion.hour) not in kpis:
                raise wrong(f"criteria.{row}.kpi", f"{criterion.kpi!r} is not among the kpis", "Add it to kpis.")
        return self


def _known(names: set[str]) -> str:
    return f"Known here: {', '.join(sorted(names))}."
