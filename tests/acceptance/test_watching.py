"""irpd watched from outside: a dead man's switch hears from it exactly as long as it does its job."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness import Alertmanager, Irpd, eventually, firing, free_port
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


def watched(irpd: Irpd, url: str) -> None:
    irpd.configure(wait="10m", more=f"watching: {{report: [{{url: '{url}', every: 1s}}]}}\n")


def silent(switch: Switch, *, within: float = 30.0) -> None:
    """It stops hearing: nothing for three of its periods."""
    eventually(lambda: time.monotonic() - switch.heard[-1].at > 3.0, within=within, what="silence")


def test_the_switch_goes_silent_when_delivery_stalls_though_the_process_lives(
    irpd: Irpd, switch: Switch
) -> None:
    watched(irpd, switch.url)
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
    watched(irpd, switch.url)
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
    gone = f"127.0.0.1:{free_port()}"
    watched(irpd, f"http://{gone}/irpd")
    irpd.start()
    eventually(lambda: irpd.logged("switch-not-reached"), what="the line in the log")
    failed = f'irpd_switch_reports_total{{outcome="failed",to="{gone}"}}'
    eventually(lambda: irpd.metric(failed) > 1, what="further attempts")
    watched(irpd, switch.url)
    irpd.cli("reload", "--wait")
    eventually(lambda: switch.heard, what="reports to the switch of the new configuration")
    attempts = irpd.metric(failed)
    threading.Event().wait(1.5)
    assert irpd.metric(failed) == attempts, "the switch that was taken out is still asked"
    assert len(irpd.logged("switch-not-reached")) == 1
    assert irpd.json("incident", "list")["incidents"] == []


# ------------------------------------------------------------------ monitors that must report
BEATS = """\
heartbeats:
  backup: {service: checkout, every: 10s, grace: 0s, auth: {query: {token: {env: IRPD_HOOK_SECRET}}}}
  nightly: {service: checkout, every: 1d, grace: 0s, auth: none}
"""
#: Sixty seconds of patience after a start are two, and the ten that a monitor has at least are four.
HASTY = """
import irpd.daemon.heartbeats as h
h.PATIENCE = 2.0
h._Expected.allowed = property(lambda one: 0.4 * (one.monitor.every + one.monitor.grace))
"""


def test_a_monitor_that_stops_opens_and_pages_and_its_next_report_resolves(irpd: Irpd) -> None:
    irpd.configure(wait="10m", more=BEATS)
    irpd.start(planted=HASTY)
    assert irpd.get("/heartbeat/backup?token=wrong")[0] == 401
    assert irpd.get("/heartbeat/backup?token=hook-secret")[0] == 200
    assert irpd.get("/heartbeat/nightly")[0] == 200
    assert irpd.get("/heartbeat/other")[0] == 404
    listed = irpd.cli("heartbeat", "list")
    assert "up" in listed
    assert "due" in listed
    eventually(lambda: irpd.paged() == ["asha"], what="the page")
    incident = irpd.incident(1)
    assert (incident["title"], incident["level"]) == ("backup has not reported", 2)
    assert "incident #1" in irpd.cli("heartbeat", "list")
    assert irpd.metric('irpd_heartbeats{state="silent"}') == 1
    # A start in between: still silent, nobody is paged again, and the nightly one's report is known.
    irpd.kill()
    irpd.start(planted=HASTY)
    states = {one["name"]: one for one in irpd.json("heartbeat", "list")["heartbeats"]}
    assert states["backup"]["state"] == "silent"
    assert states["nightly"]["seen_at"] is not None
    irpd.request("POST", "/heartbeat/backup?token=hook-secret", b"")
    eventually(lambda: irpd.incident(1)["signals"]["firing"] == 0, what="the signal to resolve")
    assert irpd.paged() == ["asha"]
    assert irpd.stop() == 0
    irpd.sound()


def test_alertmanagers_watchdog_opens_nothing_while_it_comes_and_an_incident_when_it_stops(
    irpd: Irpd, alertmanager: Callable[..., Alertmanager]
) -> None:
    irpd.configure(wait="10m")
    plain = "alertmanager: {type: alertmanager, auth: none}"
    watched = plain.replace("none}", "none, watchdog: {every: 10s, service: platform}}")
    irpd.config.write_text(irpd.config.read_text().replace(plain, watched))
    irpd.start(planted=HASTY)
    sender = alertmanager(repeat="500ms")
    sender.alert(alertname="Watchdog", service="checkout")
    heard = 'irpd_heartbeats_received_total{outcome="ok"}'
    eventually(lambda: irpd.metric(heard) >= 4, what="the Watchdog again and again")
    sender.alert(alertname="PaymentErrors", service="checkout")
    eventually(lambda: irpd.json("incident", "list")["incidents"], what="what isn't the Watchdog")
    assert irpd.incident(1)["title"] == "PaymentErrors"
    irpd.cli("ack", "1", "--as", "asha")
    sender.stop()
    eventually(lambda: len(irpd.json("incident", "list")["incidents"]) == 2, what="the silence")
    incident = irpd.incident(2)
    assert incident["title"] == "alertmanager is silent: its Watchdog alert doesn't come"
    assert (incident["level"], incident["services"]) == (2, ["platform"])
    assert "watchdog:alertmanager" in irpd.cli("heartbeat", "list")
    sender.start().alert(alertname="Watchdog", service="checkout")
    eventually(lambda: irpd.incident(2)["signals"]["firing"] == 0, what="the signal to resolve")
