"""What everybody sells and buys within a network's limits, by HiGHS: a rival of charges, with rows for the limits."""

from dataclasses import dataclass, fields

import highspy
import numpy as np

from peerflex.core.arrays import Floats, Ints

MOST_CUTS = 60
TIGHT = 1e-8
LEFT, SAME_WAY = 1e-11, 1e-2
"""How far beyond a circle is still on it, relative; and tangents that point the same way, in rad."""


@dataclass(frozen=True, slots=True)
class Rows:
    """``lower <= base + by_order @ x <= upper``, in MW; shapes ``(rows,)`` and ``(rows, orders)``."""

    base_mw: Floats
    by_order: Floats
    lower_mw: Floats
    upper_mw: Floats

    def and_(self, other: "Rows") -> "Rows":
        pairs = ((getattr(self, each.name), getattr(other, each.name)) for each in fields(self))
        return Rows(*(np.concatenate(pair) for pair in pairs))


def dispatch(side: Ints, value: Floats, slope: Floats, most_mw: Floats, rows: Rows) -> Floats:
    """Return the ``x`` ``(orders,)`` that maximises ``sum(value x - slope x**2 / 2)`` with ``sum(side x) = 0``."""
    n, k = len(side), len(rows.base_mw)
    program = highspy.Highs()
    program.setOptionValue("output_flag", False)
    for name in ("primal_feasibility_tolerance", "dual_feasibility_tolerance"):
        program.setOptionValue(name, TIGHT)
    model = highspy.HighsModel()
    lp, hessian, every = model.lp_, model.hessian_, np.arange(n, dtype=np.int32)
    lp.num_col_, lp.num_row_ = n, k + 1
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = -value, np.zeros(n), most_mw
    lp.row_lower_ = np.concatenate([[0.0], rows.lower_mw - rows.base_mw])
    lp.row_upper_ = np.concatenate([[0.0], rows.upper_mw - rows.base_mw])
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = np.arange(k + 2, dtype=np.int32) * n
    lp.a_matrix_.index_ = np.tile(every, k + 1)
    lp.a_matrix_.value_ = np.concatenate([side.astype(np.float64), rows.by_order.ravel()])
    hessian.dim_, hessian.format_ = n, highspy.HessianFormat.kTriangular
    hessian.start_, hessian.index_, hessian.value_ = np.arange(n + 1, dtype=np.int32), every, slope
    program.passModel(model)
    program.run()
    assert program.getModelStatus() == highspy.HighsModelStatus.kOptimal, program.getModelStatus()
    return np.array(program.getSolution().col_value)


def dispatch_in_circles(
    side: Ints, value: Floats, slope: Floats, most_mw: Floats, rows: Rows, circles: tuple[Floats, Floats, Floats]
) -> Floats:
    """Return the same where pairs of rows, along and across, lie in circles too.

    ``circles`` are the base and by order of each, ``(circles, 2)`` and ``(circles, 2, orders)``, and the radius. Where
    one is left a tangent is added, in place of those before it that point nearly the same way.
    """
    base, by_order, radius = circles
    of_circle, toward = np.zeros(0, dtype=np.int64), np.zeros((0, 2))
    for _ in range(MOST_CUTS):
        tangents = Rows(
            (toward * base[of_circle]).sum(axis=1),
            np.einsum("tc,tco->to", toward, by_order[of_circle]),
            np.full(len(of_circle), -np.inf),
            radius[of_circle],
        )
        x = dispatch(side, value, slope, most_mw, rows.and_(tangents))
        point = base + by_order @ x
        length = np.hypot(*point.T)
        beyond = np.flatnonzero(length > radius * (1 + LEFT))
        if not len(beyond):
            return x
        new = point[beyond] / length[beyond, None]
        apart = np.linalg.norm(toward[:, None] - new, axis=2) > SAME_WAY
        kept = np.flatnonzero((apart | (of_circle[:, None] != beyond)).all(axis=1))
        of_circle, toward = np.concatenate([of_circle[kept], beyond]), np.concatenate([toward[kept], new])
    raise AssertionError("tangents do not come to an end")
