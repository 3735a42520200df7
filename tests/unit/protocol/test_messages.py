"""Messages to audiences: who is told what, when, by which words of the core."""

from contextlib import suppress
from datetime import timedelta

import pytest
from harness.examples import examples
from harness.house import CONFIG, House, alert, plain, policy_of, replayed
from hypothesis import given, settings
from hypothesis import strategies as st

from irpd.model import command as c
from irpd.model import event as e
from irpd.model.notice import News, Notice, Template
from irpd.model.page import PageKind
from irpd.protocol import announce, messages
from irpd.protocol.draft import Draft
from irpd.protocol.messages import notice_of
from irpd.protocol.telling import changed, preview, preview_draft
from irpd.protocol.todo import todo

ROLES = """
roles:
  commander: {person: dora, levels: [1, 2]}
"""
AUDIENCES = (
    ROLES
    + """
audiences:
  team: {via: mail, language: de}
  executives: {via: mail, to: [board@example.com, ceo@example.com]}
  support-desk: {via: sms, levels: [1, 2, 3], services: [checkout]}
  customers: {via: mail, send: draft, approve: [commander, fay]}
  legal: {via: mail, page: [ben]}
"""
)


def house(more: str = AUDIENCES) -> House:
    never = "levels:\n  critical: {stale_after: 0s}\n  high: {stale_after: 0s}\n"
    return House(policy_of(CONFIG.replace("levels:\n", never) + more))


def told(here: House, *, since: int = 0) -> list[str]:
    """What went out, once for each message: ``5m team initial``."""
    found: dict[str, str] = {}
    for at, _person, _channel, page in here.shown[since:]:
        if page.notice is not None:
            minutes = int((at - here.began).total_seconds()) // 60
            found[page.id] = f"{minutes}m {page.notice.audience} {page.notice.template}"
    return list(found.values())


def last(here: House, audience: str) -> Notice:
    return [
        page.notice
        for _, _, _, page in here.shown
        if page.notice is not None and page.notice.audience == audience
    ][-1]


def update(here: House, progress: str = "failed over", **more: object) -> str:
    return str(here.do(c.SendUpdate(incident=1, by="dora", progress=progress, **more)).text)  # type: ignore[arg-type]


def test_at_the_opening_each_audience_of_the_level_is_told_at_once() -> None:
    here = house()
    here.report(alert(want=1))
    assert told(here) == ["0m team initial", "0m executives initial", "0m support-desk initial"]


def test_each_address_of_an_audience_gets_a_message_of_its_own() -> None:
    here = house()
    here.report(alert(want=1))
    page = next(
        page for *_, page in here.shown if page.notice is not None and page.notice.audience == "executives"
    )
    assert [send.to for send in page.sends] == ["board@example.com", "ceo@example.com"]


def test_executives_hear_of_levels_1_and_2_only_as_the_protocol_says() -> None:
    here = house()
    here.report(alert(want=3))
    assert told(here) == ["0m team initial", "0m support-desk initial"]
    here.forward("5m")
    here.set_level(2)
    assert told(here)[2:] == ["5m executives initial"]


def test_an_audience_of_a_service_is_brought_in_when_the_incident_reaches_it() -> None:
    here = house()
    here.report(alert("a", labels={"service": "login"}, grouped=True))
    assert told(here) == ["0m team initial", "0m executives initial"]
    here.do(c.Receive(receipt=9, source="am", signals=(alert("b"),)))
    here.do(c.Merge(incident=2, into=1, by="asha"))
    assert "0m support-desk initial" in told(here)


def test_legal_is_told_and_paged_at_once_when_a_regime_applies_and_not_before() -> None:
    rules = AUDIENCES + "# gdpr\n"
    here = House(policy_of(CONFIG + rules, rules=RULES_GDPR))
    here.report(alert(want=4))
    assert "0m legal initial" not in told(here)
    here.report(alert("b", labels={"leak": "yes"}, want=None))
    assert "0m legal initial" in told(here)
    assert here.asked("audience:legal") == ["0m ben audience:legal"]


