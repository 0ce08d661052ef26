"""peerflex: peer-to-peer energy trading and flexibility markets on real networks.

The front door from Python::

    import peerflex

    run = peerflex.run("lv-week", hours=24)
    run.table("trades")  # a pandas DataFrame
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from peerflex.runs.api import branch, open_run, run, study
    from peerflex.scenarios.schema import Scenario

__version__ = "0.1.0"

__all__ = ["Scenario", "__version__", "branch", "open_run", "run", "study"]


def __getattr__(name: str) -> Any:
    """Import on first use: the command line must not wait for what it does not need."""
    if name == "Scenario":
        from peerflex.scenarios.schema import Scenario

        return Scenario
    if name in __all__:
        from peerflex.runs import api

        return getattr(api, name)
    raise AttributeError(f"module 'peerflex' has no attribute {name!r}")
