"""Several times what it can do: the excess is refused in order, the rest takes effect, it is over soon."""

import asyncio
import json
import time

import pytest
from harness import Irpd, eventually, promises

from irpd.measure import bodies
from irpd.measure.openloop import Answer, OpenLoop
from irpd.measure.traffic import Request

pytestmark = pytest.mark.acceptance

RATE = 3000.0  # more than ten alerts each, all new, can be taken in on any machine
SECONDS = 3.0


def traffic() -> list[Request]:
    """One report in fifty opens an incident of its own and pages; the others join one."""
    made = []
    for n in range(int(RATE * SECONDS)):
        if n % 50:
            made.append(Request("join", bodies.new_alerts(10, "production")))
            continue
        body = bodies.new_alerts(1)
        title = json.loads(body)["alerts"][0]["annotations"]["summary"]
        made.append(Request("open", body, title))
    return made


def offered(irpd: Irpd, requests: list[Request]) -> list[Answer]:
    async def run() -> list[Answer]:
        load = OpenLoop(irpd.port, connections=300)
        await load.open()
        waiting = iter(requests)
        answers = await load.run(lambda: next(waiting), RATE, SECONDS, settle=20)
        load.close()
        return answers

    return asyncio.run(run())


@pytest.mark.alone
def test_what_is_too_much_is_refused_in_order_and_what_is_accepted_is_done(irpd: Irpd) -> None:
    irpd.configure(wait="10m")
    irpd.start()
    answers = offered(irpd, traffic())
    assert len(answers) == RATE * SECONDS, "some were not answered at all"
    refused = [answer for answer in answers if answer.status == 503]
    taken = [answer for answer in answers if answer.status == 202]
    assert len(refused) + len(taken) == len(answers)
    assert len(refused) > len(answers) / 10, "it was no overload"
    assert len(taken) > len(answers) / 100
    assert all(5 <= int(answer.retry_after) <= 30 for answer in refused)
    ended = time.monotonic()
    eventually(lambda: irpd.get("/readyz")[0] == 200, what="readiness")
    irpd.post("alertmanager", bodies.new_alerts(1))
    assert time.monotonic() - ended < 5, "it has not recovered"
    titles = {answer.request.title for answer in taken if answer.request.title}
    eventually(
        lambda: titles <= {page["incident"]["title"] for page in irpd.pages()},
        what="a page for each incident that was opened",
    )
    assert irpd.metric('irpd_webhook_requests_total{code="503",source="alertmanager"}') == len(refused)
    assert irpd.stop() == 0
    accepted = {
        f"alertmanager/{alert['fingerprint']}"
        for answer in taken
        for alert in json.loads(answer.request.body)["alerts"]
    }
    assert accepted
    promises.signals_are_there(irpd.state / "irpd.db", accepted)