RULES_GDPR = """
version: 1
rules:
  - {id: four, match: {labels: {want: "4"}}, level: 4, because: it says so}
  - {id: leak, match: {labels: {leak: "yes"}}, level: 4, regimes: [gdpr], because: personal data}
"""


def test_what_legal_answers_stops_no_path() -> None:
    here = House(
        policy_of(CONFIG + AUDIENCES, rules=RULES_GDPR.replace("level: 4, regimes", "level: 1, regimes"))
    )
    here.report(alert("b", labels={"leak": "yes"}, want=None))
    page = next(page for *_, page in here.shown if page.person == "ben")
    answer = here.do(c.Acknowledge(incident=1, by="ben", page=page.id))
    assert answer.text == "You know of #1. Who works on it goes on."
    assert here.running()
    assert here.incident().state == "open"
    assert "asha" in here.live()
    assert "ben" not in here.live()


def test_where_who_is_to_know_cannot_be_reached_fallback_is_paged() -> None:
    here = House(policy_of(CONFIG + AUDIENCES, rules=RULES_GDPR))
    here.broken = {("ben", "mail"), ("ben", "sms")}
    here.report(alert("b", labels={"leak": "yes"}, want=None))
    assert here.asked("audience:legal") == ["0m emil audience:legal"]


def test_the_end_is_told_to_everybody_who_was_told_of_it_also_below_their_level() -> None:
    here = house()
    here.report(alert(want=2))
    here.set_level(4)
    before = len(here.shown)
    here.resolve()
    assert told(here, since=before) == [
        "0m team resolution",
        "0m executives resolution",
        "0m support-desk resolution",
    ]


def test_what_irpd_reports_of_itself_goes_to_no_audience() -> None:
    here = house()
    here.do(c.TellOperators(key="disk", title="The disk is full", level=1))
    assert told(here) == []


def test_a_second_signal_or_a_repeat_tells_nobody_again() -> None:
    here = house()
    here.report(alert("a", grouped=True))
    before = len(here.shown)
    here.report(alert("a", grouped=True))
    here.report(alert("b", grouped=True))
    assert told(here, since=before) == []


def test_an_update_goes_to_all_that_were_told_with_the_facts_that_came_with_it() -> None:
    here = house()
    here.report(alert(want=2))
    here.forward("10m")
    due = here.now + timedelta(hours=1)
    said = update(here, impact="cards fail", estimated_resolution=due)
    assert said.startswith("Told team, executives, support-desk. A draft waits for approval: customers (")
    notice = last(here, "executives")
    assert (notice.template, notice.progress, notice.impact, notice.estimated_resolution, notice.by) == (
        Template.UPDATE, "failed over", "cards fail", due, "dora",
    )  # fmt: skip
    assert here.incident().response.facts["impact"] == "cards fail"


def test_an_update_says_when_the_next_one_is_due_by_the_levels_interval() -> None:
    here = house()
    here.report(alert(want=1))
    assert last(here, "executives").next_update == here.now + timedelta(minutes=30)
    here.forward("10m")
    update(here)
    assert last(here, "executives").next_update == here.now + timedelta(minutes=30)


def test_who_has_heard_nothing_yet_is_told_what_it_is() -> None:
    here = house()
    here.report(alert(want=3))
    update(here, to=("executives",))
    notice = last(here, "executives")
    assert notice.template is Template.INITIAL
    assert notice.progress == "failed over"


