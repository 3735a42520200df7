"""The process stopped and let go, clocks set, delivery wedged: time lies, nobody is paged twice for it."""

import json
import signal
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from harness import Irpd, eventually, firing
from harness.peers import Supervisor

pytestmark = pytest.mark.acceptance

#: The watchdog calls something stalled after two seconds instead of fifteen.
IMPATIENT = """
from irpd.daemon.watchdog import Watchdog
Watchdog.__init__.__kwdefaults__["stalled_after"] = 2.0
"""


def stopped(irpd: Irpd, seconds: float) -> None:
    """SIGSTOP, so many seconds, SIGCONT."""
    assert irpd.process is not None
    irpd.process.send_signal(signal.SIGSTOP)
    time.sleep(seconds)  # the fault itself is a time
    irpd.process.send_signal(signal.SIGCONT)


def test_stopped_for_some_steps_it_fires_one_missed_step_and_pages_nobody_twice(irpd: Irpd) -> None:
    irpd.configure(wait="2s")
    irpd.start()
    irpd.post("alertmanager", firing())
    eventually(lambda: irpd.paged() == ["asha"], what="the first page")
    stopped(irpd, 5)  # the steps at 2 and 4 s are missed
    let_go = datetime.now(UTC)
    eventually(lambda: len(irpd.paged()) > 2, what="the missed step, and the one after it")
    pages = sorted(irpd.json("page", "list")["pages"], key=lambda page: page["requested_at"])
    assert [page["person"] for page in pages][:3] == ["asha", "chi", "asha"]
    missed, following = (datetime.fromisoformat(page["requested_at"]) for page in pages[1:3])
    assert missed - let_go < timedelta(seconds=3), "the missed step didn't fire at once"
    assert following - missed > timedelta(seconds=1.5), "a second missed step fired at once"
    assert irpd.post("alertmanager", firing())["incidents"] == [1]
    irpd.cli("ack", "1", "--as", "asha")
    assert max(Counter(page["id"] for page in irpd.pages()).values()) == 1
    assert irpd.stop() == 0
    irpd.sound()


def test_what_was_posted_while_it_stood_still_is_taken_in_when_it_goes_on(irpd: Irpd) -> None:
    irpd.configure(wait="10m")
    irpd.start()
    assert irpd.process is not None
    irpd.process.send_signal(signal.SIGSTOP)
    with pytest.raises(TimeoutError):
        irpd.request("POST", "/webhook/alertmanager", b"{}", timeout=0.5)
    irpd.process.send_signal(signal.SIGCONT)
    irpd.post("alertmanager", firing())
    eventually(lambda: "asha" in irpd.paged(), what="the page")
    assert irpd.stop() == 0
    irpd.sound()


def test_a_process_that_was_stopped_is_not_called_stalled(irpd: Irpd, supervisor: Supervisor) -> None:
    irpd.configure(wait="10m")
    irpd.start(planted=IMPATIENT, env=supervisor.env)
    eventually(lambda: supervisor.fed() > 1, what="the watchdog to be fed")
    stopped(irpd, 4)
    let_go = time.monotonic()
    eventually(lambda: supervisor.fed(since=let_go) > 1, what="the watchdog to be fed again")
    assert not irpd.logged("stalled")
    assert irpd.get("/readyz")[0] == 200


# ------------------------------------------------------------------ what doesn't move on
WEDGED = {
    "delivery": """
import irpd.outbox.outbox as o, asyncio
async def run(self):
    self._engine.on_publish(self._published)
    await asyncio.Event().wait()
o.Outbox.run = run
""",
    "engine": """
import irpd.engine.engine as e, asyncio
real = e.Engine._assemble
def assemble(self, *about, **more):
    if any("Wedge" in repr(item.what) for item in self._inbox.normal):
        self._one_batch = forever
    return real(self, *about, **more)
async def forever(): await asyncio.Event().wait()
e.Engine._assemble = assemble
""",
    "loop": """
import irpd.web.webhook as w, time
real = w.Webhook._unknown
def unknown(self, request):
    time.sleep(5)
    return real(self, request)
w.Webhook._unknown = unknown
""",
}


