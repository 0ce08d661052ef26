"""What a run carries comes back from a checkpoint to its last bit."""

import json
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from peerflex.core.arrays import Bools, Floats, Ints
from peerflex.core.errors import InputError
from peerflex.core.network import GridState
from peerflex.core.people import PeerState
from peerflex.runs.log.checkpoint import decode, encode
from tests import logs

FLOATS = st.floats(width=64)


@dataclass(frozen=True, slots=True)
class Anything:
    columns: Floats
    rows: Ints
    flags: Bools
    number: float
    count: int
    said: str
    sure: bool
    names: tuple[str, ...]
    pair: tuple[int, float]
    state: PeerState | None


ANYTHING = st.builds(
    Anything,
    columns=arrays(np.float64, st.tuples(st.integers(0, 4), st.integers(0, 4)), elements=FLOATS),
    rows=arrays(np.int64, st.integers(0, 5)),
    flags=arrays(np.bool_, st.integers(0, 5)),
    number=FLOATS,
    count=st.integers(),
    said=st.text(st.characters(exclude_categories=("Cs",))),
    sure=st.booleans(),
    names=st.lists(st.text("ab ")).map(tuple),
    pair=st.tuples(st.integers(), FLOATS),
    state=st.none() | st.builds(PeerState, arrays(np.float64, st.integers(0, 3), elements=FLOATS)),
)


def same(left: object, right: object) -> bool:
    if isinstance(left, np.ndarray) and isinstance(right, np.ndarray):
        alike = left.dtype == right.dtype and left.shape == right.shape
        return alike and all(same(a, b) for a, b in zip(left.ravel().tolist(), right.ravel().tolist(), strict=True))
    if isinstance(left, float) and isinstance(right, float):
        return left.hex() == right.hex()  # tells minus zero from zero, and NaN is NaN
    if isinstance(left, tuple) and isinstance(right, tuple):
        return len(left) == len(right) and all(same(a, b) for a, b in zip(left, right, strict=True))
    if hasattr(left, "__dataclass_fields__"):
        return type(left) is type(right) and all(
            same(getattr(left, field.name), getattr(right, field.name))
            for field in fields(left)  # type: ignore[arg-type]
        )
    return type(left) is type(right) and left == right


@given(ANYTHING)
@settings(max_examples=100, deadline=None)
def test_back_and_forth_changes_no_bit(value: Anything) -> None:
    text = json.dumps(encode(value), allow_nan=False)
    assert same(decode(Anything, json.loads(text)), value)


def test_a_grid_state_comes_back() -> None:
    carried = logs.Carried(PeerState(np.array([0.1, -0.0])), logs.grid_state(np.random.default_rng(1)))
    assert same(decode(logs.Carried, json.loads(json.dumps(encode(carried)))), carried)
    assert same(decode(logs.Carried, encode(logs.begin(3))), logs.begin(3))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda c: c.pop("measured"),
        lambda c: c.update(more=1),
        lambda c: c["peers"].update(soc_mwh=[1.0]),
        lambda c: c["peers"]["soc_mwh"].update(shape=[7]),
        lambda c: c["peers"]["soc_mwh"].update(dtype="object"),
        lambda c: c["peers"]["soc_mwh"].update(values="0x1.0p+0 what"),
        lambda c: c["measured"].update(iterations="3"),
        lambda c: c["measured"].update(loss_mw=None),
        lambda c: c.update(peers=None),
    ],
)
def test_what_is_not_of_the_type_is_refused(spoil: object) -> None:
    content = encode(logs.Carried(PeerState(np.ones(2)), logs.grid_state(np.random.default_rng(1))))
    spoil(content)  # type: ignore[operator]
    with pytest.raises(InputError, match="does not hold a Carried"):
        decode(logs.Carried, content)


@pytest.mark.parametrize("value", [np.zeros(2, dtype=np.float32), {"a": 1}, object(), np.array(["a"])])
def test_only_columns_and_scalars_can_be_carried(value: npt.NDArray[np.float32] | object) -> None:
    with pytest.raises(TypeError, match="a checkpoint cannot hold"):
        encode(value)


def test_the_state_of_the_grid_has_no_field_that_cannot_be_carried() -> None:
    state = logs.grid_state(np.random.default_rng(2))
    assert encode(state).keys() == {field.name for field in fields(GridState)}
