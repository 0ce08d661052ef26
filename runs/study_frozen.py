"""Was the configuration fixed before the seeds that test it were simulated? Its hash says so."""

import json
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from peerflex.runs.store import sha256 as file_sha256
from peerflex.scenarios.study import LoadedStudy, Variant
from peerflex.scenarios.study_schema import seed_range

NOT_CONFIGURATION = {"seed", "title", "description"}
"""Keys of a scenario that the hash leaves out."""


@dataclass(frozen=True, slots=True)
class FrozenStatus:
    """The hash of the configuration, whether it is the one in the study file, and whether test seeds were used.

    ``committed``, ``test_seeds`` and ``test_runs`` are the study file's own words, None without any.
    """

    sha256: str
    committed: str | None
    test_seeds: str | None
    test_runs: int | None
    used: Literal["all", "some", "none"]
    with_plugins: bool = False

    @property
    def as_committed(self) -> bool:
        """Whether nothing was changed; a plugin may change anything."""
        return self.sha256 == self.committed and not self.with_plugins

    @property
    def in_words(self) -> str:
        """One line for people."""
        if self.committed is None:
            return f"configuration {self.sha256}, not frozen"
        same = (
            "as frozen"
            if self.as_committed
            else f"NOT AS FROZEN ({'with plugins' if self.with_plugins else self.committed})"
        )
        seeds = {"all": "on the test seeds", "some": "on some of the test seeds", "none": "not on the test seeds"}
        count = f"{self.test_runs} test runs made so far, as the study file declares"
        verdict = "" if self.as_committed or self.used == "none" else ": THIS IS NO TEST"
        return f"configuration {self.sha256}, {same}; {seeds[self.used]} {self.test_seeds}{verdict}; {count}"


def frozen_status(loaded: LoadedStudy, with_plugins: bool = False) -> FrozenStatus:
    """Return how the study as it is compares with the one that was frozen."""
    frozen, digest = loaded.study.frozen, configuration_hash(loaded)
    if frozen is None:
        return FrozenStatus(digest, None, None, None, "none")
    test, seeds = seed_range(frozen.test_seeds), loaded.study.seed_range
    common = range(max(test.start, seeds.start), min(test.stop, seeds.stop))
    used: Literal["all", "some", "none"] = "all" if common == test else "some" if common else "none"
    return FrozenStatus(digest, frozen.sha256, frozen.test_seeds, frozen.test_runs, used, with_plugins)


def configuration_hash(loaded: LoadedStudy) -> str:
    """Return the SHA-256 of everything that decides figures and verdicts, except code and seeds.

    That is, as JSON with sorted keys: the scenarios in full at every point and with every variation (without seed,
    title and description) with the hashes of the files they read, the KPIs, criteria and coverage, and the published
    values with what they are compared with (without source and explanation).
    """
    study = loaded.study
    page = {
        "scenarios": [_scenario(variant) for variant in (*loaded.variants, *loaded.varied)],
        "kpis": [kpi.model_dump(mode="json") for kpi in study.kpis],
        "criteria": [criterion.model_dump(mode="json") for criterion in study.criteria],
        "coverage": [coverage.model_dump(mode="json") for coverage in study.coverage],
        "published": [
            published.model_dump(mode="json", exclude={"source", "explanation"}) for published in study.published
        ],
    }
    return sha256(json.dumps(page, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()).hexdigest()


def _scenario(variant: Variant) -> dict[str, Any]:
    base: Path = variant.loaded.base
    return {
        "case": variant.case,
        "point": variant.point,
        "scenario": variant.loaded.scenario.model_dump(mode="json", exclude=NOT_CONFIGURATION),
        "inputs": {path.as_posix(): file_sha256(base / path) for path in variant.loaded.inputs},
    }
