"""The page behind the link: what it shows, and that only a POST acts."""

from html.parser import HTMLParser
from typing import Any

import pytest

from irpd.engine.ports import JournalFull
from irpd.model import command as c
from irpd.model.incident import State
from irpd.model.page import PageKind
from irpd.web.history import History
from irpd.web.tokens import Tokens


class Reading(HTMLParser):
    """The page as text, and its forms' actions."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.actions: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._style = tag == "style"
        if tag == "form":
            self.actions.append(dict(attrs).get("action") or "")

    def handle_data(self, data: str) -> None:
        if not self._style:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def read(html: str) -> Reading:
    reading = Reading()
    reading.feed(html)
    return reading


async def show(house: Any, address: str, **options: Any) -> tuple[int, Reading]:
    answer = await house.tcp.get(address, **options)
    return answer.status, read(await answer.text())


async def press(house: Any, address: str, data: dict[str, str] | None = None) -> tuple[int, Reading]:
    """A POST and, as a browser does, the GET that it leads to."""
    answer = await house.tcp.post(address, data=data or {})
    return answer.status, read(await answer.text())


async def test_the_page_behind_the_link_says_why_rule_by_rule_in_the_words_of_the_api(house: Any) -> None:
    incident = await house.alert()
    link = house.link(house.page_of(incident))
    _, page = await show(house, link)
    assert ("a", {"href": f"{link.rpartition('/')[2]}/why"}) in page.tags
    status, why = await show(house, f"{link}/why")
    _, document = await house.api("GET", "/incidents/1/why")
    (decision,) = document["decisions"]
    assert status == 200
    assert " ".join(" ".join(decision["text"]).split()) in why.text
    assert "Important business functions impaired" in why.text
    assert house.page_of(incident).seen_at is None, "looking why is not looking at the page"


async def test_the_page_says_why_although_the_journal_cannot_be_read(
    house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = await house.alert()

    async def broken(_history: History, _number: int) -> None:
        raise OSError("no")

    monkeypatch.setattr(History, "events", broken)
    status, why = await show(house, f"{house.link(house.page_of(incident))}/why")
    assert (status, "could be read just now" in why.text) == (200, True)


async def test_the_page_says_how_bad_what_where_and_whose_it_is(house: Any) -> None:
    incident = await house.alert()
    status, page = await show(house, house.link(house.page_of(incident)))
    assert status == 200
    for words in (
        "HIGH",
        "#1",
        "Payments failing",
        "Checkout · 42 % of users (50,400 of 120,000)",
        "Since 03:02 (Europe/Berlin)",
        "You are paged until 03:11, then Chi.",
        "Respond by 04:06.",
        "Why high",
        "I have it",
        "I can’t: page Chi now",
    ):
        assert words in page.text, words


async def test_a_get_or_head_never_acknowledges(house: Any) -> None:
    incident = await house.alert()
    link = house.link(house.page_of(incident))
    for address in (link, f"{link}/cant", f"{link}/resolve", f"{link}/note", f"{link}/undo"):
        assert (await house.tcp.get(address)).status == 200
        assert (await house.tcp.head(address)).status == 200
    assert house.engine.state.incidents[1].state is State.OPEN


async def test_the_press_acknowledges_and_leads_back_to_the_page(house: Any) -> None:
    incident = await house.alert()
    link = house.link(house.page_of(incident))
    answer = await house.tcp.post(link, allow_redirects=False)
    assert answer.status == 303
    assert answer.headers["Location"] == link.rpartition("/")[2]
    now = house.engine.state.incidents[1]
    assert (now.state, now.acknowledged_by) == (State.ACKNOWLEDGED, ("asha",))
    _, page = await show(house, link)
    assert "You have it, Asha." in page.text
    assert "Escalation has stopped." in page.text
    assert "objective met" in page.text
    assert "I have it" not in page.text


async def test_a_late_press_says_who_has_it_and_changes_nothing(house: Any) -> None:
    incident = await house.alert()
    await house.engine.submit(c.Acknowledge(incident=1, by="ben", via="link"))
    _, page = await show(house, house.link(house.page_of(incident)))
    assert "Ben took it at 03:06." in page.text
    assert "Nothing to do." in page.text
    assert "Join anyway" in page.text


async def test_join_anyway_makes_two_who_have_it(house: Any) -> None:
    incident = await house.alert()
    await house.engine.submit(c.Acknowledge(incident=1, by="ben", via="link"))
    _, page = await press(house, house.link(house.page_of(incident)))
    assert "You and Ben have it." in page.text
    assert set(house.engine.state.incidents[1].acknowledged_by) == {"asha", "ben"}


async def test_i_cant_pages_the_next_person_at_once(house: Any) -> None:
    incident = await house.alert()
    _, page = await press(house, house.link(house.page_of(incident)) + "/cant")
    assert "You handed it on." in page.text
    assert [p.person for p in house.engine.state.pages_of(1)] == ["asha", "chi"]


async def test_a_step_that_is_due_and_has_not_come_is_not_said_to_have_paged(house: Any) -> None:
    link = house.link(house.page_of(await house.alert()))
    house.clock.step(minutes=6)
    _, page = await show(house, link)
    assert "Nobody has it yet. Chi is to be paged; due since 03:11." in page.text


async def test_the_step_that_came_is_said_to_have_paged(house: Any) -> None:
    link = house.link(house.page_of(await house.alert()))
    house.clock.step(minutes=6)
    await house.engine.submit(c.Wake(incident=1))
    _, page = await show(house, link)
    assert "Nobody has it yet. Chi was paged at 03:12." in page.text


async def test_the_cant_link_asks_before_it_hands_on(house: Any) -> None:
    incident = await house.alert()
    _, page = await show(house, house.link(house.page_of(incident)) + "/cant")
    assert page.text.index("I can’t: page Chi now") < page.text.index("I have it after all")
    assert all(action.startswith("../") for action in page.actions)


async def test_undo_gives_it_back_and_the_path_goes_on(house: Any) -> None:
    incident = await house.alert()
    link = house.link(house.page_of(incident))
    await press(house, link)
    _, page = await press(house, link + "/undo")
    assert "Undone; Chi Okafor is paged now." in page.text
    assert house.engine.state.incidents[1].state is State.OPEN


async def test_undo_while_another_has_it_does_not_say_that_the_path_goes_on(house: Any) -> None:
    link = house.link(house.page_of(await house.alert()))
    await press(house, link)
    await house.engine.submit(c.Acknowledge(incident=1, by="chi", via="cli"))
    _, page = await press(house, link + "/undo")
    assert "still has it." in page.text
    assert "Undone" not in page.text


async def test_undo_of_what_one_never_had_says_so(house: Any) -> None:
    link = house.link(house.page_of(await house.alert()))
    _, page = await press(house, link + "/undo")
    assert "You don't have #1." in page.text


async def test_what_was_answered_on_one_page_shows_on_no_other(house: Any) -> None:
    incident = await house.alert()
    link = house.link(house.page_of(incident))
    answer = await house.tcp.post(link + "/cant", allow_redirects=False)
    key = answer.headers["Location"].partition("?")[2]
    assert "Passed on: Chi Okafor is paged now." in (await show(house, f"{link}?{key}"))[1].text
    other = house.link(house.page_of(incident, "chi"))
    assert "Passed on" not in (await show(house, f"{other}?{key}"))[1].text


async def test_a_note_goes_into_the_timeline(house: Any) -> None:
    incident = await house.alert()
    link = house.link(house.page_of(incident))
    _, page = await press(house, link + "/note", {"text": "looking at <b>pay-2</b>"})
    assert "Noted on #1." in page.text
    facts = [f.event for f in house.journal.facts(subject="incident:1")]
    assert any(getattr(e, "text", "") == "looking at <b>pay-2</b>" for e in facts)


async def over_and_out_of_memory(house: Any, link: str) -> None:
    await house.alert(status="resolved", endsAt="2026-11-24T02:06:30Z")
    await press(house, link + "/resolve")
    house.clock.step(hours=2)
    await house.engine.submit(c.Wake(incident=1))
    await house.until(lambda: 1 not in house.engine.state.incidents)


async def test_a_note_on_what_has_left_memory_goes_into_the_timeline_too(house: Any) -> None:
    link = house.link(house.page_of(await house.alert()))
    await over_and_out_of_memory(house, link)
    _, page = await show(house, link)
    assert "Add a note" in page.text
    status, _ = await press(house, link + "/note", {"text": "it was the disk"})
    facts = [f.event for f in house.journal.facts(subject="incident:1")]
    assert (status, getattr(facts[-1], "text", "")) == (200, "it was the disk")


async def test_a_note_that_could_not_be_saved_is_still_in_its_field(
    house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = house.link(house.page_of(await house.alert()))

    async def full(_command: object) -> None:
        raise JournalFull("no space")

    monkeypatch.setattr(house.engine, "submit", full)
    status, page = await press(house, link + "/note", {"text": "it was </textarea> the disk"})
    assert (status, "Please press again." in page.text) == (503, True)
    assert "it was </textarea> the disk" in page.text
    assert [(tag, attrs["open"]) for tag, attrs in page.tags if "open" in attrs] == [("details", None)]


async def test_a_note_after_the_links_end_is_not_recorded_and_the_page_says_so(house: Any) -> None:
    link = house.link(house.page_of(await house.alert()))
    await press(house, link + "/resolve")
    house.clock.step(hours=72, minutes=1)
    before = list(house.journal.facts(subject="incident:1"))
    status, page = await press(house, link + "/note", {"text": "it was the disk"})
    assert status == 410
    assert "Your note was not recorded: this link has ended." in page.text
    assert "it was the disk" in page.text
    assert "Add the note" not in page.text
    assert list(house.journal.facts(subject="incident:1")) == before


@pytest.mark.parametrize("text", ["", "   ", "\n"])
async def test_an_empty_note_is_refused_in_words(house: Any, text: str) -> None:
    incident = await house.alert()
    status, page = await press(house, house.link(house.page_of(incident)) + "/note", {"text": text})
    assert (status, "There was nothing in it." in page.text) == (422, True)


async def test_a_form_of_megabytes_is_refused(house: Any) -> None:
    incident = await house.alert()
    status, page = await press(house, house.link(house.page_of(incident)) + "/note", {"text": "x" * 10**6})
    assert (status, "That was too long." in page.text) == (413, True)


async def test_resolve_by_link_ends_it_and_says_so(house: Any) -> None:
    incident = await house.alert()
    link = house.link(house.page_of(incident))
    await press(house, link)
    house.clock.step(minutes=64)
    _, page = await press(house, link + "/resolve", {"because": "failed over"})
    assert "It is over. Resolved at 04:10 by Asha after 1 h 4 min." in page.text
    now = house.engine.state.incidents[1]
    assert (now.state, now.resolved_by) == (State.RESOLVED, "asha")


async def test_when_all_signals_are_resolved_the_page_asks_whether_it_is_over(house: Any) -> None:
    incident = await house.alert()
    link = house.link(house.page_of(incident))
    await press(house, link)
    await house.alert(status="resolved", endsAt="2026-11-24T02:06:30Z")
    _, page = await show(house, link)
    assert "All its signals are resolved; a person must say that it is over." in page.text
    await press(house, link + "/resolve")
    assert house.engine.state.incidents[1].state is State.RESOLVED


async def test_another_name_takes_it_and_this_one_never_had_it(house: Any) -> None:
    incident = await house.alert()
    link = house.link(house.page_of(incident))
    await press(house, link)
    _, page = await press(house, link, {"person": "ben"})
    assert "Ben took it" in page.text
    assert house.engine.state.incidents[1].acknowledged_by == ("ben",)
    assert [p.person for p in house.engine.state.pages_of(1)] == ["asha"], "nobody was paged in between"


async def test_a_name_that_nobody_has_is_refused(house: Any) -> None:
    incident = await house.alert()
    status, page = await press(house, house.link(house.page_of(incident)), {"person": "mallory"})
    assert (status, "There is no such person." in page.text) == (422, True)
    assert house.engine.state.incidents[1].state is State.OPEN


async def test_a_link_works_after_its_incident_has_left_memory(house: Any) -> None:
    incident = await house.alert()
    link = house.link(house.page_of(incident))
    await house.alert(status="resolved", endsAt="2026-11-24T02:06:30Z")
    await press(house, link + "/resolve")
    house.clock.step(hours=2)
    await house.engine.submit(c.Wake(incident=1))
    await house.until(lambda: 1 not in house.engine.state.incidents)
    status, page = await show(house, link)
    assert (status, "It is over." in page.text) == (200, True)
    status, page = await press(house, link)
    assert (status, "It is over." in page.text) == (200, True)


async def test_a_link_ends_72_hours_after_its_incident(house: Any) -> None:
    incident = await house.alert()
    link = house.link(house.page_of(incident))
    await press(house, link + "/resolve")
    house.clock.step(hours=71, minutes=59)
    assert (await show(house, link))[0] == 200
    house.clock.step(minutes=2)
    status, page = await show(house, link)
    assert status == 410
    assert "It is over. Resolved at 24 Nov 03:06 by Asha" in page.text
    assert "irpd incident show 1" in page.text
    assert page.actions == []
    status, _ = await press(house, link)
    assert status == 410


async def test_a_link_of_an_incident_that_is_still_open_does_not_end(house: Any) -> None:
    incident = await house.alert()
    house.clock.step(days=30)
    assert (await show(house, house.link(house.page_of(incident))))[0] == 200


async def test_unknown_tokens_are_404_then_429_and_known_ones_go_on_working(house: Any) -> None:
    incident = await house.alert()
    statuses = [(await house.tcp.get(f"/a/{n:011d}")).status for n in range(40)]
    assert statuses[:20] == [404] * 20
    assert set(statuses[20:]) == {429}
    assert (await show(house, house.link(house.page_of(incident))))[0] == 200
    house.clock.step(seconds=7)
    assert (await house.tcp.get("/a/unknown0000")).status == 404


@pytest.mark.parametrize("token", ["x", "a" * 5000, "%00", "..%2f..", "<script>", "ä" * 11, "' OR 1=1"])
async def test_a_hostile_token_is_just_unknown(house: Any, token: str) -> None:
    answer = await house.tcp.get(f"/a/{token}")
    assert answer.status == 404
    assert "<script>" not in await answer.text()


async def test_what_senders_write_is_shown_as_text(house: Any) -> None:
    incident = await house.alert(
        annotations={
            "summary": "<script>alert(1)</script>",
            "runbook_url": "javascript:alert(1)",
            "dashboard_url": "data:text/html,x",
        },
        generatorURL="javascript:alert(2)",
    )
    html = await (await house.tcp.get(house.link(house.page_of(incident)))).text()
    assert "<script" not in html
    assert "javascript:" not in html
    assert "data:" not in html


async def test_every_answer_is_locked_down(house: Any) -> None:
    incident = await house.alert()
    link = house.link(house.page_of(incident))
    for answer in (await house.tcp.get(link), await house.tcp.get("/a/nothing"), await house.tcp.post(link)):
        headers = answer.headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"
        assert "noindex" in headers["X-Robots-Tag"]
        html = await answer.text()
        assert "<script" not in html
        assert len(html.encode()) < 20_000


async def test_the_page_has_one_heading_one_language_and_a_label_for_every_field(house: Any) -> None:
    incident = await house.alert()
    _, page = await show(house, house.link(house.page_of(incident)))
    tags = [tag for tag, _ in page.tags]
    assert tags.count("h1") == 1
    assert dict(page.tags)["html"] == {"lang": "en"}
    labelled = {attrs["for"] for tag, attrs in page.tags if tag == "label"}
    fields = {attrs["id"] for tag, attrs in page.tags if tag in ("input", "textarea", "select")}
    assert fields
    assert fields == labelled
    assert "style" not in {name for _, attrs in page.tags for name in attrs}, (
        "the policy forbids style attributes"
    )


async def test_when_it_cannot_be_saved_the_page_says_to_press_again(
    house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = await house.alert()

    async def submit(_command: Any) -> None:
        raise JournalFull("no space")

    monkeypatch.setattr(house.engine, "submit", submit)
    status, page = await press(house, house.link(house.page_of(incident)))
    assert (status, "Please press again." in page.text) == (503, True)
    assert "I have it" in page.text


async def test_a_browser_that_goes_there_is_noted_as_having_seen_it_and_a_scanner_is_not(house: Any) -> None:
    incident = await house.alert()
    page = house.page_of(incident)
    await show(house, house.link(page))
    assert house.engine.state.pages[page.id].seen_at is None
    await show(house, house.link(page), headers={"Sec-Fetch-Mode": "navigate"})
    await house.until(lambda: house.engine.state.pages[page.id].seen_at)


async def test_a_test_page_is_answered_by_its_button(house: Any) -> None:
    page_id = await house.engine.submit(c.TestPage(person="ben", by="local:root"))
    page = house.engine.state.pages[page_id]
    assert page.kind is PageKind.TEST
    _, shown = await show(house, house.link(page), headers={"Sec-Fetch-Mode": "navigate"})
    assert "This is only a test, Ben." in shown.text
    assert house.engine.state.pages[page_id].seen_at is None, "looking is not answering"
    _, shown = await press(house, house.link(page))
    assert "It works, Ben." in shown.text


async def test_the_link_of_a_merged_incident_acts_on_the_one_that_it_is_part_of(house: Any) -> None:
    await house.alert()
    await house.alert(fingerprint="0123456789abcdef", labels={"alertname": "B", "service": "checkout"})
    page = house.engine.state.pages_of(2)[0]
    await house.engine.submit(c.Merge(incident=2, into=1, by="asha"))
    _, shown = await show(house, house.link(page))
    assert "#2 is part of #1 now." in shown.text
    assert "I have it" in shown.text
    _, shown = await press(house, house.link(page))
    assert "You have it, Asha." in shown.text
    assert house.engine.state.incidents[1].acknowledged_by == ("asha",)


async def test_a_page_that_cannot_be_made_still_has_its_button(
    house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = await house.alert()
    link = house.link(house.page_of(incident))

    def broken(*_: Any) -> None:
        raise ValueError("a defect")

    monkeypatch.setattr("irpd.web.links.screen_for", broken)
    status, shown = await show(house, link)
    assert (status, "I have it" in shown.text) == (200, True)
    assert shown.actions[0] == link.rpartition("/")[2]
    await press(house, link)
    assert house.engine.state.incidents[1].acknowledged_by == ("asha",)


@pytest.mark.parametrize(
    "body", [b"\xff\xfe=%ff", b"&" * 1000, b"a=1&" * 500, b"%", b"person=" + b"x" * 5000]
)
async def test_a_hostile_form_is_refused_or_ignored(house: Any, body: bytes) -> None:
    incident = await house.alert()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await house.tcp.post(house.link(house.page_of(incident)), data=body, headers=headers)
    assert answer.status in (200, 413, 422)


async def test_a_restart_knows_the_links_of_incidents_that_have_left_memory(house: Any) -> None:
    incident = await house.alert()
    page = house.page_of(incident)
    await house.alert(status="resolved", endsAt="2026-11-24T02:06:30Z")
    await press(house, house.link(page) + "/resolve")
    house.clock.step(hours=2)
    await house.engine.submit(c.Wake(incident=1))
    await house.until(lambda: 1 not in house.engine.state.incidents)
    history = History(house.services.open_reader)
    tokens = Tokens(house.engine, house.links, history)
    await tokens.build()
    history.close()
    assert tokens.page_id(house.links.token(page)) == page.id
