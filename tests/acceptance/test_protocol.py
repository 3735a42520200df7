"""A level-1 incident from its first alert to its report: every step of the protocol leaves its trace.

The real service on a clock that fast-forwards. What each audience was sent is compared with the protocol's
templates, line by line, as they stand in the document; the whole exchange with a golden file beside.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness.fastforward import Service
from harness.house import CONFIG, policy_of

from irpd.engine.ports import Fact
from irpd.model import command as c
from irpd.model import event as e
from irpd.model.incident import State
from irpd.model.stage import Stage
from irpd.protocol.todo import todo
from irpd.review import report_markdown, report_on

PROTOCOL = Path(__file__).parents[2] / "docs" / "incident-response-protocol.md"
GOLDEN = Path(__file__).parent / "golden" / "level-1.txt"
CONFIGURATION = (
    CONFIG
    + """
roles:
  commander: {person: dora}
  communications: {person: fay}
  technical-lead: {person: chi}
audiences:
  team: {via: mail}
  executives: {via: mail, to: [board@example.com]}
  customers: {via: mail, to: [customers@example.com], send: draft, approve: [commander]}
  legal: {via: mail, page: [ben]}
"""
)


class Script:
    """The incident, and what people do about it at which minute."""

    def __init__(self) -> None:
        self.service = Service(policy_of(CONFIGURATION))

    def do(self, kind: type[Any], by: str, /, **more: Any) -> str:
        answer = self.service.ask(kind(incident=1, by=by, **more))
        assert answer.changed, answer.text
        return str(answer.text)

    def done(self, by: str, *items: str) -> None:
        for item in items:
            self.do(c.FinishItem, by, item=item, result=f"{item}: as planned")

    def stage(self, stage: str) -> None:
        self.do(c.MoveStage, "dora", stage=stage)

    def update(self, progress: str) -> None:
        self.do(c.SendUpdate, "fay", progress=progress)

    def approve(self) -> None:
        self.do(c.ApproveDraft, "dora", audience="customers")

    def run(self) -> None:
        """Over five hours, told minute by minute."""
        at = self.service.until
        self.service.report("a", want=1, service="checkout")  # 1. detection and reporting
        at(3)
        self.do(c.Acknowledge, "asha")
        self.done("asha", "assessment")
        for person in ("dora", "fay", "chi"):
            self.do(c.AcceptRole, person)
        at(6)  # 2. triage and classification
        self.do(c.SetLevel, "dora", level=1, because="card payments fail everywhere")
        self.approve()
        self.stage("investigation")
        at(20)  # 3. investigation
        self.do(c.SetFacts, "chi", texts={"affected-systems": "PSP-A", "scope": "card payments"})
        self.do(
            c.SetFacts, "chi", texts={"root-cause": "a certificate expired", "impact": "cards are refused"}
        )
        self.do(c.MakeDecision, "dora", text="fail over to PSP-B", because="refunds work there")
        self.done("chi", "strategies")
        at(40)  # the update that was due 30 minutes after the first message to customers is late by 4
        self.update("the cause is known: a certificate")
        self.approve()
        self.stage("containment")
        at(60)  # 4. containment
        self.do(c.SetFacts, "chi", texts={"workaround": "pay by invoice"})
        self.do(c.TakeAction, "chi", text="failed over to PSP-B", result="every second payment works")
        self.done("chi", "immediate-actions", "isolation", "user-impact")
        self.do(c.SetFacts, "dora", times={"estimated-resolution": self.service.now})
        self.stage("resolution")
        for minute in range(60, 240, 25):
            at(minute)
            self.update(f"working on the certificate, {minute} minutes in")
            self.approve()
        at(241)  # past its resolution target it is extended
        self.done("chi", "fix", "plan", "deployed", "verified")  # 5. resolution
        self.stage("recovery")
        at(250)  # 6. recovery
        self.done("chi", "normal-operations", "data-validated", "temporary-measures")
        self.do(c.SetFacts, "dora", texts={"prevention": "an alert on certificates"})
        self.service.report("a", status="resolved", want=1, service="checkout")
        self.do(c.Resolve, "dora", because="the certificate was renewed")  # 7. communication: the end
        self.approve()
        at(290)  # 8. post-incident activities
        self.do(c.WriteReport, "fay", sections={"summary": "Cards failed.", "lessons": "Watch certificates."})
        self.do(c.ReviewReport, "dora")
        self.do(c.PublishReport, "fay")
        due = self.service.now.replace(day=28)
        self.do(
            c.AddActionItem, "dora", text="alert on certificates", kind="preventive", owner="chi", due_at=due
        )
        self.do(c.HoldReview, "fay", text="agreed")
        self.do(c.EndActionItem, "chi", n=1, result="in force")


@pytest.fixture(scope="module")
def script() -> Script:
    played = Script()
    played.run()
    return played


@pytest.fixture(scope="module")
def facts(script: Script) -> list[Fact]:
    return script.service.facts("incident:1")


def minute(script: Script, fact: Fact) -> int:
    return int((fact.at - script.service.began).total_seconds() // 60)


def sent(script: Script, audience: str) -> list[tuple[int, str]]:
    """The words that went to an audience: (minute, text)."""
    return [
        (int((at - script.service.began).total_seconds() // 60), message.text)
        for at, _, message in script.service.shown
        if message.page.notice is not None and message.page.notice.audience == audience
    ]


# ------------------------------------------------------------------ the eight steps
def test_a_level_1_incident_goes_from_its_first_alert_to_its_report(facts: list[Fact]) -> None:
    kinds = [type(fact.event) for fact in facts]
    assert kinds[0] is e.Opened
    for kind in (
        e.Paged, e.Acknowledged, e.RoleAccepted, e.LevelChanged, e.StageChanged, e.FactsSet, e.DecisionMade,
        e.ActionTaken, e.ItemDone, e.Drafted, e.DraftApproved, e.Resolved, e.Closed, e.ReportAsked,
        e.ReportWritten, e.ReportReviewed, e.ReportPublished, e.ActionItemAdded, e.ActionItemEnded,
        e.ReviewHeld,
    ):  # fmt: skip
        assert kind in kinds, kind.__name__


def test_each_stage_was_passed_in_the_protocols_order(facts: list[Fact]) -> None:
    moves = [fact.event.after for fact in facts if isinstance(fact.event, e.StageChanged)]
    assert moves == ["investigation", "containment", "resolution", "recovery"]


def test_every_objective_fires_at_its_minute(script: Script, facts: list[Fact]) -> None:
    fired = [
        (minute(script, fact), type(fact.event).__name__, getattr(fact.event, "objective", ""))
        for fact in facts
        if isinstance(fact.event, e.ObjectiveWarned | e.ObjectiveMissed | e.Extended | e.ResponseMissed)
    ]
    assert fired == [
        (31, "ObjectiveWarned", "update"),
        (36, "ObjectiveMissed", "update"),
        (192, "ObjectiveWarned", "resolution"),
        (240, "ObjectiveMissed", "resolution"),
        (240, "Extended", ""),
        (250, "ObjectiveWarned", "update"),
    ]


def test_a_missed_update_paged_whoever_sees_to_messages(script: Script) -> None:
    paged = [
        (int((at - script.service.began).total_seconds() // 60), message.page.person)
        for at, channel, message in script.service.shown
        if channel == "mail" and message.page.reason == "update-missed"
    ]
    assert paged == [(36, "fay")]


def test_nothing_is_left_to_do(script: Script) -> None:
    incident = script.service.stored(1)
    assert (incident.state, incident.stage) == (State.CLOSED, Stage.POST_INCIDENT)
    assert todo(script.service.policy.configuration, incident) == []
    assert incident.leaves


# ------------------------------------------------------------------ the messages
def templates() -> list[list[str]]:
    return [
        [line for line in block.splitlines() if line]
        for block in re.findall(r"```\n(.*?)```", PROTOCOL.read_text(), re.DOTALL)
    ]


def fits(line: str, template: str) -> bool:
    """Whether the line is the template's, its places in brackets filled."""
    fixed = re.split(r"\[[^\]]*\]", template.replace("[INCIDENT #ID]", "\x00"))
    pattern = ".+".join(re.escape(part) for part in fixed)
    return re.fullmatch(pattern.replace("\x00", r"\[INCIDENT\ \#\d+\]"), line) is not None