@pytest.mark.parametrize("what", WEDGED)
def test_what_is_wedged_starves_the_watchdog_and_is_told(
    irpd: Irpd, supervisor: Supervisor, what: str
) -> None:
    irpd.configure(wait="10m")
    irpd.start(planted=IMPATIENT + WEDGED[what], env=supervisor.env)
    eventually(lambda: supervisor.fed() > 2, what="the watchdog to be fed while all is well")
    assert any("READY=1" in text for _, text in supervisor.heard)
    if what == "loop":
        with pytest.raises(TimeoutError):
            irpd.request("POST", "/webhook/nobody", b"{}", timeout=1)
    else:
        irpd.post("alertmanager", firing("Wedge"))
    if what == "engine":
        with pytest.raises(TimeoutError):
            irpd.request("POST", "/webhook/alertmanager", b"{}", timeout=1)
    eventually(lambda: irpd.logged("stalled"), what="the line in the log")
    assert what in irpd.logged("stalled")[0]["what"]
    wedged = time.monotonic()
    if what == "loop":  # it comes back by itself
        eventually(lambda: irpd.logged("progressing-again"), what="the line when it moves on")
        eventually(lambda: supervisor.fed(since=wedged) > 1, what="the watchdog to be fed again")
        return
    assert not irpd.check_of("progress")["ok"]
    assert what in irpd.check_of("progress")["detail"]
    assert irpd.get("/readyz")[0] == 503
    assert irpd.metric('irpd_check_ok{check="progress"}') == 0
    if what == "delivery":
        assert irpd.metric("irpd_oldest_pending_page_seconds") > 1
    assert irpd.get("/healthz")[0] == 200
    eventually(lambda: time.monotonic() - wedged > 2.5, what="some periods of the watchdog")
    assert supervisor.fed(since=wedged + 0.5) == 0, "the watchdog was fed although something is wedged"
    # The supervisor kills it; what is owed goes out after the start.
    irpd.kill()
    irpd.start()
    eventually(lambda: "asha" in irpd.paged(), what="the page that was owed")


# ------------------------------------------------------------------ clocks
def clock(file: Path, *, believe_after: float) -> str:
    """The wall clock is off by what stands in ``file``."""
    return f"""
import time, irpd.engine.clock as c
from pathlib import Path
def wall():
    try: return time.time() + float(Path({str(file)!r}).read_text() or 0)
    except OSError: return time.time()
c.SystemClock.__init__.__kwdefaults__["wall"] = wall
c.BELIEVE_AFTER = {believe_after}
import irpd.engine.timer as t
t.LOOK_AGAIN = 0.5
"""


def test_one_bad_reading_of_the_wall_clock_fires_and_expires_nothing(irpd: Irpd, tmp_path: Path) -> None:
    offset = tmp_path / "offset"
    irpd.configure(wait="1h")
    irpd.start(planted=clock(offset, believe_after=60))
    irpd.post("alertmanager", firing())
    eventually(lambda: irpd.paged() == ["asha"], what="the first page")
    for n, wrong in ((2, "86400"), (3, "-86400")):
        offset.write_text(wrong)
        irpd.post("alertmanager", firing("Other", n, environment=wrong))
        eventually(lambda n=n: len(irpd.paged()) == n, what="a page under the wrong clock")
        offset.write_text("0")
    assert irpd.incident(1)["state"] == "open"
    assert irpd.paged() == ["asha"] * 3, "somebody was escalated to by a wrong clock"
    assert irpd.metric("irpd_clock_jumps_total") == 0
    opened = [irpd.incident(n)["opened_at"] for n in (1, 2, 3)]
    assert opened == sorted(opened)
    assert opened[2][:10] == opened[0][:10]
    assert irpd.stop() == 0
    irpd.sound()


