"""What a scenario file may say of who answers for what was not announced, or not delivered."""

from typing import Literal, Self

from pydantic import Field, model_validator

from peerflex.scenarios.fields import Section, Share, wrong


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
    def _penalties_have_a_meter(self) -> Self:
        if self.flexibility == "sold":
            for name in ("tolerance", "penalty_eur_per_mwh"):
                if getattr(self, name):
                    what = "is for flexibility that is paid as delivered"
                    raise wrong(name, what, "Add flexibility: delivered, or leave it out.")
        return self
