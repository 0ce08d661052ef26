"""Which verdicts survive when one assumption at a time is changed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from peerflex.runs.study.by_scenario import by_scenario
from peerflex.runs.study.criteria import CALIBRATED
from peerflex.runs.study.result import StudyResult

ROBUSTNESS_COLUMNS = ("what", "variation", "holds", "measured", "required")
UNCHANGED = "unchanged"
SURVIVAL = ("verdict", "kind", UNCHANGED, "survives", "broken by")
KINDS = ("criterion", "evidence", CALIBRATED)
MOST_COLUMNS = 12
"""Variations that fit beside each other on a page; the CSV has any number."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A criterion, or a published value that nothing was calibrated with, under one variation.

    ``kind`` is criterion or evidence, or calibrated (a criterion that parameters were chosen with). ``measured`` is the
    criterion's measured value (``required`` what it must reach), or the published value's percentile (of one seed: our
    difference to it); None where there is none.
    """

    what: str
    kind: str
    variation: str
    holds: bool
    measured: float | None
    required: float | None
    what_is_measured: str = "P"

    @property
    def in_words(self) -> str:
        measured = "-" if self.measured is None else f"{self.measured:.3g}"
        if self.required is None:
            return f"{'matched' if self.holds else 'not matched'} ({self.what_is_measured}{measured})"
        return f"{'holds' if self.holds else 'does not hold'} ({measured})"


def verdicts(result: StudyResult) -> dict[str, tuple[Verdict, ...]]:
    """Return the verdicts by what they are about, each as the study is and then with every variation."""
    found: dict[str, tuple[Verdict, ...]] = {}
    for judged in result.criteria:
        if judged.name != "frozen":
            kind = CALIBRATED if judged.calibrated else "criterion"
            at = judged.point or UNCHANGED
            verdict = Verdict(judged.name, kind, at, judged.holds, judged.measured, judged.required)
            found[judged.name] = (*found.get(judged.name, ()), verdict)
    for row in result.rows:
        if row.published is not None and not row.in_sample and not row.must_match:  # that is a criterion
            hour = "" if row.hour_in_print is None else f" in hour {row.hour_in_print}"
            what = f"{row.scenario}: {row.kpi}{hour} = {row.as_printed}"
            place, told = (row.difference, "difference ") if by_scenario(result) else (row.percentile, "P")
            at = row.point or UNCHANGED
            verdict = Verdict(what, "evidence", at, row.verdict == "matched", place, None, told)
            found[what] = (*found.get(what, ()), verdict)
    return found


def robustness_rows(result: StudyResult) -> Iterator[tuple[object, ...]]:
    """Yield the rows of ``tables/robustness.csv``."""
    for each in verdicts(result).values():
        yield from ((one.what, one.variation, one.holds, one.measured, one.required) for one in each)


def survivors(result: StudyResult) -> str:
    """Return one sentence: what holds whatever is varied, what never does, and what depends on it."""
    told = [f"{len(names)} {kind} ({', '.join(names) or 'none'})" for kind, names in _kinds(result).items()]
    return f"Of {len(verdicts(result))} verdicts, over {len(result.variations)} variations: {'; '.join(told)}."


def _kinds(result: StudyResult) -> dict[str, list[str]]:
    kinds: dict[str, list[str]] = {"hold throughout": [], "hold nowhere": [], "depend on an assumption": []}
    for what, each in verdicts(result).items():
        holds = [one.holds for one in each]
        kind = "hold throughout" if all(holds) else "depend on an assumption" if any(holds) else "hold nowhere"
        kinds[kind].append(what)
    return kinds


def robustness_page(result: StudyResult) -> str:
    """Return ``robustness.md``."""
    lines = [f"# Robustness of {result.study.title or result.study.name}", ""]
    lines += [f"Seeds {result.study.seeds}. One assumption changed at a time; measured values in brackets.", ""]
    lines += [f"{in_one_line(result)}.", ""]
    lines += ["| " + " | ".join(SURVIVAL) + " |", "|---" * len(SURVIVAL) + "|"]
    lines += ["| " + " | ".join(claim) + " |" for claim in claims(result)]
    if len(result.variations) <= MOST_COLUMNS:
        names = [UNCHANGED, *result.variations]
        lines += ["", "| verdict | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
        lines += [
            f"| {what} | " + " | ".join(one.in_words for one in each) + " |" for what, each in verdicts(result).items()
        ]
    told = (each for each in result.study.every_variation if each.name in result.variations)
    lines += ["", *(f"- {each.name}: {_change(each.set)}" for each in told), ""]
    lines += [_listed(result)] if by_scenario(result) else [survivors(result)]
    return "\n".join([*lines, ""])


def in_one_line(result: StudyResult) -> str:
    """Return in one line how many verdicts hold whatever is varied, kind by kind, of those that hold unvaried."""
    told = []
    for kind in KINDS:
        each = [every for every in verdicts(result).values() if every[0].kind == kind]
        own = [every for every in each if every[0].holds]
        throughout = sum(all(one.holds for one in every) for every in own)
        if each:
            told.append(f"{kind}: {len(own)} of {len(each)} hold, {throughout} of these under every variation")
    return f"Over {len(result.variations)} variations, {'; '.join(told)}"


def _listed(result: StudyResult) -> str:
    """Return what holds throughout, what depends on an assumption and what never holds, one a line."""
    lines = []
    for kind, names in _kinds(result).items():
        lines += [f"## {len(names)} {kind}", "", *(f"- {name}" for name in names), ""]
    return "\n".join(lines).rstrip()


def claims(result: StudyResult) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield every verdict with its kind, how it is, how many variations it survives, and which break it.

    One that does not hold as the study is has nothing to survive: then those that mend it are named.
    """
    for what, (own, *varied) in verdicts(result).items():
        same = [one.variation for one in varied if one.holds == own.holds]
        others = ", ".join(one.variation for one in varied if one.holds != own.holds)
        if own.holds:
            yield what, own.kind, own.in_words, f"{len(same)} of {len(varied)}", others or "none"
        else:
            yield what, own.kind, own.in_words, "-", f"none; holds with {others}" if others else "none; holds with none"


def _change(settings: Mapping[str, object]) -> str:
    return ", ".join(f"`{key}: {value}`" for key, value in settings.items())