def first_pages(irpd: Irpd) -> list[str]:
    """Who was paged for the first incident."""
    return [page["person"] for page in irpd.pages() if page["incident"]["id"] == 1]


@pytest.mark.parametrize("step", [7200, -7200])
def test_a_step_of_the_wall_clock_that_stays_is_told_and_fires_at_most_one_step(
    irpd: Irpd, tmp_path: Path, step: int
) -> None:
    offset = tmp_path / "offset"
    irpd.configure(wait="30m")
    irpd.start(planted=clock(offset, believe_after=2))
    irpd.post("alertmanager", firing())
    eventually(lambda: irpd.paged() == ["asha"], what="the first page")
    offset.write_text(str(step))
    eventually(lambda: irpd.metric("irpd_clock_jumps_total") == 1, what="the jump to be counted")
    told = irpd.logged("clock-jumped")
    assert [round(line["seconds"], -2) for line in told] == [step]
    irpd.post("alertmanager", firing("After", 2, environment="after"))
    eventually(lambda: len(irpd.incident(2)["title"]) > 0, what="the incident after it")
    eventually(lambda: irpd.paged().count("asha") >= 2, what="its page")
    # Two hours on, four waits of 30 minutes have passed: one step fires. Back: none, and none is lost.
    wanted = ["asha", "chi"] if step > 0 else ["asha"]
    eventually(lambda: first_pages(irpd) == wanted, what="the missed step")
    looks = time.monotonic() + 1.5
    eventually(lambda: time.monotonic() > looks, what="some looks of the timer")
    assert first_pages(irpd) == wanted
    assert irpd.incident(2)["opened_at"] > irpd.incident(1)["opened_at"], "time went back"
    irpd.cli("ack", "1", "--as", "asha")
    assert irpd.incident(1)["state"] == "acknowledged"
    assert irpd.metric("irpd_clock_jumps_total") == 1
    assert irpd.stop() == 0
    irpd.sound()


def test_a_clock_that_was_ahead_at_an_earlier_start_is_told_and_ended_by_believing_the_machines(
    irpd: Irpd, tmp_path: Path
) -> None:
    offset = tmp_path / "offset"
    planted = clock(offset, believe_after=2)
    offset.write_text("10800")
    irpd.configure(wait="1h")
    irpd.start(planted=planted)
    irpd.post("alertmanager", firing())
    eventually(lambda: irpd.paged() == ["asha"], what="the page under the wrong clock")
    assert irpd.stop() == 0
    offset.write_text("0")
    irpd.start(planted=planted)
    assert json.loads(irpd.get("/readyz")[1])["status"] == "degraded"
    assert "3 h ahead" in irpd.check_of("clock")["detail"]
    assert irpd.metric('irpd_check_ok{check="clock"}') == 0
    eventually(lambda: len(irpd.json("incident", "list")["incidents"]) == 2, what="the operators' incident")
    assert irpd.incident(2)["title"] == "irpd's time is ahead of this machine's clock"
    assert irpd.stop() == 0
    irpd.start(planted=f'{planted}\nimport sys; sys.argv.append("--believe-clock")')
    assert irpd.check_of("clock")["ok"]
    eventually(lambda: irpd.metric("irpd_clock_jumps_total") == 1, what="the jump to be recorded")
    eventually(lambda: irpd.incident(2)["signals"]["firing"] == 0, what="the condition to be over")
    irpd.post("alertmanager", firing("After", 2, environment="after"))
    ahead = datetime.fromisoformat(irpd.incident(3)["opened_at"]).timestamp() - time.time()
    assert abs(ahead) < 60
    assert irpd.stop() == 0
    irpd.start(planted=planted)
    assert irpd.check_of("clock")["ok"], "the wrong time was followed again at the next start"
    assert irpd.stop() == 0
    irpd.sound()
