"""Why a limit was not kept although somebody watches it: the causes that a log names."""

from enum import IntEnum


class Cause(IntEnum):
    """What would have had to be otherwise for a limit to be kept; in the order in which it is looked for."""

    COUPLED = 0
    NOT_DELIVERED = 1
    PEER_FORECAST = 2
    DSO_FORECAST = 3
    DSO_MODEL = 4
    TRADES = 5
    NOT_OFFERED = 6
    MARKET_STOPPED = 7
    UNPROTECTED = 8

    @property
    def label(self) -> str:
        """The word for it in logs."""
        return self.name.lower().replace("_", "-")


MEANINGS: dict[Cause, str] = {
    Cause.COUPLED: "other simulators injected something",
    Cause.NOT_DELIVERED: "peers failed to move what they had sold",
    Cause.PEER_FORECAST: "peers delivered other than they had announced",
    Cause.DSO_FORECAST: "the DSO's forecast of the others erred",
    Cause.DSO_MODEL: "the DSO's model of the network erred",
    Cause.TRADES: "peers traded, and no flexibility market was held afterwards",
    Cause.NOT_OFFERED: "the flexibility market lacked offers",
    Cause.MARKET_STOPPED: "the flexibility market stopped before the flow was clean, though it lacked no offers",
    Cause.UNPROTECTED: "there is no flexibility market, or no injection moves it",
}


def column_of(cause: Cause) -> str:
    """Return the column of the table ``hours`` that counts the limits not kept for a cause."""
    return f"violations_{cause.name.lower()}"
