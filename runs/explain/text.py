"""Numbers and sentences of explanations, for a terminal and a browser alike."""

from math import isnan

from peerflex.core.units import KW_PER_MW
from peerflex.runs.explain.types import Cause, Explanation, Figures, Outcome

CRUMB = 1e-9
"""A sensitivity below this is rounding."""
KW_BELOW_MW = 1.0
"""Power below this is told in kW."""


MOST_DIGITS = 10


def power(mw: float, digits: int = 4) -> str:
    """Return a power with the unit that suits it."""
    return f"{mw:.{digits}g} MW" if abs(mw) >= KW_BELOW_MW else f"{mw * KW_PER_MW:.{digits}g} kW"


def money(eur_per_mwh: float, digits: int = 4) -> str:
    """Return a price."""
    return "no price" if isnan(eur_per_mwh) else f"{eur_per_mwh:.{digits - 2}f} EUR/MWh"


def outcome(decided: Outcome, digits: int = 4) -> str:
    """Return what was decided in words."""
    if isnan(decided.quantity_mw):
        return money(decided.price_eur_per_mwh, digits)
    if isnan(decided.price_eur_per_mwh):
        return power(decided.quantity_mw, digits)
    return f"{power(decided.quantity_mw, digits)} at {money(decided.price_eur_per_mwh, digits)}"


def measured(value: float, unit: str) -> str:
    """Return a value with its unit; '' for none. A loading is a fraction, told in per cent."""
    if isnan(value):
        return ""
    if abs(value) < CRUMB:
        return f"0 {unit}"
    if unit == "EUR/MWh":
        return money(value)
    return f"{100.0 * value:.1f} %" if unit == "%" else f"{value:.4g} {unit}".rstrip()


def sentence(cause: Cause) -> str:
    """Return how a cause works, and what would have been without it, in as many digits as it takes to tell apart."""
    for digits in range(4, MOST_DIGITS):
        decided, instead = outcome(cause.decided, digits), outcome(cause.instead, digits)
        if decided != instead:
            break
    return f"{cause.because} {cause.otherwise}: {instead} instead of {decided}."


def lines(explanation: Explanation) -> list[str]:
    """Return an explanation as lines of text: sentences, then a table of its causes and of what changes nothing."""
    if explanation.parts:
        of_parts = {sentence for part in explanation.parts for sentence in part.answer}
        own = [sentence for sentence in explanation.answer if sentence not in of_parts]
        blocks = [*map(lines, explanation.parts), *([own] if own else [])]
        return [line for block in blocks for line in ("", *block)][1:]
    told = [*explanation.answer, *map(sentence, explanation.causes)]
    if not explanation.causes:
        return told
    table = [
        ("cause", "value", "against", "multiplier", "per MW here", "message", "without it"),
        *map(_row, explanation.causes),
    ]
    table += [_row(other, "changes nothing") for other in explanation.others]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    used = [column for column, width in enumerate(widths) if any(row[column] for row in table[1:]) and width]
    return [*told, "", *("  ".join(row[each].ljust(widths[each]) for each in used).rstrip() for row in table)]


def _row(cause: Cause, instead: str = "") -> tuple[str, ...]:
    figures: Figures = cause.figures
    multiplier = "" if isnan(figures.multiplier_eur_per_mwh) else money(figures.multiplier_eur_per_mwh)
    return (
        cause.name,
        measured(figures.value, figures.unit),
        measured(figures.limit, figures.unit),
        multiplier,
        measured(figures.sensitivity, figures.sensitivity_unit),
        cause.message,
        instead or outcome(cause.instead),
    )