@pytest.mark.parametrize(
    "command, says",
    [
        (c.SendUpdate(incident=1, by="dora", progress=" "), "progress is missing"),
        (c.SendUpdate(incident=1, by="dora", progress="x", to=("exec",)), "no audience is called"),
        (c.SendUpdate(incident=1, by="dora", progress="x" * 2001), "progress has 2,001 characters"),
        (c.ApproveDraft(incident=1, by="dora", audience="team"), "drafts wait for: customers"),
        (c.ApproveDraft(incident=1, by="asha", audience="customers"), "are approved by Dora, Fay"),
        (c.WithdrawDraft(incident=1, by="asha", audience="customers"), "are approved by Dora, Fay"),
    ],
)  # fmt: skip
def test_what_cannot_be_told_is_refused_with_what_is_missing(command: c.Command, says: str) -> None:
    here = house()
    here.report(alert(want=1))
    with pytest.raises(c.Refusal) as refusal:
        here.do(command)
    assert says in refusal.value.text


def test_without_audiences_an_update_says_that_there_are_none() -> None:
    here = House()
    here.report(alert())
    with pytest.raises(c.Refusal, match="nobody to tell"):
        update(here)


def test_a_draft_waits_until_somebody_who_may_has_approved_it() -> None:
    here = house()
    here.report(alert(want=1))
    here.forward("1h")
    assert not [line for line in told(here) if "customers" in line]
    answer = here.do(c.ApproveDraft(incident=1, by="fay", audience="customers"))
    assert answer.text == "Sent to customers."
    assert told(here)[-1] == "60m customers initial"
    assert here.incident().response.drafts == {}


def test_those_who_may_approve_hear_quietly_that_a_draft_waits() -> None:
    here = house()
    here.report(alert(want=1))
    heard = {person: page.text for _, person, _, page in here.shown if page.reason == "draft"}
    text = "A draft to customers waits for your approval: irpd incident approve 1 customers"
    assert heard == {"dora": text, "fay": text}
    assert all(page.kind is PageKind.UPDATE for *_, page in here.shown if page.reason == "draft")


def test_what_is_approved_says_the_facts_as_they_are_then() -> None:
    here = house()
    here.report(alert(want=2))
    here.do(c.SetFacts(incident=1, by="asha", texts={"workaround": "pay by invoice"}))
    here.set_level(1)
    here.do(c.ApproveDraft(incident=1, by="fay", audience="customers"))
    assert (last(here, "customers").workaround, last(here, "customers").level) == ("pay by invoice", 1)


def test_a_draft_that_a_person_withdrew_is_not_made_again_by_itself() -> None:
    here = house()
    here.report(alert("a", want=1, grouped=True))
    here.do(c.WithdrawDraft(incident=1, by="fay", audience="customers", because="nobody noticed"))
    here.report(alert("b", want=1, grouped=True))
    assert here.incident().response.drafts == {}
    here.resolve()
    assert not [line for line in told(here) if "customers" in line]


def test_a_draft_of_what_is_over_is_withdrawn_and_who_was_not_told_hears_no_end() -> None:
    here = house()
    here.report(alert(want=1))
    here.resolve()
    assert here.incident().response.drafts == {}
    assert here.of_type(e.DraftWithdrawn)[-1].because == "it is over"


def test_a_person_may_ask_for_a_draft_also_to_an_audience_that_is_told_at_once() -> None:
    here = house()
    here.report(alert(want=1))
    before = len(here.shown)
    update(here, to=("team",), draft=True)
    assert told(here, since=before) == []
    assert here.incident().response.drafts["team"].notice.progress == "failed over"


def test_a_newer_message_takes_the_place_of_a_draft() -> None:
    here = house()
    here.report(alert(want=1))
    update(here, "first", to=("team",), draft=True)
    update(here, "second", to=("team",))
    assert "team" not in here.incident().response.drafts


def test_what_was_not_sent_when_it_ended_is_not_sent_and_the_end_is() -> None:
    here = house()
    here.delivers = False
    here.report(alert(want=1))
    here.quietly(c.Resolve(incident=1, by="asha"))
    here.delivers = True
    here.deliver()
    assert told(here) == ["0m team resolution", "0m executives resolution", "0m support-desk resolution"]


