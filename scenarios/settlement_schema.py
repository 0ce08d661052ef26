"""What a scenario file may say of who answers for what was not announced, or not delivered."""

from typing import Literal, Self

from pydantic import Field, model_validator

from peerflex.scenarios.fields import SINCE, Section, Share, wrong


class Settlement(Section):
    """Who answers for what was not announced or not delivered, and for energy that is activated."""

    flexibility: Literal["sold", "delivered"] = Field(
        default="sold", description="whether flexibility is paid as sold, or as the meter shows it against the baseline"
    )
    tolerance: Share = Field(
        default=0.0, description="share of what a peer sold that may be missing without a penalty (if delivered)"
    )
    penalty_eur_per_mwh: float = Field(
        default=0.0, ge=0, le=10_000, description="what a peer pays the DSO for a missing MWh beyond it (if delivered)"
    )
    baseline_days: int = Field(
        default=0,
        ge=0,
        le=31,
        description="days before whose mean at the meter, at the same time of day, is the baseline (if delivered); 0: "
        "it is what the peer announced",
        json_schema_extra=SINCE,
    )
    quiet_days_only: bool = Field(
        default=False,
        description="whether days do not count on which the peer was called on at that time (with baseline_days)",
        json_schema_extra=SINCE,
    )
    imbalance: Literal["peers", "mediator", "supplier"] = Field(
        default="peers",
        description="who bears what peers do other than announced: each its own, a mediator who nets that of traders, "
        "or the supplier who bills the meter",
    )
    activations: Literal["dso", "supplier", "peers"] = Field(
        default="dso",
        description="what activated energy costs the supplier: the interface price, what it bills for metered energy, "
        "or the wholesale price",
    )

    @model_validator(mode="after")
    def _what_is_for_delivered(self) -> Self:
        if self.flexibility == "sold":
            for name in ("tolerance", "penalty_eur_per_mwh", "baseline_days"):
                if getattr(self, name):
                    what = "is for flexibility that is paid as delivered"
                    raise wrong(name, what, "Add flexibility: delivered, or leave it out.")
        if self.quiet_days_only and not self.baseline_days:
            what = "is for a baseline that is made of days before"
            raise wrong("quiet_days_only", what, "Add baseline_days: 5, or leave it out.")
        return self
