"""The API over both doors: who may what, what it answers, and how it refuses."""

import asyncio
import getpass
import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from irpd.config.problem import Problem
from irpd.engine.ports import JournalUnavailable
from irpd.model import command as c
from irpd.model.page import SendState
from irpd.web.ports import Check, Reloaded

TOKENS = [("reader", "read-me", "read"), ("robot", "work-me", "respond"), ("root", "rule-me", "admin")]
IN_FILE = "[{}]".format(
    ", ".join(
        f'{{name: {name}, hash: "sha256:{hashlib.sha256(token.encode()).hexdigest()}", may: {may}}}'
        for name, token, may in TOKENS
    )
)


async def over_tcp(house: Any, method: str, path: str, token: str = "", **options: Any) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = await house.tcp.request(method, f"/api/v1{path}", headers=headers, **options)
    return answer.status, await answer.json()


# ------------------------------------------------------------------ who may what
async def test_over_tcp_the_api_is_off_without_tokens(house: Any) -> None:
    status, problem = await over_tcp(house, "GET", "/incidents", "anything")
    assert (status, problem["code"]) == (404, "api-off")


@pytest.mark.parametrize(
    "token", ["", "wrong", "read-me2", "sha256:" + hashlib.sha256(b"read-me").hexdigest()]
)
async def test_a_wrong_token_is_401(build: Any, token: str) -> None:
    house = await build(tokens=IN_FILE)
    status, problem = await over_tcp(house, "GET", "/incidents", token)
    assert (status, problem["code"]) == (401, "unauthenticated")


async def test_guessing_tokens_is_slowed_down(build: Any) -> None:
    house = await build(tokens=IN_FILE)
    statuses = [(await over_tcp(house, "GET", "/incidents", f"guess{n}"))[0] for n in range(30)]
    assert statuses[:20] == [401] * 20
    assert set(statuses[20:]) == {429}
    assert (await over_tcp(house, "GET", "/incidents", "read-me"))[0] == 200


@pytest.mark.parametrize(
    "method, path, allowed",
    [
        ("GET", "/incidents", {"read-me", "work-me", "rule-me"}),
        ("GET", "/config", {"read-me", "work-me", "rule-me"}),
        ("POST", "/incidents/1/note", {"work-me", "rule-me"}),
        ("POST", "/incidents", {"work-me", "rule-me"}),
        ("POST", "/reload", {"rule-me"}),
        ("GET", "/receipts/1/body", {"rule-me"}),
        ("POST", "/unreadable/1/replay", {"rule-me"}),
        ("POST", "/backup", set()),
    ],
)
async def test_a_token_may_what_its_right_says(build: Any, method: str, path: str, allowed: set[str]) -> None:
    house = await build(tokens=IN_FILE)
    for _, token, _ in TOKENS:
        answer = await house.tcp.request(
            method,
            f"/api/v1{path}",
            headers={"Authorization": f"Bearer {token}"},
            json={} if method == "POST" else None,
        )
        assert (answer.status != 403) is (token in allowed), (token, answer.status)


async def test_over_the_socket_the_peers_user_acts_as_the_person_with_that_login(build: Any) -> None:
    house = await build(login=getpass.getuser())
    await house.alert()
    status, document = await house.api("POST", "/incidents/1/ack")
    assert status == 200
    assert document["incident"]["acknowledged_by"] == ["asha"]
    assert document["answer"]["changed"] is True


async def test_over_the_socket_somebody_unknown_is_asked_who_they_are(house: Any) -> None:
    await house.alert()
    status, problem = await house.api("POST", "/incidents/1/ack")
    assert (status, problem["code"]) == (422, "who")
    assert house.engine.state.incidents[1].acknowledged_by == ()


async def test_as_names_the_person_and_an_unknown_one_is_suggested(house: Any) -> None:
    await house.alert()
    status, document = await house.api("POST", "/incidents/1/ack", params={"as": "ben"})
    assert document["incident"]["acknowledged_by"] == ["ben"]
    status, problem = await house.api("POST", "/incidents/1/ack", params={"as": "bne"})
    assert status == 422
    assert "did you mean ben?" in problem["detail"]


