"""Messages to audiences over the API: shown before they are sent, drafted, approved, withdrawn, recorded."""

from typing import Any

import pytest
from house import House

AUDIENCES = """
audiences:
  team: {via: local, time_zone: Europe/Berlin}
  executives: {via: local}
  customers: {via: local, send: draft, approve: [chi], language: fr}
"""


@pytest.fixture
async def telling(build: Any) -> House:
    return await build(more=AUDIENCES)


def said(document: dict[str, Any]) -> str:
    return str(document["answer"]["text"])


async def test_an_incident_says_which_audiences_were_told_and_which_drafts_wait(telling: House) -> None:
    await telling.alert()
    incident = (await telling.api("GET", "/incidents/1"))[1]["incident"]
    assert incident["tells"] == ["team", "executives", "customers"]
    assert incident["told"]["team"] == {"at": "2026-11-24T02:06:40Z", "template": "initial"}
    assert incident["drafts"] == ["customers"]


async def test_a_message_to_an_audience_has_no_link(telling: House) -> None:
    incident = await telling.alert()
    pages = telling.engine.state.pages_of(incident.number)
    (team,) = (page for page in pages if page.notice is not None and page.notice.audience == "team")
    answer = await telling.tcp.get(telling.link(team))
    assert answer.status == 404
    assert (await telling.tcp.get(telling.link(telling.page_of(incident)))).status == 200


async def test_a_preview_shows_each_text_and_what_its_audience_does_not_know(telling: House) -> None:
    await telling.alert()
    await telling.api("POST", "/incidents/1/set?as=chi", json={"facts": {"workaround": "pay by invoice"}})
    body = {"progress": "failed over", "to": ["team"], "estimated_resolution": "2026-11-24T04:00:00+01:00"}
    status, document = await telling.api("POST", "/incidents/1/preview?as=chi", json=body)
    assert (status, document["schema"]) == (200, "irpd.preview/1")
    (message,) = document["messages"]
    assert message["text"].splitlines()[3:6] == [
        "Progress: failed over",
        "Current Impact: Checkout; 42 % of users (50,400 of 120,000)",
        "Estimated Resolution: 24 Nov 2026, 04:00 (Europe/Berlin)",
    ]
    assert message["changed"] == [
        {"what": "workaround", "before": None, "after": "pay by invoice"},
        {"what": "estimated_resolution", "before": None, "after": "2026-11-24T03:00:00Z"},
    ]
    incident = (await telling.api("GET", "/incidents/1"))[1]["incident"]
    assert incident["told"]["team"]["template"] == "initial"
    assert incident["estimated_resolution"] is None


async def test_a_draft_is_looked_at_refused_to_others_approved_and_kept(telling: House) -> None:
    await telling.alert()
    (draft,) = (await telling.api("GET", "/incidents/1/drafts"))[1]["drafts"]
    assert (draft["audience"], draft["approvers"], draft["to"], draft["language"]) == (
        "customers", ["chi"], ["customers"], "fr",
    )  # fmt: skip
    assert draft["subject"] == "[INCIDENT #1] - ÉLEVÉ Incident signalé"
    status, refused = await telling.api(
        "POST", "/incidents/1/approve?as=asha", json={"audience": "customers"}
    )
    assert (status, refused["code"]) == (403, "permission")
    status, document = await telling.api(
        "POST", "/incidents/1/approve?as=chi", json={"audience": "customers"}
    )
    assert (status, said(document)) == (200, "Sent to customers.")
    assert (await telling.api("GET", "/incidents/1/drafts"))[1]["drafts"] == []
    pages = (await telling.api("GET", "/pages?incident=1"))[1]["pages"]
    told = [page for page in pages if page["audience"] == "customers"]
    assert [(one["person"], one["kind"], one["template"]) for one in told] == [(None, "message", "initial")]
    assert told[0]["sends"][0]["to"] == "customers"


async def test_an_update_goes_out_and_a_draft_is_withdrawn(telling: House) -> None:
    await telling.alert()
    status, document = await telling.api(
        "POST", "/incidents/1/update?as=chi", json={"progress": "failed over", "to": ["executives"]}
    )
    assert (status, said(document)) == (200, "Told executives.")
    body = {"audience": "customers", "because": "nobody noticed"}
    status, document = await telling.api("POST", "/incidents/1/withdraw?as=chi", json=body)
    assert (status, said(document)) == (200, "Withdrawn: nothing is sent to customers.")
    events = (await telling.api("GET", "/incidents/1?events=1"))[1]["events"]
    withdrawn = next(one for one in events if one["type"] == "draft-withdrawn")
    assert (withdrawn["by"], withdrawn["because"]) == ("chi", "nobody noticed")


@pytest.mark.parametrize(
    "verb, body, code",
    [
        ("update", {}, "invalid"),
        ("update", {"progress": "x", "to": ["nobody"]}, "not-found"),
        ("update", {"progress": "x", "estimated_resolution": "soon"}, "invalid"),
        ("preview", {"progress": ""}, "invalid"),
        ("preview", {"progress": "x", "more": 1}, "invalid"),
        ("approve", {"audience": "team"}, "not-found"),
        ("withdraw", {"audience": "team"}, "not-found"),
    ],
)
async def test_what_cannot_be_told_is_refused(telling: House, verb: str, body: Any, code: str) -> None:
    await telling.alert()
    status, document = await telling.api("POST", f"/incidents/1/{verb}?as=chi", json=body)
    assert status >= 400
    assert document["code"] == code, document
