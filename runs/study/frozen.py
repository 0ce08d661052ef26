"""Was the configuration fixed before the seeds that test it were simulated? Its hash says so."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from peerflex.runs.log.store import sha256 as file_sha256
from peerflex.scenarios.study import LoadedStudy, Variant
from peerflex.scenarios.study_schema import seed_range

NOT_CONFIGURATION = {"seed", "title", "description"}
"""Keys of a scenario that the hash leaves out."""

NOT_DECIDING = {"source", "explanation", "decimals"}
"""Keys of a published value that the hash leaves out."""


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
    values and hours with what they are compared with (without source and explanation).
    """
    study = loaded.study
    page: dict[str, Any] = {
        "scenarios": [_scenario(variant) for variant in (*loaded.variants, *loaded.varied)],
        "kpis": _pages(study.kpis),
        "criteria": _pages(study.criteria),
        "coverage": _pages(study.coverage),
        "published": _pages(study.every_published),
    }
    if study.hour_sets:
        page["hour_sets"] = _pages(study.hour_sets)
    return sha256(json.dumps(page, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()).hexdigest()


def _pages(sections: Sequence[BaseModel]) -> list[dict[str, Any]]:
    return [_without_unused(each, each.model_dump(mode="json", exclude=NOT_DECIDING)) for each in sections]


def _scenario(variant: Variant) -> dict[str, Any]:
    base: Path = variant.loaded.base
    scenario = variant.loaded.scenario
    return {
        "case": variant.case,
        "point": variant.point,
        "scenario": _without_unused(scenario, scenario.model_dump(mode="json", exclude=NOT_CONFIGURATION)),
        "inputs": {path.as_posix(): file_sha256(base / path) for path in variant.loaded.inputs},
    }


def _without_unused(section: BaseModel, page: dict[str, Any]) -> dict[str, Any]:
    """Return the page without keys that came later (``since``) and are not used: they change no older study."""
    kept: dict[str, Any] = {}
    for name, value in page.items():
        field = type(section).model_fields.get(name)
        extra = None if field is None else field.json_schema_extra
        own = getattr(section, name, None)
        if isinstance(extra, dict) and "since" in extra and field is not None and own == field.default:
            continue
        if isinstance(own, BaseModel):
            value = _without_unused(own, value)
        elif isinstance(own, tuple) and own and all(isinstance(each, BaseModel) for each in own):
            value = [_without_unused(each, each_page) for each, each_page in zip(own, value, strict=True)]
        kept[name] = value
    return kept
