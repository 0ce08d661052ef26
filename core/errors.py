"""What can go wrong, and which exit code it becomes on the command line."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with an input: where it is, what is wrong, and what to do about it."""

    where: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}. {self.remedy}"


class PeerflexError(Exception):
    """Any failure that peerflex explains itself; ``exit_code`` is what a shell sees."""

    exit_code = 4


class CriterionError(PeerflexError):
    """A study whose figures are not what its criteria require."""

    exit_code = 1


class InputError(PeerflexError):
    """Bad input: a scenario, profile, network, plugin or log that cannot be used.

    Say it in three parts: where (file and field), what is wrong, and the remedy.
    """

    exit_code = 2

    def __init__(self, where: str, what: str, remedy: str) -> None:
        self.problem = Problem(where, what, remedy)
        super().__init__(str(self.problem))


class VerificationError(PeerflexError):
    """A log that does not say what its own scenario, simulated again, says."""

    exit_code = 3


class SimulationError(PeerflexError):
    """A run that stopped: its log is kept and says at which step."""

    exit_code = 4