def test_who_heard_that_it_is_over_hears_that_it_is_back() -> None:
    here = house()
    here.report(alert(want=1))
    here.resolve()
    before = len(here.shown)
    here.do(c.Reopen(incident=1, by="asha"))
    assert told(here, since=before) == ["0m team update", "0m executives update", "0m support-desk update"]
    assert last(here, "team").news is News.REOPENED


def test_who_was_told_of_what_became_part_of_another_hears_it_once_from_that_one() -> None:
    here = house()
    here.report(alert("a", want=1))
    here.report(alert("b", want=1, labels={"service": "login"}))
    before = len(here.shown)
    here.do(c.Merge(incident=2, into=1, by="asha"))
    assert told(here, since=before) == ["0m team update", "0m executives update"]
    assert last(here, "team").absorbs == (2,)
    assert last(here, "team").incident == 1


def test_a_storm_tells_each_audience_once_of_all_that_became_part_of_it() -> None:
    here = house(AUDIENCES + "storm: {incidents: 4, within: 5m}\n")
    for key in "abcd":
        here.report(alert(key, want=1))
    about = [line for line in told(here) if "team" in line]
    assert about == ["0m team initial"] * 4 + ["0m team update"]
    assert last(here, "team").absorbs == (1, 2, 3)


def test_once_it_is_over_what_became_known_since_is_sent_as_its_end() -> None:
    here = house()
    here.report(alert(want=1))
    here.do(c.Resolve(incident=1, by="asha", because="rolled back 1182"))
    assert (last(here, "team").resolution, last(here, "team").root_cause) == ("rolled back 1182", "")
    here.do(c.SetFacts(incident=1, by="asha", texts={"root-cause": "a lock", "resolution": "lock removed"}))
    update(here, "", to=("team",))
    assert (last(here, "team").template, last(here, "team").root_cause) == (Template.RESOLUTION, "a lock")
    with pytest.raises(c.Refusal, match="is over: what is told of it is its end"):
        update(here, "more")


def test_what_ends_by_itself_says_so() -> None:
    here = house()
    here.report(alert(want=3))
    here.report(alert(status="resolved", want=3))
    here.forward("15m")
    assert last(here, "team").news is News.BY_ITSELF
    assert told(here)[-2:] == ["15m team resolution", "15m support-desk resolution"]


def test_it_is_not_closed_by_hand_while_its_end_is_on_its_way() -> None:
    here = house()
    here.report(alert(want=1))
    here.delivers = False
    here.quietly(c.Resolve(incident=1, by="asha"))
    with pytest.raises(c.Refusal, match="its message to team, executives, support-desk is still on its way"):
        here.quietly(c.Close(incident=1, by="asha"))
    here.delivers = True
    here.deliver()
    here.do(c.Close(incident=1, by="asha"))
    assert here.incident().state == "closed"


def test_it_stays_a_day_while_the_message_of_its_end_waits_for_approval() -> None:
    here = house()
    here.report(alert(want=1))
    here.do(c.ApproveDraft(incident=1, by="fay", audience="customers"))
    here.resolve()
    with pytest.raises(c.Refusal, match="drafts wait for approval"):
        here.do(c.Close(incident=1, by="asha"))
    here.forward("5h")
    assert here.incident().state == "resolved"
    here.do(c.ApproveDraft(incident=1, by="fay", audience="customers"))
    assert told(here)[-1] == "300m customers resolution"
    here.forward("10m")
    assert here.incident().state == "closed"


def test_after_a_day_nobody_is_asked_for_it_any_more() -> None:
    here = house()
    here.report(alert(want=1))
    here.do(c.ApproveDraft(incident=1, by="fay", audience="customers"))
    here.resolve()
    here.forward("1d")
    assert here.incident().state == "closed"
    assert here.of_type(e.DraftWithdrawn)[-1].because == "closed before somebody approved it"


