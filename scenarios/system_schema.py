"""What a scenario file may say to make a system on purpose: ratings that congest a grid, a population with prices."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from peerflex.scenarios.fields import BusName, Factor, Price, Section, Share, wrong

Multiple = Annotated[float, Field(gt=0, le=50)]
UnitKind = Literal["load", "pv", "wind", "chp", "supplier"]
Loading = Annotated[float, Field(ge=0.01, le=0.999)]
Range = tuple[Loading, Loading]
PriceRange = tuple[Price, Price]
Count = Annotated[int, Field(ge=0, le=1_000_000)]


class Amount(Section):
    """So many, as a number or as a share of all."""

    count: Count | None = Field(default=None, description="how many")
    share: Share | None = Field(default=None, description="how many, as a share of all")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.count is None) == (self.share is None):
            what = "is missing, and share too" if self.count is None else "is given beside share"
            raise wrong("count", what, "Give one of the two (and null for the other, if it is inherited).")
        return self

    def of(self, total: int) -> int:
        """Return the number; a share is rounded. It may be larger than ``total``."""
        return int((self.share or 0.0) * total + 0.5) if self.count is None else self.count


class Overloaded(Section):
    """Branches that carry more than they may."""

    branches: tuple[Count, ...] | None = Field(default=None, description="which, counted from 1 in the network's order")
    count: Count | None = Field(default=None, description="how many, drawn by the seed")
    overflow_mva: float = Field(ge=0, le=1000, description="what each carries above its rating (MW in linear physics)")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.branches is None) == (self.count is None):
            what = "is missing, and branches too" if self.count is None else "is given beside branches"
            raise wrong("count", what, "Give one of the two (and null for the other, if it is inherited).")
        if self.branches is not None and (0 in self.branches or len(set(self.branches)) < len(self.branches)):
            raise wrong("branches", "are not different numbers from 1", "Count branches from 1, and name each once.")
        return self


class LoadedClass(Amount):
    """So many branches, loaded evenly within a range."""

    loading: Range = Field(description="lowest and highest loading")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        _check_order("loading", self.loading)
        return self


class Stress(Section):
    """Ratings for a heavier base state (`population.extra_load_factor`)."""

    limited: Amount = Field(description="the most loaded branches, which then are congested; all others are not")
    excess: float = Field(default=0.02, ge=0.001, le=1, description="share by which they are congested at least")
    relief_share: Share = Field(
        default=0.85, description="they overflow by at most this share of what upward offers can relieve"
    )


class Ratings(Section):
    """Branch ratings drawn so that the network's own load and PV load it as wanted."""

    overloaded: Overloaded = Field(description="branches that are congested")
    high: LoadedClass = Field(description="branches that are nearly full")
    middle: LoadedClass = Field(description="branches in between, drawn evenly")
    low_loading: Range = Field(default=(0.05, 0.595), description="lowest and highest loading of all others")
    mean_loading: Loading = Field(description="mean of all branches, kept exactly")
    placement_noise: Annotated[float, Field(ge=0, le=100)] | None = Field(
        default=1.0, description="how far chance moves the high class from the largest flows; null: anywhere"
    )
    head_branches: Count = Field(default=3, description="branches with the largest flows, loaded lightly")
    least_mva: float = Field(default=0.001, ge=1e-6, le=1000, description="lowest rating")
    stress: Stress | None = Field(default=None, description="change the ratings for a heavier base state")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        _check_order("low_loading", self.low_loading)
        return self


class Chosen(Section):
    """Traders chosen so that their trades leave nothing congested: drawn anew until they do."""

    count: int = Field(ge=1, le=1000, description="how many traders")
    up_at: tuple[tuple[BusName, ...], ...] = Field(description="lists of buses: some sellers are at each list's")
    up_each: tuple[Count, Count] = Field(default=(1, 3), description="fewest and most sellers at each list's buses")
    most_mw: float | None = Field(
        default=None, ge=0, le=1000, description="most that all sellers, or all buyers, offer; so no more is traded"
    )
    draws: int = Field(default=100, ge=1, le=10_000, description="most draws; the last one stands")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        fewest, most = self.up_each
        if fewest > most or most * len(self.up_at) > self.count:
            what = f"{fewest} to {most} at each of {len(self.up_at)} lists do not fit {self.count} traders"
            raise wrong("up_each", what, "Give fewer sellers or more traders.")
        return self


class Traders(Section):
    """Who of those with offers trades with peers."""

    count: Count | None = Field(default=None, description="how many, drawn by the seed")
    share: Share | None = Field(default=None, description="how many, as a share of all with offers")
    chosen: Chosen | None = Field(default=None, description="chosen so that their trades relieve the network")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if [self.count, self.share, self.chosen].count(None) != 2:
            what = "is not the only one of count, share and chosen, or all are missing"
            raise wrong("count", what, "Give one of the three (and null for one that is inherited).")
        return self


class Population(Section):
    """Connections made of the network's loads: each offers one thing at one listed price."""

    buses: Amount = Field(default=Amount(share=1.0), description="buses with offers: those with the largest loads")
    generation_ratio: Factor = Field(default=1.0, description="generation per load of a bus; gross load grows by it")
    buses_without_generation: Amount = Field(
        default=Amount(count=0), description="of the buses with offers, drawn by the seed"
    )
    offered_share: Share = Field(description="of gross load and of generation: what is offered in either direction")
    up_eur_per_mwh: PriceRange = Field(description="prices of more injection, drawn evenly")
    down_eur_per_mwh: PriceRange = Field(description="prices of less injection, drawn evenly")
    extra_load_factor: float = Field(
        default=1.0, ge=1, le=50, description="net load times this, by load that offers nothing"
    )
    traders: Traders = Field(description="who trades with peers; the others only offer to the flexibility market")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        _check_order("up_eur_per_mwh", self.up_eur_per_mwh)
        _check_order("down_eur_per_mwh", self.down_eur_per_mwh)
        return self


class Shapes(Section):
    """SimBench profiles that make every day of a year another one, by how they differ from their own usual day."""

    load: str = Field(description="load profile, e.g. H0-A; over its mean at the hour of the day")
    pv: str = Field(description="sun, e.g. PV1; over its best at the hour of the day")
    wind: str = Field(description="wind, e.g. WP4; over its mean at the hour of the day")


class Units(Section):
    """Peers and profiles from a calibrated day, which is a file of tagged facts."""

    day: Literal["tso-dso-day"] = Field(description="which day")
    factors: dict[str, Multiple] = Field(
        default_factory=dict, description="facts of the day to be multiplied, to see what depends on them"
    )
    shapes: Shapes | None = Field(default=None, description="other days than the calibrated one; null: it is repeated")


def _check_order(field: str, values: tuple[float, float]) -> None:
    if values[0] > values[1]:
        raise wrong(field, f"{values[0]} is above {values[1]}", "Give the lower, then the higher value.")