async def test_a_token_acts_as_itself_but_never_has_an_incident(build: Any) -> None:
    house = await build(tokens=IN_FILE)
    await house.alert()
    status, _ = await over_tcp(house, "POST", "/incidents/1/note", "work-me", json={"text": "deployed"})
    assert status == 200
    assert any(getattr(f.event, "by", "") == "token:robot" for f in house.journal.facts(subject="incident:1"))
    status, problem = await over_tcp(house, "POST", "/incidents/1/ack", "work-me")
    assert (status, problem["code"]) == (422, "who")
    status, document = await over_tcp(house, "POST", "/incidents/1/ack?as=asha", "work-me")
    assert document["incident"]["acknowledged_by"] == ["asha"]


async def test_a_path_is_answered_by_name_and_the_other_goes_on(house: Any) -> None:
    await house.alert()
    start = {"path": "business", "because": "customers call"}
    await house.api("POST", "/incidents/1/escalate", params={"as": "asha"}, json=start)

    def going(document: Any) -> dict[str, str]:
        return {run["name"]: run["state"] for run in document["incident"]["paths"]}

    asked = {"params": {"as": "asha"}, "json": {"path": "business"}}
    status, document = await house.api("POST", "/incidents/1/ack", **asked)
    assert status == 200
    assert going(document) == {"engineering": "running", "business": "stopped"}
    assert document["answer"]["text"].endswith("Path engineering goes on: others are asked there.")
    status, problem = await house.api(
        "POST", "/incidents/1/ack", params={"as": "asha"}, json={"path": "customers"}
    )
    assert (status, problem["code"]) == (422, "invalid")
    assert problem["detail"] == "#1 has no path 'customers'; it has: engineering, business"
    status, document = await house.api(
        "POST", "/incidents/1/ack", params={"as": "asha"}, json={"path": "engineering"}
    )
    assert set(going(document).values()) == {"stopped"}


# ------------------------------------------------------------------ looking
async def test_an_incident_has_the_promised_shape(house: Any) -> None:
    await house.alert()
    status, document = await house.api("GET", "/incidents/1")
    assert (status, document["schema"]) == (200, "irpd.incident/1")
    incident = document["incident"]
    assert incident["share"] == {
        "known": True, "value": 0.42, "low": 0.42, "high": 0.42, "affected": 50400, "users": 120000,
        "method": "label", "since": "2026-11-24T02:06:40Z", "at": "2026-11-24T02:06:40Z", "parts": [],
    }  # fmt: skip
    assert incident["objectives"] == [
        {"kind": "response", "due_at": "2026-11-24T03:06:40Z", "state": "running"},
        {"kind": "update", "due_at": "2026-11-24T04:06:40Z", "state": "running"},
        {"kind": "resolution", "due_at": "2026-11-24T10:06:40Z", "state": "running"},
    ]
    assert incident["paths"][0]["name"] == "engineering"
    assert incident["paths"][0]["step"] == 1
    expected = {
        "id": 1, "ref": "#1", "drill": False, "restricted": False, "title": "Payments failing",
        "services": ["checkout"], "level": 2, "severity": "high", "state": "open", "stage": "detection",
        "opened_at": "2026-11-24T02:06:40Z", "impact_from": "2026-11-24T02:02:11.482Z",
        "acknowledged_at": None, "resolved_at": None, "closed_at": None,
        "detected_by": "monitoring", "acknowledged_by": [],
        "signals": {"firing": 1, "resolved": 0}, "flapping": False, "merged_into": None,
    }  # fmt: skip
    assert {key: incident[key] for key in expected} == expected
    assert not [path for path in walk(document) if path[-1] == ""], "absent is null, never an empty text"


def walk(value: Any, path: tuple[Any, ...] = ()) -> Any:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from walk(item, (*path, key))
    elif isinstance(value, list):
        for n, item in enumerate(value):
            yield from walk(item, (*path, n))
    else:
        yield (*path, value)


async def test_signals_events_and_pages_come_when_asked_for(house: Any) -> None:
    await house.alert()
    _, document = await house.api("GET", "/incidents/1?signals=1&events=1&pages=1")
    (signal,) = document["signals_list"]
    assert (signal["id"], signal["status"], signal["count"]) == ("1.1", "firing", 1)
    types = [event["type"] for event in document["events"]]
    assert types[0] == "opened"
    assert "paged" in types
    assert {event["signal"] for event in document["events"] if "sid" in event} == {"1.1"}
    assert document["events_total"] == len(types)
    _, newest = await house.api("GET", "/incidents/1?events=1&newest=2")
    assert newest["events"] == document["events"][-2:]
    assert document["pages"][0]["person"] == "asha"
    assert document["pages"][0]["sends"][0]["id"] == "1-1.1"