def test_it_stays_ten_minutes_for_its_last_messages_however_soon_it_may_close() -> None:
    here = house(AUDIENCES + "timing: {reopen_within: 0s}\n")
    here.report(alert(want=1))
    here.resolve()
    here.forward("9m")
    assert here.incident().state == "resolved"
    here.forward("1m")
    assert here.incident().state == "closed"


def test_an_address_that_cannot_be_reached_is_told_to_who_has_it() -> None:
    here = house()
    here.broken = {"sms"}
    here.report(alert(want=3))
    here.ack("asha")
    here.broken = set()
    here.forward("1m")
    here.broken = {("", "mail")}
    update(here, to=("executives",))
    here.broken = set()
    here.forward("5m")
    texts = [
        page.text for _, person, _, page in here.shown if page.kind is PageKind.UPDATE and person == "asha"
    ]
    assert (
        "The message to executives (board@example.com) could not be sent by mail; tell them otherwise."
        in texts
    )


def test_a_message_that_fails_pages_nobody_and_moves_no_path() -> None:
    quiet, failing = house(ROLES), house()
    failing.broken = {("", "mail"), ("", "sms")}
    for here in (quiet, failing):
        here.report(alert(want=1))
        here.forward("12m")
    assert failing.phones() == quiet.phones()


def test_messages_are_no_pages_to_a_person() -> None:
    plain_house, here = house(ROLES), house()
    for one in (plain_house, here):
        one.report(alert(want=2))
        one.forward("6m")
        one.ack("chi")
        one.forward("1m")
        one.resolve(by="chi")
    assert here.phones() == plain_house.phones()
    heard = [
        person for _, person, _, page in here.shown if page.kind is PageKind.UPDATE and page.reason != "draft"
    ]
    assert heard == [person for _, person, _, page in plain_house.shown if page.kind is PageKind.UPDATE]


def test_a_replay_of_the_events_gives_the_same_rows() -> None:
    here = house()
    here.report(alert(want=1))
    update(here, to=("team",), draft=True)
    here.do(c.ApproveDraft(incident=1, by="dora", audience="team"))
    here.do(c.WithdrawDraft(incident=1, by="fay", audience="customers"))
    here.resolve()
    assert plain(replayed(here.facts)) == plain(here.rows)


def test_what_is_to_be_done_names_drafts_that_wait_and_the_next_update() -> None:
    here = house()
    here.report(alert(want=1))
    due = {task.id: task for task in todo(here.policy.configuration, here.incident())}
    assert due["draft-customers"].command == "irpd incident approve 1 customers"
    assert due["draft-customers"].persons == ("dora", "fay")
    assert due["update"].command == 'irpd incident update 1 --progress "WHAT WAS DONE"'
    assert due["update"].due_at == here.now + timedelta(minutes=30)
    here.resolve()
    assert not {"draft-customers", "update"} & {
        task.id for task in todo(here.policy.configuration, here.incident())
    }


def test_a_draft_to_an_audience_that_is_in_the_files_no_more_can_only_be_withdrawn() -> None:
    here = house()
    here.report(alert(want=1))
    here.policy = policy_of(CONFIG + AUDIENCES.replace("customers: {via: mail", "others: {via: mail"))
    with pytest.raises(c.Refusal, match="has no audience customers any more"):
        here.do(c.ApproveDraft(incident=1, by="fay", audience="customers"))
    here.do(c.WithdrawDraft(incident=1, by="asha", audience="customers"))
    assert "customers" not in here.incident().response.drafts
    here.resolve()
    assert here.incident().state == "resolved"


