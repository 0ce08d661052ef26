"""Units of a calibrated day as peers, peers beyond the transformer, and days that differ from the calibrated one."""

import json

import numpy as np
import pytest

from peerflex.core.errors import InputError
from peerflex.runs.area.build import build
from peerflex.runs.area.plugins import registry
from peerflex.runs.study.memory import InMemory
from peerflex.scenarios.calibrated_day import read_day
from peerflex.scenarios.load import LoadedScenario, load_scenario
from peerflex.scenarios.simbench_shapes import against_its_days, hourly_shape

BENCHMARK = "tso-dso-benchmark"
SHAPES = {"load": "mv_semiurb", "pv": "PV1", "wind": "WP4"}
YEAR_2016 = {"time.start": "2016-01-01", "units.shapes": SHAPES}


def scenario(settings: dict[str, object] | None = None) -> LoadedScenario:
    return load_scenario(BENCHMARK, [f"{key}={json.dumps(value)}" for key, value in (settings or {}).items()])


def test_the_benchmark_is_the_calibrated_day() -> None:
    area = build(scenario(), registry()).area
    day, kind = read_day(), np.array([area.behaviour_names[row] for row in area.peers.behaviour])
    assert len(area.peers) == 50
    assert {name: int((kind == name).sum()) for name in set(kind)} == {
        "loads": 22,
        "pv": 22,
        "wind": 2,
        "chp": 3,
        "grid": 1,
    }
    np.testing.assert_allclose(area.profiles.load_mw.sum(axis=1), day.column("base_load_mw"))
    np.testing.assert_allclose(
        area.profiles.pv_mw.sum(axis=1), day.column("wind_available_mw") + day.column("pv_available_mw")
    )
    np.testing.assert_allclose(
        area.profiles.load_mvar[:, kind == "loads"], 0.4 * area.profiles.load_mw[:, kind == "loads"]
    )
    np.testing.assert_allclose(
        area.profiles.load_mvar[:, kind == "wind"], -0.3 * area.profiles.pv_mw[:, kind == "wind"]
    )
    assert area.grid.buses.name[area.peers.bus[-1]] == "HV"


def test_the_market_reproduces_the_benchmark_it_was_calibrated_with() -> None:
    """In-sample, so no evidence: that orders, market, dispatch and physics do what the calibration assumed."""
    with InMemory(scenario(), registry()) as run:
        records = list(run.records())
        group = [run.area.behaviour_names[row] for row in run.area.peers.behaviour]
    energy = np.sum([record.metered_mw for record in records], axis=0)
    by_group = {name: sum(energy[row] for row, of in enumerate(group) if of == name) for name in set(group)}
    assert by_group["loads"] == pytest.approx(-357.06, abs=0.01)
    assert by_group["grid"] == pytest.approx(47.48, abs=0.01)
    assert by_group["chp"] == pytest.approx(24.09, abs=0.01)
    assert by_group["wind"] == pytest.approx(114.23, abs=0.01)
    assert by_group["pv"] == pytest.approx(171.26, abs=0.01)
    welfare = sum(
        float(
            (
                -record.decision.result.accepted_mw
                * (
                    record.decision.orders.side * record.decision.orders.true_eur_per_mwh
                    + record.decision.orders.slope_eur_per_mwh2 * record.decision.result.accepted_mw / 2
                )
            ).sum()
        )
        for record in records
    )
    assert welfare == pytest.approx(21_948.5, abs=1)


def test_a_fact_that_is_multiplied_moves_what_it_should() -> None:
    usual, more = (build(scenario(s), registry()).area for s in ({}, {"units.factors": {"wind_available_mw": 1.1}}))
    wind = usual.peers.behaviour == usual.behaviour_names.index("wind")
    np.testing.assert_allclose(more.profiles.pv_mw[:, wind], 1.1 * usual.profiles.pv_mw[:, wind])
    np.testing.assert_allclose(more.peers.pv_mw[wind], 1.1 * usual.peers.pv_mw[wind])
    np.testing.assert_array_equal(more.profiles.load_mw, usual.profiles.load_mw)


@pytest.mark.once
def test_shapes_keep_the_calibrated_day_as_the_usual_one() -> None:
    area = build(scenario({"time.hours": 8784} | YEAR_2016), registry()).area
    day = read_day()
    load = area.profiles.load_mw.sum(axis=1).reshape(-1, 24)
    np.testing.assert_allclose(load.mean(axis=0), day.column("base_load_mw"))
    sun = area.peers.behaviour == area.behaviour_names.index("pv")
    best = area.profiles.pv_mw[:, sun].sum(axis=1).reshape(-1, 24).max(axis=0)
    assert np.all(best <= day.column("pv_available_mw") * (1 + 1e-12))
    assert best.max() == pytest.approx(day.column("pv_available_mw").max())
    assert len(np.unique(load.round(9))) > 8000  # distinct hours


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        ({"time.step_minutes": 15}, "time.step_minutes"),
        ({"units.factors": {"wind": 1.1}}, "units.factors.wind"),
        ({"units.factors": {"load_node": 1.1}}, "units.factors.load_node"),
        ({"grid.code": "case33bw"}, "units.day"),
        ({"units.shapes": SHAPES}, "time.start"),
        (YEAR_2016 | {"units.shapes": SHAPES | {"load": "H0-X"}}, "units.shapes.load"),
        (YEAR_2016 | {"units.shapes": SHAPES | {"wind": "PV0"}}, "units.shapes.wind"),
        (YEAR_2016 | {"time.hours": 9000}, "time.start"),
    ],
)
def test_what_does_not_fit_is_refused(settings: dict[str, object], where: str) -> None:
    with pytest.raises(InputError) as refusal:
        build(scenario(settings), registry())
    assert where in refusal.value.problem.where


def test_a_shape_is_compared_with_its_own_days() -> None:
    two_days = np.concatenate([np.zeros(12), np.ones(12), np.zeros(12), np.full(12, 3.0)])
    assert against_its_days(two_days, "mean").tolist() == [1.0] * 12 + [0.5] * 12 + [1.0] * 12 + [1.5] * 12
    assert against_its_days(two_days, "best").max() == 1.0
    assert hourly_shape("res", "WP4", "here").min() >= 0.0


def test_a_market_that_sees_one_price_an_order_is_no_market_for_elastic_peers() -> None:
    with pytest.raises(InputError) as refusal:
        build(scenario({"market.p2p": {"kind": "uniform-auction"}}), registry())
    assert refusal.value.problem.where.endswith("market.p2p")
