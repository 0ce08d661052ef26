"""Table 5 of EUniversal D5.3 (2022), section 4.1.6, in our own short words: what is claimed, and what measures it."""

from dataclasses import dataclass
from typing import Final, Literal

MODELS: Final = {"CM1": "cm1", "CM2": "cm2", "CM3": "cm3-v2-check", "CM4": "cm4-lfm-check"}
"""The design that a model is measured by: with a flexibility market, peers first; CM3 and CM4 with trade check."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What the table says of a model, and the figure that would show it.

    The figure ``kpi`` is expected to be more (or less) in the model's design than in ``against``: a design, or ''
    for nothing at all. ``size``: what counts is how far it is from 0, either way. ``of`` is another design of the model
    that shows it alone. Without a figure nothing measures it.
    """

    model: str
    side: Literal["for", "against"]
    words: str
    kpi: str = ""
    more: bool = True
    against: str = ""
    size: bool = False
    of: str = ""

    @property
    def design(self) -> str:
        """The design it is measured by."""
        return self.of or MODELS[self.model]


def _no_service(model: str) -> tuple[Claim, ...]:
    """The DSO that buys on the forecast alone shows what trade does to its limits unforeseen."""
    unseen, surprise = f"{MODELS[model]}-unrelated", "the DSO cannot tell what trade will do to its wires"
    return (
        Claim(model, "against", surprise, "violation_hours", True, "supplier", of=unseen),
        Claim(model, "against", "trade makes congestion that the flexibility market has to mend", "lfm_cost_eur"),
    )


def _implicit(model: str, free: str, alone: str) -> tuple[Claim, ...]:
    """``alone`` is the model without a flexibility market, which would keep limits that trade breaks."""

    return (
        Claim(
            model, "for", "trade minds the limits and breaks fewer of them", "violation_hours", False, "free", of=alone
        ),
        Claim(model, "against", "peers' data reach the DSO, too", "disclosed_values_dso", True, free),
        Claim(model, "against", "the DSO's say costs peers money", "trader_cost_eur", True, free),
        Claim(model, "against", "the DSO's interventions may cost more in all", "dso_cost_eur", True, free),
        Claim(model, "against", "clearing is more complex", "clearings", True, free),
        Claim(model, "against", "DSO and market have to talk to each other", "dso_flows", True, free),
        Claim(model, "against", "the DSO distorts prices", "price_distortion_eur_per_mwh", True, size=True),
    )


CLAIMS: Final = (
    Claim("CM1", "for", "peers trade through a mediator", "p2p_mwh"),
    Claim("CM1", "for", "trade can be worth as much as possible", "welfare_eur", True, "cm2"),
    Claim("CM1", "for", "peers' flexibility, put together, reaches the flexibility market", "lfm_mwh"),
    Claim("CM1", "against", "peers tell the mediator much", "disclosed_values_mediator", True, "cm2"),
    *_no_service("CM1"),
    Claim("CM2", "for", "peers decide for themselves"),
    Claim("CM2", "for", "peers trade freely, after their own aims", "p2p_mwh"),
    Claim("CM2", "for", "peers may sell flexibility", "lfm_mwh"),
    Claim("CM2", "for", "peers keep their data to themselves", "disclosed_values_mediator", False, "cm1"),
    Claim("CM2", "against", "trade may be less efficient", "welfare_eur", False, "cm1"),
    *_no_service("CM2"),
    Claim("CM3", "for", "peers trade through a mediator", "p2p_mwh"),
    Claim("CM3", "for", "peers' flexibility, put together, reaches the flexibility market", "lfm_mwh"),
    Claim("CM3", "against", "peers tell the mediator much", "disclosed_values_mediator", True, "cm2"),
    *_implicit("CM3", "cm1", "cm3-v1-check"),
    Claim("CM4", "for", "peers trade freely, after their own aims", "p2p_mwh"),
    Claim("CM4", "for", "peers may sell flexibility", "lfm_mwh"),
    *_implicit("CM4", "cm2", "cm4-check"),
)
