"""kill -9 at every named point and anywhere, under load: nothing accepted is lost, no page either."""

import os
import random
from collections import Counter
from collections.abc import Callable

import pytest
from harness import Irpd, crash, eventually, firing, promises

pytestmark = pytest.mark.acceptance


@pytest.mark.parametrize("point", crash.POINTS)
def test_killed_at_a_named_point_nothing_accepted_is_lost_and_the_page_goes_out(
    irpd: Irpd, point: str
) -> None:
    irpd.configure(wait="10m")
    # The first commits are irpd's own (it records that it started): kill in those of the alert.
    irpd.start()
    assert irpd.stop() == 0
    commits = 3 if point.endswith("commit") else 1
    irpd.start(kill_at=f"{point}:{commits}")
    accepted = []
    for n in range(5):
        try:
            irpd.post("alertmanager", firing("Kill", n, environment=f"env-{n}"))
            accepted.append(n)
        except OSError:
            break
    assert irpd.ended() == -9
    unsure = {page["id"] for page in irpd.pages()} - promises.delivered(irpd.state / "irpd.db")
    irpd.start()
    for n in range(5):  # as a sender does: again until it is accepted
        irpd.post("alertmanager", firing("Kill", n, environment=f"env-{n}"))
    paged = eventually(
        lambda: {p["incident"]["id"] for p in irpd.pages()} >= set(range(1, 6)) and irpd.pages(),
        what="a page for each of the five incidents",
    )
    assert irpd.json("incident", "list")["total"] == 5
    times = Counter(page["id"] for page in paged)
    # Twice only what had been sent and not recorded when it died, which may be several at once.
    assert {page for page, n in times.items() if n > 1} <= unsure, "a page came twice without need"
    assert max(times.values()) <= 2
    assert not unsure or point != "before-send"
    assert irpd.stop() == 0
    irpd.cli("journal", "check", "--journal", str(irpd.state / "irpd.db"))
    irpd.cli("audit", "verify", "--journal", str(irpd.state / "irpd.db"))


@pytest.mark.parametrize("half", [1, 2])
def test_killed_again_and_again_under_load(irpd: Irpd, half: int, tell: Callable[[str], None]) -> None:
    seed = int(os.environ.get("IRPD_SEED", "0")) or random.SystemRandom().randint(1, 10**6)
    tell(f"killing with seed {seed}")
    hits = crash.run(irpd, rounds=10, seed=seed)
    tell("killed: " + ", ".join(f"{window} {n}" for window, n in hits.items()))
    assert sum(hits.values()) >= 10


def test_two_daemons_never_share_a_journal(irpd: Irpd) -> None:
    irpd.start()
    (irpd.folder / "second").mkdir()
    second = Irpd(irpd.folder / "second")
    second.state = irpd.state
    process = second.spawn()
    assert process.wait(timeout=30) == 75, second.log_tail()
    assert str(irpd.process.pid) in second.log_tail()  # type: ignore[union-attr]


def test_sigterm_drains_and_exits_0(irpd: Irpd) -> None:
    irpd.start()
    irpd.post("alertmanager", firing())
    assert irpd.stop() == 0
    assert not (irpd.folder / "irpd.sock").exists()


def test_a_second_daemon_takes_nobody_elses_socket(irpd: Irpd) -> None:
    irpd.start()
    (irpd.folder / "second").mkdir()
    second = Irpd(irpd.folder / "second")
    process = second.spawn(env={"RUNTIME_DIRECTORY": str(irpd.folder)})
    assert process.wait(timeout=30) == 71, second.log_tail()
    assert "another irpd answers" in second.log_tail()
    assert irpd.json("incident", "list")["total"] == 0
