"""Post-incident reports: which levels have one, by when, and what follows when it is late."""

from pydantic import Field

from irpd.config.base import Value
from irpd.config.duration import Duration

YEAR = 366 * 86400.0


class ReportWithin(Value):
    """By level; ``0s``: never."""

    critical: Duration = Field(3 * 86400.0, ge=0, le=YEAR, description="Level 1.")
    high: Duration = Field(5 * 86400.0, ge=0, le=YEAR, description="Level 2.")
    medium: Duration = Field(10 * 86400.0, ge=0, le=YEAR, description="Level 3.")
    low: Duration = Field(0.0, ge=0, le=YEAR, description="Level 4.")


class ReviewWithin(Value):
    """By level; ``0s``: never."""

    critical: Duration = Field(5 * 86400.0, ge=0, le=YEAR, description="Level 1.")
    high: Duration = Field(7 * 86400.0, ge=0, le=YEAR, description="Level 2.")
    medium: Duration = Field(0.0, ge=0, le=YEAR, description="Level 3.")
    low: Duration = Field(0.0, ge=0, le=YEAR, description="Level 4.")


class Reports(Value):
    within: ReportWithin = Field(
        ReportWithin(),
        description="How long after an incident's end its report is due. `0s`: it needs none.",
    )
    review_within: ReviewWithin = Field(
        ReviewWithin(),
        description="How long after it the people involved meet over it. `0s`: they needn't.",
    )
    escalate_after: Duration = Field(
        2 * 86400.0, gt=0, description="What is overdue for so long others than its owner hear of."
    )

    def of(self, level: int) -> float:
        """Seconds after its end by which the report of an incident of this level is due; 0: none is."""
        return _of(self.within, level)

    def review_of(self, level: int) -> float:
        return _of(self.review_within, level)

    @property
    def otherwise(self) -> float:
        """For a report that was asked of an incident that needn't have one."""
        return max(self.within.medium, 86400.0)


def _of(times: ReportWithin | ReviewWithin, level: int) -> float:
    return (times.critical, times.high, times.medium, times.low)[level - 1]
