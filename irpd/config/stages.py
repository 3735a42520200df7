"""What a team changes of the protocol's stages and their checklists."""

from typing import Literal

from pydantic import Field

from irpd.config.base import LevelNumber, Name, Value


class StageItem(Value):
    """What a team asks for beside the protocol."""

    id: Name = Field(description="How commands name it.")
    stage: Literal["detection", "triage", "investigation", "containment", "resolution", "recovery"] = Field(
        description="The stage in which it is due."
    )
    title: str = Field(min_length=1, max_length=200, description="What is to be done.")
    role: str = Field("technical-lead", description="Who sees to it.")


class Stages(Value):
    """The stages of a response and their checklists, as the protocol has them but for these changes."""

    gate: tuple[LevelNumber, ...] = Field(
        (1, 2),
        description="Levels at which a stage is left only once each item of its checklist is done or set "
        "aside with a reason.",
    )
    add: tuple[StageItem, ...] = Field((), max_length=100, description="More items, after the protocol's.")
    drop: tuple[str, ...] = Field((), description="Items of the protocol that this team doesn't ask for.")
