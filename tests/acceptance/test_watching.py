"""irpd watched from outside: a dead man's switch hears from it exactly as long as it does its job."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Irpd, eventually, firing
from harness.peers import Switch

pytestmark = pytest.mark.acceptance

#: Stalled after two seconds, unwell after two, as in the tests of process faults.
IMPATIENT = """
from irpd.daemon.watchdog import Watchdog
Watchdog.__init__.__kwdefaults__["stalled_after"] = 2.0
import irpd.daemon.alive as alive
alive.FRESH, alive.UNWELL_AFTER = 3.0, 2.0
"""
WEDGED_DELIVERY = """
import irpd.outbox.outbox as o, asyncio
async def run(self):
    self._engine.on_publish(self._published)
    await asyncio.Event().wait()
o.Outbox.run = run
"""


@pytest.fixture
def switch() -> Iterator[Switch]:
    one = Switch()
    yield one
    one.close()


def watched(irpd: Irpd, switch: Switch) -> None:
    irpd.configure(wait="10m", more=f"watching: {{report: [{{url: '{switch.url}', every: 1s}}]}}\n")


def silent(switch: Switch, *, within: float = 20.0) -> None:
    """It stops hearing: nothing for three of its periods."""
    eventually(lambda: time.monotonic() - switch.heard[-1].at > 3.0, within=within, what="silence")


def test_the_switch_goes_silent_when_delivery_stalls_though_the_process_lives(
    irpd: Irpd, switch: Switch
) -> None:
    watched(irpd, switch)
    irpd.start(planted=IMPATIENT + WEDGED_DELIVERY)
    eventually(lambda: len(switch.heard) > 2, what="reports while there is nothing to deliver")
    irpd.post("alertmanager", firing())
    silent(switch)
    assert irpd.get("/healthz")[0] == 200
    assert irpd.logged("switches-starved")[0]["why"] == "stalled: delivery"
    irpd.kill()
    heard = len(switch.heard)
    irpd.start()
    eventually(lambda: "asha" in irpd.paged(), what="the page that was owed")
    eventually(lambda: len(switch.heard) > heard, what="reports again")
    assert irpd.metric(f'irpd_switch_reports_total{{outcome="ok",to="{switch.host}"}}') >= 1


def test_the_switch_goes_silent_while_the_journal_cannot_be_written(irpd: Irpd, switch: Switch) -> None:
    watched(irpd, switch)
    broken = irpd.folder / "broken"
    irpd.start(planted=IMPATIENT + journal_broken_while(broken))
    eventually(lambda: switch.heard, what="the first report")
    broken.touch()
    status = irpd.request("POST", "/webhook/alertmanager", b'{"alerts": []}')[0]
    assert status == 503
    silent(switch)
    assert "journal" in irpd.logged("switches-starved")[0]["why"]
    broken.unlink()
    heard = len(switch.heard)
    eventually(lambda: len(switch.heard) > heard, what="reports again")
    assert irpd.logged("switches-fed-again")


def journal_broken_while(file: Path) -> str:
    return f"""
import irpd.journal.sqlite as j
from pathlib import Path
from irpd.engine.ports import JournalUnavailable
def breaking(real):
    def call(self, *about, **more):
        if Path({str(file)!r}).exists():
            raise JournalUnavailable("planted")
        return real(self, *about, **more)
    return call
j.SqliteJournal.commit = breaking(j.SqliteJournal.commit)
j.SqliteJournal.reconnect = breaking(j.SqliteJournal.reconnect)
"""


def test_a_switch_that_is_gone_pages_nobody_and_a_reload_takes_another(irpd: Irpd, switch: Switch) -> None:
    gone = Switch()
    gone.close()
    watched(irpd, gone)
    irpd.start()
    eventually(lambda: irpd.logged("switch-not-reached"), what="the line in the log")
    failed = f'irpd_switch_reports_total{{outcome="failed",to="{gone.host}"}}'
    eventually(lambda: irpd.metric(failed) > 1, what="further attempts")
    watched(irpd, switch)
    irpd.cli("reload", "--wait")
    eventually(lambda: switch.heard, what="reports to the switch of the new configuration")
    attempts = irpd.metric(failed)
    threading.Event().wait(1.5)
    assert irpd.metric(failed) == attempts, "the switch that was taken out is still asked"
    assert len(irpd.logged("switch-not-reached")) == 1
    assert irpd.json("incident", "list")["incidents"] == []
