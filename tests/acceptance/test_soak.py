"""A short soak: the long one is ``script/soak --minutes 60``."""

import os
import random
from collections.abc import Callable

import pytest
from harness import Irpd, soak

pytestmark = pytest.mark.acceptance


def test_mixed_load_faults_and_kills_break_no_promise(irpd: Irpd, tell: Callable[[str], None]) -> None:
    seed = int(os.environ.get("IRPD_SEED", "0")) or random.SystemRandom().randint(1, 10**6)
    summary = soak.run(irpd, seconds=15, seed=seed, say=tell)
    assert "Every promise held" in summary
