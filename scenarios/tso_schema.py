"""What a scenario file may say of the synchronous area and of the TSO that buys regulation from peers."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from peerflex.scenarios.fields import Price, Section, Share, Slug, wrong

Megawatts = Annotated[float, Field(ge=0, le=1_000_000)]
Seconds = Annotated[float, Field(gt=0, le=3600)]
Request = Annotated[float, Field(ge=-100_000, le=100_000)]


class FrequencyAreaRates(Section):
    """The area that rotates at one frequency, and its reserves."""

    name: Slug = Field(default="area", description="its name, which events may give")
    size_mw: float = Field(ge=1, le=1_000_000, description="its generation")
    inertia_s: float = Field(ge=0.1, le=20, description="inertia constant H on that size; about 2 to 6 s is usual")
    fcr_mw: Megawatts = Field(description="frequency containment reserve, each way")
    afrr_mw: Megawatts = Field(default=0.0, description="automatic frequency restoration reserve, each way; 0: none")
    damping_pu_per_hz: float = Field(default=0.01, ge=0, le=1, description="share of the size by which load gives way")
    fcr_full_at_hz: float = Field(default=0.2, gt=0, le=1, description="deviation at which all of the FCR is called")
    fcr_governor_s: Seconds = Field(default=0.2, description="first lag of the FCR")
    fcr_turbine_s: Seconds = Field(default=6.0, description="second lag of the FCR")
    afrr_gain: float = Field(default=0.15, ge=0, le=10, description="proportional gain of the aFRR")
    afrr_integral_s: float = Field(default=200.0, gt=0, le=100_000, description="integration time of the aFRR")
    afrr_lag_s: Seconds = Field(default=15.0, description="lag of the aFRR")
    afrr_full_s: Seconds = Field(default=300.0, description="time in which all of the aFRR can be activated")
    nominal_hz: Literal[50, 60] = Field(default=50, description="nominal frequency")


class SystemEvent(Section):
    """An imbalance from elsewhere in the area, for some time."""

    start_hour: int = Field(
        ge=0, le=87_840, description="hours from the scenario's start, from 0; after its end: never"
    )
    at_minute: float = Field(default=0.0, ge=0, lt=60, description="minute of that hour at which it begins")
    change_mw: Request = Field(description="< 0: generation is lost; > 0: load is lost")
    hours: float = Field(default=1.0, gt=0, le=87_840, description="how long it lasts")
    area: Slug | None = Field(default=None, description="the area it happens in, which is this one")


class Frequency(Section):
    """The frequency of the area that the network is part of."""

    area: FrequencyAreaRates = Field(description="the synchronous area")
    feeders: float = Field(
        default=1.0, ge=1, le=1_000_000, description="networks like this one in the area, which all do the same"
    )
    events: tuple[SystemEvent, ...] = Field(default=(), description="what else disturbs the area")

    @model_validator(mode="after")
    def _here(self) -> Self:
        for row, event in enumerate(self.events):
            if event.area not in (None, self.area.name):
                what = f"event {row} is in an area {event.area!r}, and the one simulated is {self.area.name!r}"
                raise wrong("events", what, f"Leave area out, or write {self.area.name}.")
        return self


class TsoRequest(Section):
    """How much regulation the TSO asks of one feeder."""

    kind: Literal["listed", "calibrated-day", "from-frequency"] = Field(
        description="known beforehand, that of the scenario's calibrated day, or what the last step's frequency needed"
    )
    mw: tuple[Request, ...] | None = Field(
        default=None, min_length=1, description="listed: MW of each step, > 0 up, from the start again when used up"
    )
    file: str | None = Field(
        default=None,
        description="listed: CSV file in the scenario's folder, with up_mw or down_mw, or both, one of them in a step",
    )
    share: Share = Field(default=1.0, description="from-frequency: share of what reserves carried that is asked for")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [name for name in ("mw", "file") if getattr(self, name) is not None]
        if self.kind == "listed" and len(given) != 1:
            what = "is given beside mw" if given else "is missing, and mw too: nothing is listed"
            raise wrong("file", what, "Give mw, a list, or file, a CSV file.")
        if self.kind != "listed" and given:
            raise wrong(given[0], f"is not for kind {self.kind!r}", "Leave it out, or use kind listed.")
        return self


class Tso(Section):
    """The TSO: it buys regulation through a virtual load at the upstream bus."""

    request: TsoRequest = Field(description="how much it asks for")
    most_mw: float = Field(gt=0, le=100_000, description="most it asks of one feeder, either way")
    value_eur_per_mwh: Price = Field(description="up: what the first MW it buys is worth to it")
    fall_eur_per_mwh: float = Field(
        default=1.0, ge=0.01, le=5000, description="how much less the last MW of a request is worth than the first"
    )
    down_eur_per_mwh: Price = Field(default=0.0, description="down: what it wants for the first MW it sells")
    firm: bool = Field(default=False, description="whether its order is served before anybody else's")
    scheme: Literal["common", "tso-first", "dso-first", "iterative"] = Field(
        default="common", description="who comes first, the TSO's purchase or the DSO's network"
    )
    delay_s: float = Field(default=30.0, ge=0, le=3600, description="when peers begin to deliver, in the step")
    ramp_s: float = Field(default=270.0, ge=0, le=3600, description="and how long until all of it is there")


def check_together(
    frequency: Frequency | None, tso: Tso | None, step_s: int, has_day: bool, names: tuple[str, ...]
) -> None:
    """Raise what is wrong across sections: a TSO that has nothing to go by, or no time to be served in."""
    if tso is None:
        return
    if tso.request.kind == "from-frequency" and frequency is None:
        raise wrong("frequency", "is missing: the TSO's request follows it", "Add frequency, or list the request.")
    if tso.request.kind == "calibrated-day" and not has_day:
        raise wrong("units", "is missing: the TSO's request is that of its day", "Add units, or list the request.")
    if tso.delay_s + tso.ramp_s > step_s:
        what = f"delay_s and ramp_s are {tso.delay_s + tso.ramp_s:g} s, a step is {step_s} s"
        raise wrong("tso", what, "Shorten them: what is bought for a step must be there within it.")
    if "tso" in names:
        raise wrong("peers", "a group is called tso, as the TSO's own is", "Give the group another name.")