@pytest.mark.parametrize("audience", ["team", "executives", "customers"])
def test_every_message_is_one_of_the_protocols_templates_line_by_line(script: Script, audience: str) -> None:
    kinds = templates()
    assert len(kinds) == 3
    messages = sent(script, audience)
    assert len(messages) >= 10
    used = set()
    for _, text in messages:
        lines = [line for line in text.splitlines() if line]
        found = [n for n, template in enumerate(kinds) if _is(lines, template)]
        assert found, f"no template has the lines\n{text}"
        used.add(found[0])
    assert used == {0, 1, 2}


def _is(lines: list[str], template: list[str]) -> bool:
    return len(lines) == len(template) and all(map(fits, lines, template))


def test_legal_hears_nothing_of_what_touches_no_regime(script: Script) -> None:
    assert sent(script, "legal") == []


# ------------------------------------------------------------------ the report
def test_every_number_of_the_report_links_to_its_event(script: Script, facts: list[Fact]) -> None:
    text = report_markdown(report_on(script.service.stored(1), facts))
    links = {int(seq) for seq in re.findall(r"#event-(\d+)", text)}
    assert len(links) >= 10
    assert links <= {fact.seq for fact in facts}
    assert all(f'id="event-{seq}"' in text for seq in links)


def test_the_exchange_is_as_the_golden_file_has_it(script: Script, facts: list[Fact]) -> None:
    """With ``IRPD_GOLDEN=write`` it is written anew, to be read by a person before it is committed."""
    text = (
        "\n".join(transcript(script)) + "\n\n" + report_markdown(report_on(script.service.stored(1), facts))
    )
    if os.environ.get("IRPD_GOLDEN") == "write":
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")


def transcript(script: Script) -> Iterator[str]:
    for at, channel, message in script.service.shown:
        page = message.page
        to = page.notice.audience if page.notice is not None else page.person
        yield f"--- {at:%H:%M:%S} {channel} to {to} ({page.kind}, {page.reason})"
        yield re.sub(r"https://irpd\.invalid/a/\w+", "https://irpd.invalid/a/...", message.text).rstrip()
