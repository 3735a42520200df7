"""``irpd silence`` against the real engine: muted at once, shown with the reason, decided anew at the end."""

import json
import re
from pathlib import Path
from typing import Any


async def test_nothing_muted_is_fine(irpd: Any, house: Any) -> None:
    done = await irpd("silence", "list")
    assert (done.status, done.out) == (0, "Nothing is muted or held.\n")


async def test_a_silence_from_beginning_to_end(irpd: Any, house: Any) -> None:
    firing = await house.alert()
    done = await irpd(
        *("silence", "add", "--as", "asha", "--label", "alertname=PaymentErrors", "--for", "2h"),
        *("--because", "CHG-1182 upgrade"),
    )
    assert done.status == 0, done.err
    assert re.match(r"Silence 1 mutes alertname=PaymentErrors until .*:.. Europe/Berlin\. ", done.out)
    assert "1 signal that fired is muted." in done.out
    incident = house.engine.state.incidents[firing.number]
    assert incident.firing == 0
    assert not any(page.live for page in house.engine.state.pages_of(incident.number))

    shown = (await irpd("silence", "list")).out
    assert "Asha Rao: CHG-1182 upgrade" in shown
    assert "muted  checkout  Payments failing" in shown
    document = json.loads((await irpd("silence", "list", "--json")).out)
    assert document["schema"] == "irpd.silences/1"
    assert document["silences"][0]["match"] == {"labels.alertname": ["PaymentErrors"]}
    assert document["waiting"][0]["by"] == {"kind": "silence", "name": "1", "author": "asha"}

    done = await irpd("silence", "end", "1", "--as", "ben", "--because", "done")
    assert (done.status, done.out) == (0, "Silence 1 is over; what still fires is decided again.\n")
    house.clock.step(seconds=1)
    await house.until(lambda: house.engine.state.incidents[firing.number].firing == 1)
    assert [page.person for page in house.engine.state.pages_of(firing.number) if page.live] == ["asha"]
    assert house.engine.state.waiting == []


async def test_what_is_muted_is_counted(irpd: Any, house: Any) -> None:
    await irpd("silence", "add", "--as", "asha", "--service", "checkout", "--for", "2h", "--because", "x")
    answer = await house.tcp.post("/webhook/open", json=house.payload)
    assert (await answer.json())["incidents"] == []
    text = await (await house.tcp.get("/metrics")).text()
    assert 'irpd_signals_waiting{kind="silence"} 1.0' in text
    assert "irpd_silences 1.0" in text


async def test_usage_that_makes_no_sense_is_refused(irpd: Any, house: Any) -> None:
    for arguments, status, said in (
        (["--for", "2h"], 2, "say what to mute"),
        (["--service", "checkout"], 2, "say how long"),
        (["--service", "checkout", "--for", "2h", "--until", "+3h"], 2, "say how long"),
        (["--label", "job", "--for", "2h"], 2, "is no label"),
        (["--service", "chekout", "--for", "2h"], 2, "there is no service"),
        (["--service", "checkout", "--until", "2020-01-01T00:00:00Z"], 2, "over already"),
    ):
        done = await irpd("silence", "add", "--as", "asha", "--because", "x", *arguments)
        assert (done.status, said in done.err) == (status, True), (arguments, done)
    done = await irpd("silence", "end", "7", "--as", "asha")
    assert (done.status, done.err) == (1, "irpd: there is no silence 7\n")


QUIET_RULES = """version: 1
rules:
  - id: canary
    match: {labels: {alertname: PaymentErrors}}
    hold: {for: 5m}
    because: it restarts
silences:
  - id: upgrade
    match: {service: checkout}
    window: {from: "2026-11-24 04:00", to: "2026-11-24 05:00", time_zone: Europe/Berlin}
    because: CHG-7
"""


async def test_explain_says_what_mutes_a_payload_and_what_holds_it(
    irpd: Any, house: Any, tmp_path: Path
) -> None:
    config = tmp_path / "quiet.yaml"
    config.write_text((tmp_path / "irpd.yaml").read_text() + "rules: [quiet-rules.yaml]\n")
    (tmp_path / "quiet-rules.yaml").write_text(QUIET_RULES)
    (tmp_path / "pay.json").write_text(json.dumps(house.payload))
    said = {}
    for at in ("2026-11-24T02:30:00Z", "2026-11-24T03:10:00Z", "2026-11-24T04:30:00Z"):
        arguments = ("rules", "explain", "pay.json", "--source", "open", "-c", str(config), "--at", at)
        done = await irpd(*arguments, env={"DOOR_SECRET": "x"})
        assert done.status == 1, done
        (signal,) = json.loads((await irpd(*arguments, "--json", env={"DOOR_SECRET": "x"})).out)["signals"]
        said[at] = (signal["outcome"], done.out.count("muted by"), done.out.count("held by"))
        named = signal["muted_by"] or [signal["held_by"]]
        said[at] += (named[0]["name"], named[0]["until"])
    assert said == {
        "2026-11-24T02:30:00Z": ("held", 0, 1, "canary", "2026-11-24T02:35:00Z"),
        "2026-11-24T03:10:00Z": ("muted", 1, 0, "upgrade", "2026-11-24T04:00:00Z"),
        "2026-11-24T04:30:00Z": ("held", 0, 1, "canary", "2026-11-24T04:35:00Z"),
    }
