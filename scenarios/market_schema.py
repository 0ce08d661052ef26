"""What a scenario file may say of its markets."""

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from peerflex.scenarios.fields import SINCE, BusName, Section, wrong
from peerflex.scenarios.mediator_schema import Monitor
from peerflex.scenarios.peer_schema import Component
from peerflex.scenarios.presets import PresetName, filled
from peerflex.scenarios.settlement_schema import Settlement

Session = Literal["day-ahead", "intraday"]


class MarketDesign(Section):
    """Which markets there are, and in which order."""

    preset: PresetName | None = Field(
        default=None,
        description="a conceptual model of EUniversal D5.3: it sets p2p, incentive, service and lfm where they are not "
        "given beside it, and refuses what would make it another model",
        json_schema_extra=SINCE,
    )
    sequence: Literal["p2p-first", "lfm-first", "unrelated", "iterative"] = Field(
        default="p2p-first",
        description="which market is held first and leaves the other what is left; or both on the same forecast, or in "
        "turns until neither changes its answer",
    )
    p2p: Component = Field(default=Component(kind="bilateral-pool"), description="how peers trade with each other")
    incentive: Component = Field(
        default=Component(kind="none"), description="what the DSO says about trades before they are made"
    )
    service: Component = Field(
        default=Component(kind="none"),
        description="how trades and the DSO's network come to terms",
        json_schema_extra=SINCE,
    )
    lfm: Component = Field(default=Component(kind="linear"), description="the local flexibility market the DSO buys in")
    monitor: Monitor | None = Field(
        default=None, description="how its operator looks for abuse; null: it does not", json_schema_extra=SINCE
    )
    p2p_area: tuple[BusName, ...] | None = Field(
        default=None,
        min_length=1,
        description="names of buses whose peers trade with each other; null: all",
        json_schema_extra=SINCE,
    )
    lfm_area: tuple[BusName, ...] | None = Field(
        default=None,
        min_length=1,
        description="names of buses whose peers offer flexibility; null: all",
        json_schema_extra=SINCE,
    )
    sessions: tuple[Session, ...] = Field(
        default=("intraday",),
        min_length=1,
        description="when peers trade: [intraday], shortly before delivery; [day-ahead], on an earlier forecast; or "
        "[day-ahead, intraday], where the second is for what the first misses",
        json_schema_extra=SINCE,
    )
    settlement: Settlement = Field(default=Settlement(), description="who answers for what", json_schema_extra=SINCE)

    last_resort: Component = Field(
        default=Component(kind="none"),
        description="what the DSO has when both markets have been held and its limits are still not kept",
        json_schema_extra=SINCE,
    )
    network_tariff: Component = Field(
        default=Component(kind="none"),
        description="what the DSO charges for using the network by time and place",
        json_schema_extra=SINCE,
    )

    @model_validator(mode="after")
    def _sessions_in_order(self) -> Self:
        if list(self.sessions) != sorted(set(self.sessions)):
            what = f"{', '.join(self.sessions)} is not an order of sessions"
            raise wrong("sessions", what, "Give [intraday], [day-ahead] or [day-ahead, intraday].")
        return self

    @model_validator(mode="before")
    @classmethod
    def _parts_of_the_preset(cls, design: Any) -> Any:
        whole = filled(design)
        if not isinstance(whole, Mapping):
            return whole
        # what a validator has had in hand is no JSON any more, and a list then no tuple
        return {key: tuple(value) if isinstance(value, list) else value for key, value in whole.items()}
