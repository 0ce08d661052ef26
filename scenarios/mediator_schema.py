"""What a scenario file may say of mediators between peers and markets, and of whoever watches them."""

from typing import Literal, Self

from pydantic import Field, model_validator

from peerflex.scenarios.fields import Section, Slug, wrong
from peerflex.scenarios.peer_schema import Component


class Mediator(Section):
    """Somebody who stands between peers and markets (EUniversal D5.3, 2022, section 3.2.9)."""

    name: Slug = Field(description="name of the mediator")
    role: Literal["community-manager", "aggregator", "independent"] = Field(
        description="a community manager sells its members' flexibility and passes on what it is paid; an aggregator "
        "pays them what they ask and keeps the rest; an independent one stays out of the flexibility market"
    )
    groups: tuple[Slug, ...] = Field(min_length=1, description="groups whose members it acts for")
    pools: Literal["none", "bus"] = Field(
        default="none",
        description="offers of flexibility one by one, or those of a bus, direction and price class as one",
    )
    price_class_eur_per_mwh: float = Field(
        default=10.0, gt=0, le=10_000, description="width of the price classes of pools"
    )
    fee_eur_per_mwh: float = Field(
        default=0.0, ge=0, le=1000, description="what a member pays it per MWh traded with peers or activated"
    )
    resells: bool = Field(
        default=False,
        description="whether it also offers to undo what members' assets sold to peers or bought from them",
    )
    strategy: Component = Field(
        default=Component(kind="honest"), description="`honest`, or `increase-decrease` with its parameters"
    )

    @model_validator(mode="after")
    def _independent_stays_out(self) -> Self:
        if self.role != "independent":
            return self
        for key in ("pools", "resells", "strategy"):
            if getattr(self, key) != type(self).model_fields[key].default:
                what = "is for one who sells flexibility, and an independent mediator does not"
                raise wrong(key, what, "Leave it out, or make it an aggregator or a community-manager.")
        return self


class Monitor(Section):
    """How the market operator looks for those who congest the network to be paid for relieving it."""

    sees: Literal["offers", "trades"] = Field(
        default="offers", description="what it is told: offers and activations, or the trades between peers as well"
    )
    ask_above_eur_per_mwh: float = Field(
        default=10.0,
        ge=0,
        le=10_000,
        description="an activated ask this far above the next cheaper one of another seller is flagged",
    )
    reversal_share: float = Field(
        default=0.1,
        gt=0,
        le=1,
        description="share of the activated energy that undoes trades from which an hour is flagged (sees trades)",
    )
