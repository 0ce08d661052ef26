"""What a scenario file may say of prices outside the local markets, and of how exactly peers deliver."""

from typing import Self

from pydantic import Field, model_validator

from peerflex.core.record import Tariffs
from peerflex.scenarios.fields import SINCE, Error, Price, Section, Share, wrong


class TariffRates(Section):
    """What energy costs outside the local markets."""

    retail_eur_per_mwh: Price = Field(default=320.0, description="what the supplier asks")
    feed_in_eur_per_mwh: Price = Field(default=80.0, description="what the supplier pays")
    wholesale_eur_per_mwh: Price = Field(
        default=90.0, description="between supplier and upstream grid; also pays the losses"
    )
    imbalance_spread: Share = Field(
        default=0.1, description="retail is raised, feed-in lowered by this for what was unscheduled"
    )
    interface_eur_per_mwh: Price = Field(
        default=200.0, description="residual of a flexibility market, between DSO and supplier"
    )
    wholesale_imbalance_spread: Share = Field(
        default=0.0,
        description="share of the wholesale price that the supplier pays upstream for its customers' imbalance",
        json_schema_extra=SINCE,
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        feed_in, interface, retail = self.feed_in_eur_per_mwh, self.interface_eur_per_mwh, self.retail_eur_per_mwh
        if feed_in > retail:
            what = f"{feed_in} is above retail_eur_per_mwh ({retail}): buying and feeding in would earn money"
            raise wrong("feed_in_eur_per_mwh", what, "Give a feed-in tariff at or below the retail tariff.")
        if not feed_in <= interface <= retail:
            what = f"{interface} is not between feed-in ({feed_in}) and retail ({retail})"
            raise wrong("interface_eur_per_mwh", what, "Give a price between the two tariffs.")
        return self

    def tariffs(self) -> Tariffs:
        """Return them as every room knows them."""
        return Tariffs(
            self.retail_eur_per_mwh,
            self.feed_in_eur_per_mwh,
            self.wholesale_eur_per_mwh,
            self.imbalance_spread,
            self.interface_eur_per_mwh,
            self.wholesale_imbalance_spread,
        )


class Delivery(Section):
    """How far what peers deliver is what they announced."""

    forecast_error: Error = Field(
        default=0.0, description="relative standard deviation of the peers' own load and PV forecast"
    )
    day_ahead_error: Error | None = Field(
        default=None,
        description="the same of the forecast that a day-ahead session is held on; null: as forecast_error",
        json_schema_extra=SINCE,
    )

    @property
    def error_day_ahead(self) -> float:
        return self.forecast_error if self.day_ahead_error is None else self.day_ahead_error
