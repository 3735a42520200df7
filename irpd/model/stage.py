"""The stages of an incident's response, in the protocol's order."""

from enum import StrEnum


class Stage(StrEnum):
    DETECTION = "detection"
    TRIAGE = "triage"
    INVESTIGATION = "investigation"
    CONTAINMENT = "containment"
    RESOLUTION = "resolution"
    RECOVERY = "recovery"
    POST_INCIDENT = "post-incident"

    @property
    def order(self) -> int:
        """0 for the first; a move to a higher one is a move forward."""
        return _ORDER[self]


_ORDER = {stage: n for n, stage in enumerate(Stage)}
