"""Many scenarios of a study at once: every combination of the parts of a market design, on several grids."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Annotated, Final, Literal

from pydantic import Field, JsonValue

from peerflex.scenarios.fields import Section, Slug
from peerflex.scenarios.peer_schema import Component
from peerflex.scenarios.presets import PresetName

NONE = "none"
USUAL_SEQUENCE: Final = "p2p-first"

SequenceName = Literal["p2p-first", "lfm-first", "unrelated", "iterative"]
Parts = Annotated[dict[Slug, Component], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Combination:
    """One combination: its name in the study, the grid it is on, what it is made of, and what it sets."""

    name: str
    grid: str
    scenario: str
    preset: PresetName
    incentive: str
    service: str
    sequence: SequenceName
    settings: dict[str, JsonValue]


class Designs(Section):
    """What is multiplied. Combinations that contradict themselves are left out, and told with the reason."""

    over: dict[Slug, str] = Field(min_length=1, description="name of a grid: scenario that every design runs on")
    presets: tuple[PresetName, ...] = Field(min_length=1, description="conceptual models, as in market.preset")
    incentives: Parts = Field(
        default={NONE: Component(kind=NONE)}, description="name: what the DSO says before, as in market.incentive"
    )
    services: Parts = Field(
        default={NONE: Component(kind=NONE)}, description="name: how trades come to terms, as in market.service"
    )
    sequences: tuple[SequenceName, ...] = Field(
        default=(USUAL_SEQUENCE,), min_length=1, description="orders of the markets, as in market.sequence"
    )
    together: bool = Field(
        default=True, description="whether a service also stands beside an incentive, or either alone"
    )
    set: dict[str, JsonValue] = Field(default={}, description="dotted.key: value, on top of each scenario")
    optimum: Slug = Field(
        default="optimum", description="what the central optimum of a grid is called, after the grid's name"
    )
    unconstrained: Slug = Field(
        default="cm2", description="whose prices are those of trade that minds no limit, likewise"
    )
    untraded: Slug = Field(
        default="supplier", description="whose costs and bills are those without any trade, likewise"
    )
    unlimited: Slug = Field(
        default="free", description="whose reinforcement is what wires would cost instead of a market, likewise"
    )

    def combinations(self) -> Iterator[Combination]:
        """Yield every combination, valid or not: grid by grid, preset by preset."""
        parts = product(self.over, self.presets, self.incentives, self.services, self.sequences)
        for grid, preset, incentive, service, sequence in parts:
            if not self.together and NONE not in (incentive, service):
                continue
            said = [each for each in (incentive, service) if each != NONE]
            order = [sequence] if sequence != USUAL_SEQUENCE else []
            market: JsonValue = {
                "preset": preset,
                "sequence": sequence,
                "incentive": self.incentives[incentive].model_dump(mode="json"),
                "service": self.services[service].model_dump(mode="json"),
            }
            name = "-".join([grid, preset.lower(), *said, *order])
            settings = {**self.set, "market": market}
            yield Combination(name, grid, self.over[grid], preset, incentive, service, sequence, settings)