async def test_the_list_filters_and_pages_through_with_a_cursor(house: Any) -> None:
    for n in range(5):
        await house.alert(fingerprint=f"{n:016x}", labels={"alertname": f"A{n}", "service": "checkout"})
    await house.engine.submit(c.Acknowledge(incident=2, by="ben"))
    await house.engine.submit(c.Resolve(incident=3, by="ben"))
    await house.engine.submit(c.SetLevel(incident=4, by="ben", level=1, because="worse"))

    async def ids(query: str) -> list[int]:
        _, document = await house.api("GET", f"/incidents?{query}")
        return [incident["id"] for incident in document["incidents"]]

    assert await ids("") == [5, 4, 3, 2, 1]
    assert await ids("state=open") == [5, 4, 1]
    assert await ids("state=open,acknowledged&level=2") == [5, 2, 1]
    assert await ids("level=critical") == [4]
    assert await ids("service=platform") == []
    status, problem = await house.api("GET", "/incidents?service=platfrom")
    assert (status, problem["code"]) == (404, "not-found")
    assert "did you mean platform?" in problem["detail"]
    assert await ids("mine=1&as=ben") == [2]
    assert await ids("since=2026-11-24T02:06:41Z") == []
    for states in ("", "state=open,acknowledged,resolved,closed&", "state=open,acknowledged&"):
        seen, cursor = [], ""
        while True:
            _, document = await house.api("GET", f"/incidents?{states}limit=2{cursor}")
            seen += [incident["id"] for incident in document["incidents"]]
            if document["next_cursor"] is None:
                break
            cursor = f"&cursor={document['next_cursor']}"
        assert seen == await ids(states)


@pytest.mark.parametrize(
    "query",
    ["state=opne", "level=5", "since=yesterday", "since=2026-11-24T02:00:00", "limit=0", "cursor=-1",
     "colour=red", "mine=1", "drill=perhaps", "cursor=99999999999999999999"],
)  # fmt: skip
async def test_a_filter_that_makes_no_sense_says_what_is_allowed(house: Any, query: str) -> None:
    status, problem = await house.api("GET", f"/incidents?{query}")
    assert status == 422
    assert problem["detail"]


async def test_incidents_that_have_left_memory_are_still_found(house: Any) -> None:
    await house.alert()
    await house.alert(status="resolved", endsAt="2026-11-24T02:06:30Z")
    await house.engine.submit(c.Resolve(incident=1, by="ben"))
    house.clock.step(hours=2)
    await house.engine.submit(c.Wake(incident=1))
    await house.until(lambda: 1 not in house.engine.state.incidents)
    _, document = await house.api("GET", "/incidents?state=closed")
    assert [incident["id"] for incident in document["incidents"]] == [1]
    status, document = await house.api("GET", "/incidents/1?signals=1&events=1&pages=1")
    assert (status, document["incident"]["state"]) == (200, "closed")
    assert document["signals_list"]
    assert document["pages"]


@pytest.mark.parametrize("number", ["7", "0", "-1", "abc", "9" * 30, "1.5", "%20"])
async def test_an_incident_that_does_not_exist_is_404(house: Any, number: str) -> None:
    for path in (f"/incidents/{number}", f"/incidents/{number}/why"):
        status, problem = await house.api("GET", path)
        assert (status, problem["code"]) == (404, "not-found")
    status, problem = await house.api("POST", f"/incidents/{number}/ack?as=asha")
    assert (status, problem["code"]) == (404, "not-found")


