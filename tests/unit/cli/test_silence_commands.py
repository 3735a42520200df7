"""``irpd silence`` against the real engine: muted at once, shown with the reason, decided again at the end."""

import json
import re
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
