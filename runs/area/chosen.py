"""Traders chosen so that what they trade leaves nothing congested: look at one draw."""

from dataclasses import replace

from peerflex.markets.idle import NoFlexMarket
from peerflex.runs.area.area import Area
from peerflex.runs.model import AreaModel


def leaves_nothing_congested(area: Area) -> bool:
    """Whether the DSO expects a power flow without congestion after the first step's trades, before any flexibility."""
    model = AreaModel(replace(area, flex_market=NoFlexMarket()), with_people=False)
    try:
        outlook = model.decide().outlook
        return outlook.traded.method != "dark" and outlook.congested_count == 0
    finally:
        model.close()
