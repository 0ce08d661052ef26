"""What the keys of scenario and study files have in common: kinds of values with their ranges, and strictness."""

from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, WithJsonSchema
from pydantic_core import PydanticCustomError

SLUG = r"^[a-z0-9]+(-[a-z0-9]+)*$"
FIRST_YEAR, LAST_YEAR = 1900, 2200

Slug = Annotated[str, Field(pattern=SLUG, max_length=60)]
Share = Annotated[float, Field(ge=0, le=1)]
Factor = Annotated[float, Field(ge=0, le=50)]
Error = Annotated[float, Field(ge=0, le=1)]
Price = Annotated[float, Field(ge=-500, le=5000)]
VoltageLimit = Annotated[float, Field(ge=0.7, le=1.3)]


SINCE: Final[dict[str, JsonValue]] = {"since": "frozen studies"}
"""Keys that came later: hashes of frozen studies leave them out where they are not used."""


def wrong(field: str, what: str, remedy: str) -> PydanticCustomError:
    """Return the error of a check across fields; ``field`` is relative to the section that raises it."""
    return PydanticCustomError("across_fields", "{what}", {"field": field, "what": what, "remedy": remedy})


def _number_as_name(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _moment(value: Any) -> datetime:
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if not isinstance(value, datetime) or value.tzinfo is not None:
        raise ValueError("not a date, or date and time, without time zone")
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise ValueError(f"the year is not from {FIRST_YEAR} to {LAST_YEAR}")
    return value


BusName = Annotated[str, BeforeValidator(_number_as_name), WithJsonSchema({"type": ["string", "integer"]})]
Start = Annotated[datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string"})]


class Section(BaseModel):
    """A part of a scenario: nobody edits it, and a key it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
