"""What a scenario file may say of components, and of groups of peers."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from peerflex.scenarios.fields import SINCE, BusName, Section, Share, Slug, wrong
from peerflex.scenarios.system_schema import UnitKind


class Component(BaseModel):
    """A kind of behaviour or market and its parameters, written side by side."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)
    __pydantic_extra__: dict[str, JsonValue] = Field(init=False)

    kind: str = Field(min_length=1, description="which one; `peerflex list` names them with their parameters")

    @property
    def parameters(self) -> dict[str, JsonValue]:
        """Everything beside ``kind``."""
        return dict(self.__pydantic_extra__)


class PeerGroup(Section):
    """Connections that behave alike and own alike: a share of all, those at named buses, or part of the population."""

    name: Slug = Field(description="name of the group")
    share_of_connections: Share | None = Field(default=None, description="share of all connections, drawn by the seed")
    at_buses: tuple[BusName, ...] | None = Field(
        default=None,
        min_length=1,
        description="names of buses (a number is a name in digits) whose connections are members",
    )
    of_population: Literal["traders", "providers"] | None = Field(
        default=None, description="which part of the scenario's population are members"
    )
    of_units: tuple[UnitKind, ...] | None = Field(
        default=None,
        min_length=1,
        description="which units of the scenario's calibrated day are members",
        json_schema_extra=SINCE,
    )
    upstream_mw: float | None = Field(
        default=None,
        gt=0,
        le=100_000,
        description="the group is one peer beyond the transformer, which can deliver this much",
        json_schema_extra=SINCE,
    )
    behaviour: Component = Field(description="how its members bid")
    preference: Component | None = Field(
        default=None,
        description="with whom members would rather trade, beside the price: in markets in which peers meet in pairs",
        json_schema_extra=SINCE,
    )
    quoting: Literal["limit", "conceding", "zero-intelligence", "zero-intelligence-plus"] | None = Field(
        default=None,
        description="how members choose the prices they quote in a continuous-double-auction; null: as the market says",
        json_schema_extra=SINCE,
    )
    fails: Share = Field(
        default=0.0,
        description="probability, in an hour, that a member does not move the assets it sold",
        json_schema_extra=SINCE,
    )
    trades_with_peers: bool = Field(
        default=True, description="whether its members offer to other peers, or to the flexibility market only"
    )
    pv_kw: float = Field(
        default=0.0, ge=0, le=100_000, description="PV each member has beside what the network's file says"
    )
    battery_kwh: float = Field(default=0.0, ge=0, le=100_000, description="usable battery energy of each member")
    battery_kw: float = Field(default=0.0, ge=0, le=100_000, description="battery power of each member, both ways")
    battery_efficiency: float = Field(
        default=0.95, ge=0.5, le=1, description="of charging and of discharging, one way each"
    )
    generator_kw: float = Field(
        default=0.0,
        ge=0,
        le=100_000,
        description="generator each member can start, off unless it sells",
        json_schema_extra=SINCE,
    )
    boiler_kw: float = Field(
        default=0.0,
        ge=0,
        le=100_000,
        description="electric boiler or heat pump each member can start in place of gas, off unless it buys",
        json_schema_extra=SINCE,
    )
    least_activation: Share = Field(
        default=0.0,
        description="share of an offer of flexibility below which it is not activated (1: all of it or nothing)",
        json_schema_extra=SINCE,
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        members = ("share_of_connections", "at_buses", "of_population", "of_units", "upstream_mw")
        given = [name for name in members if getattr(self, name) is not None]
        if not given:
            what = "is missing, and at_buses too: the group has no members"
            raise wrong("share_of_connections", what, "Add share_of_connections or at_buses.")
        if len(given) > 1:
            raise wrong(given[1], f"is given beside {given[0]}", "Keep one of them.")
        if (self.battery_kwh > 0) != (self.battery_kw > 0):
            name = "battery_kw" if self.battery_kwh > 0 else "battery_kwh"
            raise wrong(name, "is 0 though the group has a battery", "Give battery_kwh and battery_kw, or neither.")
        return self