async def test_why_names_each_decision_with_its_rules(house: Any) -> None:
    await house.alert()
    await house.engine.submit(c.SetLevel(incident=1, by="ben", level=1, because="the board noticed"))
    _, document = await house.api("GET", "/incidents/1/why")
    assert [decision["level"] for decision in document["decisions"]] == [2, 1]
    first, second = document["decisions"]
    assert first["rules"][0]["id"] == "share-of-users"
    assert first["impact"].startswith("Important business functions impaired")
    assert first["text"] == [
        "level 2       HIGH  by share-of-users: 42.0 % (50,400 of 120,000: label) of users",
        "impact        Important business functions impaired; workarounds may exist but are cumbersome",
        "users         42.0 % (50,400 of 120,000: label); level 1 above 80 %",
        "<- level 2    share-of-users  42.0 % (50,400 of 120,000: label) of users",
    ]
    assert second["level_by"] == {
        "kind": "person",
        "rule": None,
        "person": "ben",
        "because": "the board noticed",
    }
    _, one = await house.api("GET", f"/incidents/1/why?event={second['seq']}")
    assert [decision["seq"] for decision in one["decisions"]] == [second["seq"]]
    assert (await house.api("GET", "/incidents/1/why?event=999"))[0] == 404


async def test_who_is_on_call_and_until_when(house: Any) -> None:
    _, document = await house.api("GET", "/who?at=2026-11-25T00:00:00%2B01:00")
    (schedule,) = document["schedules"]
    assert schedule["person"] == "asha"
    assert schedule["until"] == "2026-11-30T08:00:00Z"
    assert schedule["next"] == {"person": "ben", "person_name": "Ben Ito"}
    _, document = await house.api("GET", "/who?at=2020-01-01T00:00:00Z")
    assert document["schedules"][0]["person"] is None


# ------------------------------------------------------------------ working
@pytest.mark.parametrize(
    "verb, body, expected",
    [
        ("cant", {}, {"declined_by": ["asha"]}),
        ("escalate", {}, {"state": "open"}),
        ("level", {"level": "critical", "because": "worse"}, {"level": 1}),
        ("level", {"level": 3, "because": "not so bad"}, {"level": 3}),
        ("note", {"text": "hello"}, {"state": "open"}),
        ("resolve", {"because": "over"}, {"state": "resolved", "resolved_by": "asha"}),
    ],
)
async def test_each_verb_does_what_it_says(house: Any, verb: str, body: Any, expected: Any) -> None:
    await house.alert()
    status, document = await house.api("POST", f"/incidents/1/{verb}?as=asha", json=body)
    assert status == 200, document
    assert {key: document["incident"][key] for key in expected} == expected


async def test_resolved_can_be_reopened_merged_ones_cannot(house: Any) -> None:
    await house.alert()
    await house.alert(fingerprint="0" * 16, labels={"alertname": "B", "service": "checkout"})
    await house.api("POST", "/incidents/1/resolve?as=asha")
    _, document = await house.api("POST", "/incidents/1/reopen?as=asha", json={"because": "again"})
    assert document["incident"]["state"] == "open"
    _, document = await house.api("POST", "/incidents/2/merge?as=asha", json={"into": 1})
    assert (document["incident"]["id"], document["incident"]["signals"]["firing"]) == (1, 2)
    status, problem = await house.api("POST", "/incidents/2/reopen?as=asha")
    assert (status, problem["code"]) == (409, "state")
    status, document = await house.api("POST", "/incidents/2/ack?as=asha")
    assert (status, document["answer"]["changed"]) == (200, False)
    assert "merged into #1" in document["answer"]["text"]
    _, document = await house.api("POST", "/incidents/1/split?as=asha", json={"signals": ["1.2"]})
    assert (document["incident"]["id"], document["incident"]["signals"]["firing"]) == (3, 1)


async def over(house: Any, *, forgotten: bool) -> None:
    """#1 is closed; it left memory or (as when a signal of it still fires) didn't."""
    await house.alert()
    await house.alert(status="resolved", endsAt="2026-11-24T02:06:30Z")
    await house.engine.submit(c.Resolve(incident=1, by="ben"))
    if forgotten:
        house.clock.step(hours=2)
        await house.engine.submit(c.Wake(incident=1))
        await house.until(lambda: 1 not in house.engine.state.incidents)


