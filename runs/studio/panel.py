"""What a panel beside the map is, and what it may ask of the page."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from peerflex.runs.log.wires import Wires
from peerflex.runs.studio.desk import Desk, Shown


@dataclass(frozen=True, slots=True)
class Frame:
    """What the page offers its panels: the run, the one beside it (if any), the desk, and what they may have done.

    ``ask`` why (what, which), ``look_at`` a peer, ``change`` the scenario, ``compare`` with the run of a key, save the
    map as a ``picture``.
    """

    shown: Shown
    beside: Shown | None
    desk: Desk
    wires: Wires
    ask: Callable[[str, str], Awaitable[None]]
    look_at: Callable[[str], Awaitable[None]]
    change: Callable[[dict[str, Any]], Awaitable[None]]
    compare: Callable[[str], Awaitable[None]]
    picture: Callable[[], None]

    def csv(self, table: str, whole: bool = False) -> str:
        """Return the address of a table of the step shown, or of all steps, as CSV."""
        return f"/run/{self.shown.key}/csv/{table}" + ("?all=1" if whole else "")


class Panel(Protocol):
    """One of the panels beside the map; only the one that is seen is drawn. ``key`` is in its address and test ids."""

    key: ClassVar[str]
    title: ClassVar[str]

    def __init__(self, frame: Frame) -> None: ...

    async def show(self, step: int) -> None:
        """Show a step (-1: before the first one).

        Raises:
            PeerflexError: if it cannot be read.
        """

    def darken(self, dark: bool) -> None:
        """Draw on a dark or a light ground; what follows the page's colours by itself has nothing to do."""
        return
