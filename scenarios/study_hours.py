"""In which hours something was so in print: told right or wrong hour by hour."""

from collections.abc import Sequence
from typing import Literal, Self

from pydantic import Field, model_validator

from peerflex.scenarios.fields import Slug, wrong
from peerflex.scenarios.study_figures import HoursInPrint


class HourSet(HoursInPrint):
    """Hours that print names, against those in which a figure is above a number, or highest.

    Every hour of the kpi counts once: right if print and the figure both say yes, or both no.
    """

    name: Slug = Field(description="name of the criterion")
    scenario: str = Field(description="name within the study")
    kpi: str = Field(description="which of the kpis, with the hours that are judged")
    when: Literal["above", "highest"] = Field(
        default="above",
        description="in hours above `threshold`, or in as many hours as print names where it is highest",
    )
    threshold: float = Field(default=0.0, description="what the figure must be above")
    required: int = Field(ge=1, description="how many hours must be told right")
    source: str = Field(min_length=1, description="paper, table, page")
    in_sample: bool = Field(description="whether parameters were calibrated with it: then it is no evidence")

    @model_validator(mode="after")
    def _threshold_is_for_above(self) -> Self:
        if self.when == "highest" and self.threshold != 0.0:
            raise wrong("threshold", "is not for the highest hours", "Leave it out.")
        return self

    def wrong_hours(self, figures: Sequence[float], hours: Sequence[int]) -> tuple[int, ...]:
        """Return the hours told wrong, as print counts them; ``figures`` are in the order of ``hours`` (from 0).

        Of the highest, all that equal the lowest of them are in: a tie with an hour that print does not name is wrong.
        An hour without a figure is always told wrong.
        """
        ranked = sorted((figure for figure in figures if figure == figure), reverse=True)
        enough = ranked[min(len(self.hours), len(ranked)) - 1] if ranked else 0.0
        wrong = []
        for hour, figure in zip(hours, figures, strict=True):
            said = figure > self.threshold if self.when == "above" else figure >= enough
            if figure != figure or said != (hour in self.own_hours):
                wrong.append(hour + self.counted_from)
        return tuple(wrong)