@pytest.mark.parametrize("forgotten", [False, True], ids=["in memory", "out of memory"])
@pytest.mark.parametrize(
    "verb, body, status, changed",
    [
        ("note", {"text": "it was the disk"}, 200, True),
        ("reopen", {"because": "it is back"}, 200, True),
        ("ack", None, 200, False),
        ("cant", None, 200, False),
        ("resolve", None, 200, False),
        ("undo", None, 409, None),
        ("escalate", None, 409, None),
        ("level", {"level": 1, "because": "x"}, 409, None),
    ],
)
async def test_what_can_be_done_to_an_incident_that_is_over_is_the_same_out_of_memory(
    house: Any, verb: str, body: Any, status: int, changed: bool | None, forgotten: bool
) -> None:
    await over(house, forgotten=forgotten)
    before = len(list(house.journal.facts(subject="incident:1")))
    answered, document = await house.api("POST", f"/incidents/1/{verb}?as=asha", json=body)
    assert (answered, document.get("answer", {}).get("changed")) == (status, changed), document
    assert (len(list(house.journal.facts(subject="incident:1"))) > before) == bool(changed)
    if verb == "reopen":
        assert document["incident"]["state"] == "open"


async def test_an_incident_is_opened_by_hand(house: Any) -> None:
    body = {"title": "Something smells", "service": "checkout", "level": "high"}
    async with house.socket.post("http://irpd/api/v1/incidents?as=ben", json=body) as answer:
        assert answer.status == 201
        assert answer.headers["Location"] == "/api/v1/incidents/1"
        assert (await answer.json())["incident"]["level_by"]["person"] == "ben"
    status, problem = await house.api("POST", "/incidents?as=ben", json={"title": "x", "service": "nope"})
    assert status == 422
    assert "checkout" in problem["detail"]


@pytest.mark.parametrize(
    "verb, body",
    [
        ("level", b"{}"), ("level", b'{"level": 7}'),
        ("level", b'{"level": "worst"}'), ("level", b'{"level": 1}'),
        ("note", b"{}"), ("note", b'{"text": ""}'),
        ("note", b'{"text": 1}'), ("note", b'{"text": "x", "colour": 1}'),
        ("merge", b'{"into": 1}'), ("merge", b'{"into": "x"}'), ("split", b'{"signals": []}'),
        ("split", b'{"signals": ["2.1"]}'), ("split", b'{"signals": ["1.x"]}'), ("ack", b"[]"), ("ack", b"{"),
        ("ack", b"\xff"), ("resolve", b"[" * 100_000), ("note", b'{"text": "' + b"x" * 300_000 + b'"}'),
        ("escalate", b'{"path": "nowhere"}'),
    ],
)  # fmt: skip
async def test_a_body_that_makes_no_sense_is_422_and_changes_nothing(
    house: Any, verb: str, body: bytes
) -> None:
    before = await house.alert()
    status, problem = await house.api("POST", f"/incidents/1/{verb}?as=asha", data=body)
    assert (status, problem["code"]) == (422, "invalid")
    assert house.engine.state.incidents[1] == before


async def test_an_unknown_verb_is_404_and_names_the_known_ones(house: Any) -> None:
    await house.alert()
    status, problem = await house.api("POST", "/incidents/1/explode?as=asha")
    assert status == 404
    assert "ack, cant, undo" in problem["detail"]


async def test_a_stale_version_is_412_and_changes_nothing(house: Any) -> None:
    await house.alert()
    async with house.socket.get("http://irpd/api/v1/incidents/1") as answer:
        version = answer.headers["ETag"]
    await house.engine.submit(c.Note(incident=1, by="ben", text="meanwhile"))
    status, problem = await house.api("POST", "/incidents/1/resolve?as=asha", headers={"If-Match": version})
    assert (status, problem["code"]) == (412, "stale")
    assert house.engine.state.incidents[1].state == "open"
    now = f'"{house.engine.state.incidents[1].version}"'
    assert (await house.api("POST", "/incidents/1/resolve?as=asha", headers={"If-Match": now}))[0] == 200


async def test_of_two_who_saw_the_same_version_only_one_gets_through(house: Any) -> None:
    await house.alert()
    seen = {"If-Match": f'W/"7", "{house.engine.state.incidents[1].version}"'}
    answers = await asyncio.gather(*(
        house.api("POST", f"/incidents/1/note?as={person}", json={"text": "mine"}, headers=seen)
        for person in ("asha", "ben")
    ))  # fmt: skip
    assert sorted(status for status, _ in answers) == [200, 412]


async def test_a_version_that_no_incident_has_is_412(house: Any) -> None:
    await house.alert()
    status, _ = await house.api("POST", "/incidents/1/ack?as=asha", headers={"If-Match": '"x"'})
    assert status == 412
    status, _ = await house.api("POST", "/incidents/1/ack?as=asha", headers={"If-Match": "*"})
    assert status == 200


