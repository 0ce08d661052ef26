"""What must hold of a study's figures: criteria seed by seed, and how many published values are within their bands."""

from collections.abc import Callable, Sequence
from math import isnan, nan
from statistics import fmean, median
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from peerflex.scenarios.fields import SINCE, Section, Slug, wrong

Hour = Annotated[int, Field(ge=0, le=87_840)]

_STATISTICS: dict[str, Callable[[Sequence[float]], float]] = {
    "median": median,
    "mean": fmean,
    "lowest": min,
    "highest": max,
}


class Criterion(Section):
    """What must hold of the differences between two scenarios, or a scenario and a number, seed by seed.

    The difference is of - times * against; in a seed it counts beyond tolerance + relative * |times * against|. With
    ``share-of-seeds``, the measured share of the seeds in which the comparison holds must reach ``required``. With any
    other statistic, that statistic of the differences is measured, and must be below (less), above (greater) or no
    further from 0 than (within) ``required``. Figures of ``of_plus`` are added to that of ``of``, those of
    ``against_plus`` to that of ``against``, before anything else.
    """

    name: Slug = Field(description="name of the criterion")
    kpi: str = Field(description="which of the kpis")
    hour: Hour | None = Field(default=None, description="of this hour only")
    of: str = Field(description="scenario whose figure is judged")
    against: str | float = Field(description="scenario it is compared with, or a number")
    times: float = Field(default=1.0, ge=0, description="`against` is multiplied by this")
    comparison: Literal["less", "greater", "within"] = Field(description="how `of` should compare with `against`")
    tolerance: float = Field(
        default=0.0,
        ge=0,
        description="least difference that counts (less, greater) or largest allowed (within), per seed",
    )
    relative: float = Field(
        default=0.0, ge=0, description="added to the tolerance, as a share of what `of` is compared with"
    )
    missing: Literal["fails", "skip"] = Field(
        default="fails", description="whether a seed without the figure counts as not satisfied, or not at all"
    )
    statistic: Literal["share-of-seeds", "median", "mean", "lowest", "highest"] = Field(
        default="share-of-seeds", description="what is measured over the seeds"
    )
    required: float = Field(default=1.0, description="what the measured value must reach")

    where_above: float | None = Field(
        default=None,
        description="a seed in which `against` is not above this asks for nothing: it is satisfied",
        json_schema_extra=SINCE,
    )
    in_sample: bool = Field(
        default=False,
        description="whether parameters were calibrated with what it asks: then it is no evidence",
        json_schema_extra=SINCE,
    )
    of_plus: tuple[str, ...] = Field(
        default=(), description="scenarios whose figures are added to that of `of`", json_schema_extra=SINCE
    )
    against_plus: tuple[str, ...] = Field(
        default=(),
        description="scenarios whose figures are added to that of `against`",
        json_schema_extra=SINCE,
    )

    @model_validator(mode="after")
    def _only_scenarios_are_added_up(self) -> Self:
        if self.against_plus and not isinstance(self.against, str):
            raise wrong("against_plus", "is given beside a number", "Name a scenario in against, or leave it out.")
        return self

    @model_validator(mode="after")
    def _share_is_a_share(self) -> Self:
        if self.statistic == "share-of-seeds" and not 0 < self.required <= 1:
            raise wrong("required", f"{self.required:g} is not a share of seeds", "Give a number above 0, up to 1.")
        for field in ("tolerance", "relative"):
            if self.statistic != "share-of-seeds" and getattr(self, field) > 0:
                what = f"is for share-of-seeds, not for the {self.statistic}"
                raise wrong(field, what, "Leave it out and put the bound into required.")
        if self.statistic != "share-of-seeds" and self.where_above is not None:
            raise wrong("where_above", f"is for share-of-seeds, not for the {self.statistic}", "Leave it out.")
        return self

    def judge(self, of: Sequence[float], against: Sequence[float]) -> tuple[float, bool]:
        """Return what was measured and whether the criterion holds; both in the order of the seeds.

        A difference that is not a number never satisfies anything; with ``missing: skip`` such seeds are left out,
        and nothing holds without any seed.
        """
        pairs = [(own, self.times * other) for own, other in zip(of, against, strict=True)]
        if self.missing == "skip":
            pairs = [(own, other) for own, other in pairs if not isnan(own - other)]
        if not pairs:
            return nan, False
        if self.statistic == "share-of-seeds":
            bounds = [self.tolerance + self.relative * abs(other) for _, other in pairs]
            share = fmean(
                self._asks_nothing(other) or self._satisfied(own - other, bound)
                for (own, other), bound in zip(pairs, bounds, strict=True)
            )
            return share, share >= self.required
        differences = [own - other for own, other in pairs]
        if any(map(isnan, differences)):
            return nan, False
        measured = _STATISTICS[self.statistic](differences)
        return measured, self._satisfied(measured, self.required if self.comparison != "less" else -self.required)

    def _asks_nothing(self, other: float) -> bool:
        return self.where_above is not None and other <= self.where_above

    def _satisfied(self, difference: float, bound: float) -> bool:
        if self.comparison == "within":
            return abs(difference) <= bound
        return difference < -bound if self.comparison == "less" else difference > bound


class Coverage(Section):
    """How many published values of some scenarios must be matched; those used to calibrate are left out."""

    name: Slug = Field(description="name of the criterion")
    scenarios: tuple[str, ...] = Field(min_length=1, description="scenarios whose published values count")
    required: int = Field(ge=1, description="how many must be matched, of those not calibrated with")
    kpis: tuple[str, ...] | None = Field(default=None, description="of these kpis only", json_schema_extra=SINCE)

    def counts(self, scenario: str, kpi: str, in_sample: bool) -> bool:
        """Return whether a published value is one of those that must be matched."""
        return scenario in self.scenarios and not in_sample and (self.kpis is None or kpi in self.kpis)
