"""A short soak: the long one is ``script/soak --minutes 60``."""

import os
import random
import sys

import pytest
from harness import Irpd, soak

pytestmark = pytest.mark.acceptance


def test_mixed_load_faults_and_kills_break_no_promise(irpd: Irpd, capsys: pytest.CaptureFixture[str]) -> None:
    seed = int(os.environ.get("IRPD_SEED", "0")) or random.SystemRandom().randint(1, 10**6)
    with capsys.disabled():
        summary = soak.run(irpd, seconds=15, seed=seed, say=lambda text: sys.stdout.write(f"\n{text}\n"))
    assert "Every promise held" in summary
