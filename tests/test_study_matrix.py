"""The matrix of designs on numbers made by hand: the Pareto front, what stands aside, and the verdicts on Table 5."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from peerflex.runs.study.claims_of_models import CLAIMS, MODELS, Claim
from peerflex.runs.study.designs_picture import apart, beside, designs_figure, front
from peerflex.runs.study.matrix import SHARE, Column, Design, Matrix, with_derived
from peerflex.runs.study.table5 import findings, table5_page, verdict
from peerflex.scenarios.study_designs import Designs
from peerflex.scenarios.study_schema import Kpi

pytestmark = pytest.mark.once

NAMES = ("supplier", *MODELS.values())


def by_hand(**columns: dict[str, list[float]]) -> Matrix:
    """Return a matrix of two grids and three seeds; figures not given are NaN, and both grids have the same."""
    designs = tuple(Design(f"{grid}-{name}", grid, name) for grid in ("mv", "lv") for name in NAMES)
    nothing = [np.nan] * 3
    values = np.array([[figures.get(each.name, nothing) for figures in columns.values()] for each in designs])
    return Matrix((1, 2, 3), designs, tuple(Column(name, "1") for name in columns), values.transpose(0, 2, 1))


def test_bills_of_two_designs_are_as_on_the_page() -> None:
    """The engines burn 120 EUR in the design: their benefit is -500 - 120, after -800."""
    figures = {
        "customer_cost_eur": (1200, 1200),
        "customer_bill_eur": (1260, 1350),
        "engines_cost_eur": (800, 500),
        "engines_bill_eur": (840, 600),
        "engines_benefit_eur": (-800, -620),
    }
    kpis = tuple(
        Kpi(name=name, unit="EUR", figure=name.replace("engines_", ""), groups=("engines",))
        if name.startswith("engines")
        else Kpi(name=name, unit="EUR")
        for name in figures
    )
    values = np.array([*figures.values()], dtype=np.float64).T[:, None]
    designs = tuple(Design(f"mv-{name}", "mv", name) for name in ("supplier", "cm1"))
    columns, found = with_derived(designs, kpis, values, Designs(over={"mv": "trade-week-mv"}, presets=("CM1",)))

    last = dict(zip([column.name for column in columns], found[1, 0].tolist(), strict=True))
    assert {name: last[name] for name in last if name not in figures} == {
        "customer_saving_eur": 0.0,
        "customer_bill_saving_eur": -90.0,
        "engines_saving_eur": 300.0,
        "engines_bill_saving_eur": 240.0,
        "engines_gain_eur": 180.0,
        "engines_bill_gain_eur": 120.0,
    }
    assert not found[0, 0, len(figures) :].any()


def test_the_front_is_what_nothing_beats_in_both() -> None:
    """Of five designs: B beats C (as long, worth less), D beats nobody and is beaten by B, E has no figure."""
    hours = np.array([5.0, 0.0, 0.0, 3.0, 1.0])
    share = np.array([99.0, 90.0, 80.0, 85.0, np.nan])

    assert front(hours, share).tolist() == [1, 0]


POINTS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=20)


@given(points=POINTS)
def test_whatever_is_not_on_the_front_is_beaten_or_there_already(points: list[tuple[int, int]]) -> None:
    hours, share = np.array(points, dtype=np.float64).T
    found = front(hours, share)

    for one in found:
        assert not np.any((hours <= hours[one]) & (share >= share[one]) & ((hours < hours[one]) | (share > share[one])))
    for each in range(len(points)):
        assert np.any((hours[found] <= hours[each]) & (share[found] >= share[each]))


def test_marks_at_one_place_stand_in_a_row_and_others_where_they_are() -> None:
    aside = beside(np.array([0.0, 0.0, 9.0, 0.0]), np.array([100.0, 100.4, 100.0, 50.0]))

    assert aside.tolist() == [0.0, 8.0, 0.0, 0.0]


def test_orders_of_markets_that_make_no_difference_to_be_seen_share_a_mark() -> None:
    first = Design("mv-a", "mv", "a", "CM2")
    then, far = replace(first, name="b", sequence="iterative"), replace(first, name="c", sequence="lfm-first")
    other = replace(first, name="d", incentive="blocking")

    rows = apart([first, then, far, other], np.array([0.0, 0.0, 9.0, 0.0]), np.full(4, 100.0))

    assert rows.tolist() == [0, 2, 3]


def test_a_claim_holds_where_more_than_half_of_the_seeds_show_it() -> None:
    told = {"cm1": [9.0, 9.0, 2.0], "cm2": [5.0, 5.0, 5.0]}
    claim = Claim("CM1", "against", "peers tell the mediator much", "disclosed_values_mediator", True, "cm2")

    found = findings(by_hand(disclosed_values_mediator=told), claim)

    assert [(each.grid, each.own, each.other, each.holds, each.of) for each in found] == [
        ("mv", 9.0, 5.0, 2, 3),
        ("lv", 9.0, 5.0, 2, 3),
    ]
    assert verdict(claim, found) == "seen"
    less = Claim("CM1", "for", "the opposite", "disclosed_values_mediator", False, "cm2")
    assert verdict(less, findings(by_hand(disclosed_values_mediator=told), less)) == "not seen"


def test_a_distortion_counts_either_way_and_the_same_is_no_difference() -> None:
    claim = next(each for each in CLAIMS if each.size and each.model == "CM3")
    moved = by_hand(price_distortion_eur_per_mwh={"cm3-v2-check": [-2.0, 3.0, -1.0]})
    still = by_hand(price_distortion_eur_per_mwh={"cm3-v2-check": [0.0, 0.0, 0.0]})

    assert verdict(claim, findings(moved, claim)) == "seen"
    assert verdict(claim, findings(still, claim)) == "not seen"


def test_what_nobody_measured_is_said_so_in_table_5() -> None:
    page = table5_page(by_hand(p2p_mwh={"cm1": [1.0, 2.0, np.nan], "cm2": [0.0, 0.0, 0.0]}))

    assert (
        "| CM1 | advantage | peers trade through a mediator | `p2p_mwh` | 1.5 (2 of 2) | 1.5 (2 of 2) | seen |" in page
    )
    assert "| CM2 | advantage | peers decide for themselves | - | - | - | nothing measures it |" in page
    assert "`lfm_cost_eur` | - | - | no such figure here |" in page
    assert page.count("\n| CM") == len(CLAIMS)


def test_the_picture_has_a_panel_a_grid_and_a_mark_a_design() -> None:
    figures = {name: [float(row)] * 3 for row, name in enumerate(NAMES)}
    figure = designs_figure(by_hand(**{"violation_hours": figures, SHARE: figures}), "By hand")

    assert [axis.get_title() for axis in figure.axes] == ["mv", "lv"]
    marks = [line for line in figure.axes[0].get_lines() if line.get_linestyle() == "None"]
    assert len(marks) == len(NAMES)
