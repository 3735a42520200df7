"""What every value of the configuration is made of: its base and the types that many share."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
LevelName = Literal["critical", "high", "medium", "low"]
LevelNumber = Annotated[int, Field(ge=1, le=4)]
Weekday = Literal["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]

LEVEL_NAMES: tuple[LevelName, ...] = ("critical", "high", "medium", "low")


class Value(BaseModel):
    """Base: frozen, unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)
