"""What is shown of a run, as data: for the terminal, the browser and the report alike.

Plain functions of a log (a ``Run`` on disk or a ``Session``) and a step, counted from 0. Nothing is simulated and
nothing is written.
"""

from peerflex.runs.views.activated import Activated
from peerflex.runs.views.agent import AgentView, Assets, Done, Known, MoneyRow, agent_at
from peerflex.runs.views.book import Book, FlexRow, OrderRow, TradeRow, book_at
from peerflex.runs.views.design import groups_in, standing_at
from peerflex.runs.views.difference import (
    Difference,
    FigureDifference,
    GridDifference,
    Pair,
    difference,
    kpi_difference,
)
from peerflex.runs.views.grid import GridView, grid_at, loadings, series, voltages
from peerflex.runs.views.log import Log, hour_of, time_at, unit_of
from peerflex.runs.views.words import KpiRow, MessageRow, events_at, kpi_rows, messages_at

__all__ = [
    "Activated",
    "AgentView",
    "Assets",
    "Book",
    "Difference",
    "Done",
    "FigureDifference",
    "FlexRow",
    "GridDifference",
    "GridView",
    "Known",
    "KpiRow",
    "Log",
    "MessageRow",
    "MoneyRow",
    "OrderRow",
    "Pair",
    "TradeRow",
    "agent_at",
    "book_at",
    "difference",
    "events_at",
    "grid_at",
    "groups_in",
    "hour_of",
    "kpi_difference",
    "kpi_rows",
    "loadings",
    "messages_at",
    "series",
    "standing_at",
    "time_at",
    "unit_of",
    "voltages",
]
