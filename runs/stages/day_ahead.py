"""The sessions of the market between peers: day-ahead on an early forecast, intraday on a late one, or one of them."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from peerflex.core.arrays import Floats
from peerflex.core.record import Agreement
from peerflex.core.trade import Orders
from peerflex.markets.leftovers import left_after
from peerflex.markets.schemes import EditedDesk
from peerflex.markets.standing import Edit
from peerflex.markets.two_sessions import Position, joined
from peerflex.runs.stages import knowledge
from peerflex.runs.stages.desk import EARLY_DRAWS, HourDesk

if TYPE_CHECKING:
    from peerflex.runs.model import AreaModel


def agree(model: "AreaModel", desk: HourDesk, activated: Callable[[Orders], Floats] | None = None) -> Agreement:
    """Let peers and the DSO come to terms in every session, on what flexibility has left of their orders.

    ``activated`` says how much of each order it took (None: of none). What the desk says to stand (``standing_mw``)
    stands in each session. A day-ahead position stands intraday, and peers order only what it misses. Terms and flow
    are those of the last session.
    """
    if not desk.two_sessions:
        return _session(model, desk, activated)
    early = replace(
        desk,
        forecast=knowledge.day_ahead(model.area, desk.step, desk.base),
        position=Position.moving(desk.standing_mw),
        draws=EARLY_DRAWS,
    )
    first = _session(model, early, None)
    position = Position.of(first.plan.orders, first.result, len(desk.peers))
    late = replace(desk, position=position, activated=activated, standing_mw=desk.standing_mw + position.moved_mw)
    agreed = joined(first, _session(model, late, activated))
    desk.rejected = (*early.rejected, *late.rejected)
    return agreed


def _session(model: "AreaModel", desk: HourDesk, activated: Callable[[Orders], Floats] | None) -> Agreement:
    service = model.area.service
    if activated is None:
        return service.agree(desk, desk.signal)

    def rest(orders: Orders) -> Edit:
        return Edit(left_after(orders, activated(orders)), np.arange(len(orders)))

    return EditedDesk(desk, rest).agree(service, desk.signal)