def test_a_defect_in_telling_keeps_nobody_from_being_paged(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(announce, "notice_of", broken)
    here = house()
    here.report(alert(want=1))
    assert here.people() == ["0m asha"]
    assert told(here) == []


def test_a_preview_says_what_would_be_sent_and_changes_nothing() -> None:
    here = house()
    here.report(alert(want=1))
    before = here.incident()
    command = c.SendUpdate(incident=1, by="dora", progress="failed over", impact="no cards")
    here.forward("5m")
    shown = preview(here.policy, here.incident(), command, here.now)
    assert here.incident().response == before.response
    sent = len(here.shown)
    here.do(command)
    said = {page.notice.audience: page.notice for *_, page in here.shown[sent:] if page.notice is not None}
    assert {one.audience: one for one in shown if one.audience != "customers"} == said
    draft = preview_draft(here.policy, here.incident(), "customers", here.now)
    here.do(c.ApproveDraft(incident=1, by="fay", audience="customers"))
    assert draft == last(here, "customers")


def test_what_changed_since_an_audience_was_told_last_is_named() -> None:
    here = house()
    here.report(alert(want=2))
    last_told = here.incident().response.told["team"]
    here.set_level(1)
    here.do(c.SetFacts(incident=1, by="asha", texts={"workaround": "pay by invoice"}))
    notice = notice_of(here.policy.configuration, here.incident(), "team", Template.UPDATE, here.now)
    assert changed(last_told, notice) == [("level", 2, 1), ("workaround", "", "pay by invoice")]
    assert changed(None, notice) == []


ACTS = st.sampled_from(
    [
        "fire_a", "fire_b", "end_a", "end_b", "ack", "resolve", "reopen", "level_1", "level_3", "update",
        "draft", "approve", "withdraw", "merge", "close", "wait", "long", "break", "mend",
    ]
)  # fmt: skip


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(ACTS, min_size=3, max_size=25))
def test_whatever_happens_audiences_are_told_soundly_and_people_are_paged_as_without_them(
    acts: list[str],
) -> None:
    without, here = house(ROLES), house()
    for one in (without, here):
        for act in acts:
            play(one, act)
        one.forward("2h")
    assert here.phones() == without.phones()
    assert plain(replayed(here.facts)) == plain(here.rows)
    for number in here.rows.incidents:
        told_of: dict[str, list[Template]] = {}
        for event in here.of_type(e.Paged, number):
            if event.page.notice is not None:
                told_of.setdefault(event.page.notice.audience, []).append(event.page.notice.template)
        for templates in told_of.values():
            assert templates.count(Template.INITIAL) <= 1
            assert templates[0] is not Template.RESOLUTION
        if here.rows.incidents[number].state in ("resolved", "closed"):
            assert not list(
                messages.unsent(Draft(here.rows, here.policy, here.now), here.rows.incidents[number])
            )


def play(here: House, act: str) -> None:
    """One thing that happens, if it can."""
    word, _, what = act.partition("_")
    commands: dict[str, c.Command] = {
        "ack": c.Acknowledge(incident=1, by="asha"),
        "resolve": c.Resolve(incident=1, by="chi"),
        "reopen": c.Reopen(incident=1, by="chi"),
        "level": c.SetLevel(
            incident=1, by="chi", level=int(what or 2) if word == "level" else 2, because="so"
        ),
        "merge": c.Merge(incident=2, into=1, by="chi"),
        "close": c.Close(incident=1, by="chi"),
    }
    telling: dict[str, c.Command] = {
        "update": c.SendUpdate(incident=1, by="emil", progress="done"),
        "draft": c.SendUpdate(incident=1, by="emil", progress="done", draft=True, to=("team",)),
        "approve": c.ApproveDraft(incident=1, by="fay", audience="customers"),
        "withdraw": c.WithdrawDraft(incident=1, by="fay", audience="customers"),
    }
    match word:
        case "fire":
            here.report(alert(what, want=2))
        case "end":
            here.report(alert(what, "resolved", want=2))
        case "wait" | "long":
            here.forward("7m" if word == "wait" else "45m")
        case "break" | "mend":
            here.broken = {("", "mail")} if word == "break" else set()
        case _:
            if word in telling and not here.policy.configuration.audiences:
                return
            with suppress(c.Refusal):
                here.do(commands.get(word) or telling[word])