async def test_an_answer_that_nobody_had_to_give_was_not_needed(house: Any) -> None:
    await house.alert()
    await house.engine.submit(c.SetLevel(incident=1, by="ben", level=4, because="harmless"))
    await house.alert(status="resolved")
    house.clock.step(hours=1)
    await house.engine.submit(c.Wake(incident=1))
    _, document = await house.api("GET", "/incidents/1")
    assert (document["incident"]["state"], document["incident"]["resolved_by"]) == ("resolved", None)
    assert document["incident"]["objectives"][0]["state"] == "not-needed"


async def test_the_roles_that_the_level_calls_for_are_in_the_incident(build: Any) -> None:
    house = await build(more="roles: {commander: {schedule: first-responder, levels: [1, 2]}}\n")
    await house.alert()
    _, document = await house.api("GET", "/incidents/1")
    assert document["incident"]["roles"] == {"commander": "asha"}


async def test_a_journal_that_cannot_be_written_is_503(house: Any) -> None:
    await house.alert()
    house.journal.fail(JournalUnavailable("gone"))
    status, problem = await house.api("POST", "/incidents/1/ack?as=asha")
    assert (status, problem["code"]) == (503, "journal")


async def test_a_defect_is_500_without_a_traceback(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    await house.alert()

    async def submit(_: Any) -> None:
        raise ZeroDivisionError("secret details")

    monkeypatch.setattr(house.engine, "submit", submit)
    status, problem = await house.api("POST", "/incidents/1/ack?as=asha")
    assert (status, problem["code"]) == (500, "internal")
    assert "secret details" not in str(problem)


# ------------------------------------------------------------------ operating
async def test_a_refused_reload_lists_every_problem(house: Any) -> None:
    house.reload_answer = Reloaded(
        ok=False,
        hash="aaaaaaaaaaaa",
        problems=(Problem(file="irpd.yaml", line=3, column=5, message="no", path="x"),),
    )
    status, problem = await house.api("POST", "/reload")
    assert (status, problem["code"]) == (409, "config-refused")
    assert problem["errors"] == [
        {
            "file": "irpd.yaml",
            "line": 3,
            "column": 5,
            "path": "x",
            "message": "no",
            "allowed": [],
            "severity": "error",
        }
    ]


async def test_a_good_reload_says_what_is_in_force(house: Any) -> None:
    house.reload_answer = Reloaded(ok=True, hash="bbbbbbbbbbbb", previous="aaaaaaaaaaaa")
    status, document = await house.api("POST", "/reload")
    assert (status, document["hash"], document["changed"]) == (200, "bbbbbbbbbbbb", True)


async def test_the_configuration_is_shown_without_secrets(build: Any) -> None:
    house = await build(tokens=IN_FILE)
    _, document = await house.api("GET", "/config")
    assert document["hash"] == house.loaded.hash
    assert document["configuration"]["sources"]["alertmanager"]["auth"]["bearer"] == "***"
    assert "DOOR_SECRET" not in str(document)
    assert hashlib.sha256(b"read-me").hexdigest() not in str(document)


async def test_a_backup_goes_to_an_absolute_path_that_is_free(house: Any, tmp_path: Path) -> None:
    free, taken = tmp_path / "copy.db", tmp_path / "taken.db"
    taken.write_text("x")
    assert (await house.api("POST", "/backup", json={"path": str(free)}))[0] == 200
    assert house.backups == [str(free)]
    assert (await house.api("POST", "/backup", json={"path": str(taken)}))[0] == 409
    assert (await house.api("POST", "/backup", json={"path": "copy.db"}))[0] == 422


async def test_a_page_test_pages_the_person_and_is_in_the_ledger(house: Any) -> None:
    status, document = await house.api("POST", "/page-tests", json={"person": "ben"})
    assert (status, document["page"]["kind"]) == (202, "test")
    _, ledger = await house.api("GET", "/pages?person=ben")
    assert [page["id"] for page in ledger["pages"]] == [document["id"]]
    assert (await house.api("POST", "/page-tests", json={"person": "nobody"}))[0] == 404


async def test_what_could_not_be_read_is_listed_shown_and_read_again(
    house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.alert()
    await house.tcp.post("/webhook/open", data=b'{"broken": "by a quote')
    _, document = await house.api("GET", "/unreadable")
    (receipt,) = document["receipts"]
    assert (receipt["id"], receipt["source"], receipt["incidents"]) == ("2", "open", [2])
    assert receipt["unreadable"]
    async with house.socket.get("http://irpd/api/v1/receipts/2/body") as answer:
        assert await answer.read() == b'{"broken": "by a quote'
        assert answer.headers["Content-Type"] == "application/octet-stream"
    status, problem = await house.api("POST", "/unreadable/2/replay")
    assert (status, problem["code"]) == (409, "state")
    status, document = await house.api("POST", "/unreadable/1/replay")
    assert (status, document["accepted"], document["incidents"]) == (200, 1, [1])
    assert (await house.api("GET", "/receipts/99"))[0] == 404


async def test_an_old_receipt_is_not_linked_to_a_newer_incident_about_its_source(house: Any) -> None:
    await house.tcp.post("/webhook/open", data=b'{"broken": "by a quote')
    await house.engine.submit(c.Resolve(incident=1, by="ben"))
    house.clock.step(hours=2)
    await house.engine.submit(c.Wake(incident=1))
    await house.tcp.post("/webhook/open", data=b'{"broken": "again')
    _, document = await house.api("GET", "/unreadable")
    assert [(one["id"], one["incidents"]) for one in document["receipts"]] == [("2", [2]), ("1", [])]


# ------------------------------------------------------------------ health
async def test_health_answers_while_the_loop_does(house: Any) -> None:
    answer = await house.tcp.get("/healthz")
    assert (answer.status, (await answer.json())["status"]) == (200, "alive")


async def test_a_refused_configuration_degrades_and_a_dead_journal_is_not_ready(house: Any) -> None:
    house.checks = [Check(name="journal", ok=True)]
    assert (await (await house.tcp.get("/readyz")).json())["status"] == "ready"
    house.checks.append(Check(name="configuration", ok=False, fatal=False, detail="irpd.yaml:3:5: no"))
    answer = await house.tcp.get("/readyz")
    assert (answer.status, (await answer.json())["status"]) == (200, "degraded")
    house.checks[0] = Check(name="journal", ok=False, detail="no space left")
    answer = await house.tcp.get("/readyz")
    assert answer.status == 503
    assert (await answer.json())["checks"][0]["detail"] == "no space left"


async def test_the_gauges_follow_the_published_state(house: Any) -> None:
    async def gauges() -> str:
        return await (await house.tcp.get("/metrics")).text()

    assert 'irpd_incidents_open{level="2"} 0.0' in await gauges()
    await house.alert()
    house.clock.step(seconds=20)
    text = await gauges()
    assert 'irpd_incidents_open{level="2"} 1.0' in text
    assert "irpd_pages_pending 1.0" in text
    assert "irpd_oldest_pending_page_seconds 20.0" in text
    assert 'irpd_on_call_gap{schedule="first-responder"} 0.0' in text
    assert 'irpd_build_info{version="1.2.3"} 1.0' in text
    await house.engine.submit(c.Resolve(incident=1, by="ben"))
    text = await gauges()
    assert 'irpd_incidents_open{level="2"} 0.0' in text
    assert "irpd_pages_pending 0.0" in text
    assert "irpd_oldest_pending_page_seconds 0.0" in text


async def test_a_page_that_is_tried_again_has_waited_since_it_was_due(house: Any) -> None:
    async def oldest() -> str:
        text = await (await house.tcp.get("/metrics")).text()
        return next(line for line in text.splitlines() if line.startswith("irpd_oldest_pending_page_s"))

    await oldest()  # the gauges follow from here on
    await house.alert()
    for _ in range(3):
        house.clock.step(seconds=30)
        retry_at = house.clock.now() + timedelta(seconds=60)
        await house.engine.submit(
            c.RecordSend(page="1-1", send=1, state=SendState.PENDING, retry_at=retry_at, detail="refused")
        )
    assert await oldest() == "irpd_oldest_pending_page_seconds 90.0"
    await house.engine.submit(c.RecordSend(page="1-1", send=1, state=SendState.DELIVERED))
    assert await oldest() == "irpd_oldest_pending_page_seconds 0.0"
