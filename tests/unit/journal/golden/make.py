"""Makes a release's golden journal, as SQL on standard output: ``make.py > golden/0.1.0.sql``.

Once, when the release is made, by that release's code. The files are never changed afterwards: each later
irpd has to read them, and to come to the same rows. ``next.sql`` is the coming release's: made anew with each
change of events or tables, and named at the release. ``0.1.1-tables-3.sql`` is one from between: tables that
were never released, and that journals of the time have.
"""

import sqlite3
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from conftest import START, History

from irpd.engine.ports import Batch, Receipt
from irpd.journal.reserve import Reserve
from irpd.journal.sqlite import SqliteJournal
from irpd.model import event as e
from irpd.model.incident import Contribution, LevelBy, PathRun, Step
from irpd.model.level import Level
from irpd.model.notice import Notice, Template
from irpd.model.objective import Clock, Objectives
from irpd.model.override import Override
from irpd.model.page import Page, PageKind, Send, SendState, Word
from irpd.model.share import Answer, Impact, Said, Share
from irpd.model.shift import OpenNow, ShiftWord
from irpd.model.stage import Stage
from irpd.model.waits import Silence, WaitKind, Waits

LATER = START + timedelta(minutes=5)
SHARE = Share(numerator=1, denominator=3, affected=100, users=300, method="label")
RULE = Contribution(
    rule="payments", result="held", level=1, decided=True, because="it's money", values={"job": "pay"}
)
RUN = PathRun(
    name="technical",
    kind="technical",
    steps=(Step(wait=300.0, schedule="first"), Step(wait=600.0, person="ada", title="Head of it")),
    repeat=2,
    every=900.0,
    next_at=LATER,
    started_at=START,
)
TAKEN = e.SendAttempted(
    page="1-1", send=2, state=SendState.DELIVERED, attempt=1, provider_id="CA1", took=0.5, handed_at=START
)


OVERRIDES_MADE = (
    Override(
        id=1, since=START, until=LATER, by="ada", because="dentist", schedule="first", person="bob"
    ),
    Override(id=2, since=START, until=LATER, by="bob", away="bob"),
)  # fmt: skip


def page(id: str, incident: int) -> Page:
    return Page(
        id=id,
        incident=incident,
        person="ada",
        kind=PageKind.PAGE,
        reason="step",
        requested_at=START,
        expires_at=LATER,
        sends=(Send(n=1, channel="mail", due_at=START), Send(n=2, channel="phone", due_at=LATER)),
        path="technical",
        step=0,
    )


NOTICE = Notice(
    template=Template.INITIAL, audience="customers", incident=1, level=Level.HIGH, title="Zahlung 🔥",
    language="de", services=("Checkout",), share=SHARE, stage=Stage.TRIAGE, workaround="invoice",
    next_update=LATER,
)  # fmt: skip


def message(id: str) -> Page:
    sends = (Send(n=1, channel="mail", due_at=START, to="status@example.org"),)
    return Page(
        id=id, incident=1, person="", kind=PageKind.MESSAGE, reason="approved", requested_at=START,
        expires_at=LATER, sends=sends, notice=NOTICE, dated=True,
    )  # fmt: skip


def word(id: str) -> Page:
    shift = ShiftWord(
        schedule="first", begins=LATER, after="bob", more=2,
        incidents=(OpenNow(number=1, level=1, title="Zahlung schlägt fehl 🔥", has=("ada",)),),
    )  # fmt: skip
    sends = (Send(n=1, channel="mail", due_at=START),)
    return Page(
        id=id, incident=0, person="ada", kind=PageKind.SHIFT, reason="shift", requested_at=START,
        expires_at=LATER, sends=sends, shift=shift, dated=True,
    )  # fmt: skip


def opened(number: int) -> e.Opened:
    return e.Opened(
        number=number,
        title="Zahlung schlägt fehl 🔥",
        services=("checkout",),
        level=2,
        level_by=LevelBy("rule", "payments", None, "it's money"),
        evidence_level=2,
        rules=(RULE,),
        share=SHARE,
        source="am",
        config="0123456789ab",
        group=f"g{number}",
        group_rule="by-job",
        group_within=300.0,
        group_at_most=3600.0,
        respond_by=LATER,
        quiet_for=900.0,
        reopen_within=1800.0,
        regimes=("gdpr",),
        tells=("executives",),
        objectives=Objectives(
            resolution=Clock(due_at=LATER, warn_at=START), update=Clock(due_at=LATER), since=START
        ),
    )


def joined(sid: int, n: int) -> e.SignalJoined:
    return e.SignalJoined(
        sid=sid,
        n=n,
        key=f"am/{sid:016x}",
        source="am",
        title="Zahlung schlägt fehl 🔥",
        service="checkout",
        labels={"job": "pay", "instance": f"web-{sid}"},
        text="It's broken",
        starts_at=START,
        episode="e1",
        sender_group="{}:{}",
        impact=Impact(100, "1/3", "label"),
        reporter=f"r{sid}",
        url="https://example.com/",
        why="same group",
    )


OBJECTIVES = Objectives(
    resolution=Clock(due_at=START, state="missed"), update=Clock(due_at=LATER, warn_at=START), since=START,
    updated_at=START, extended=True,
)  # fmt: skip
WAITING, SILENCES = "waiting", "silences"
MUTED = Waits(
    kind=WaitKind.SILENCE, by="1", because="CHG-1", author="ada", since=START, until=LATER, linger=1800.0
)


def waits(sid: int) -> e.SignalWaits:
    return e.SignalWaits(
        sid=sid,
        key=f"am/{sid:016x}",
        source="am",
        title="Canary",
        service="checkout",
        waits=Waits(
            kind=WaitKind.HOLD, by="restarts", because="it restarts", since=START, until=LATER, or_count=3,
            linger=1800.0, before=1,
        ),
        labels={"job": "canary"},
        starts_at=START,
        impact=Impact(3, None, "label"),
        project="web",
    )  # fmt: skip


def silenced(number: int) -> Silence:
    return Silence(
        id=number, match={"labels.job": ("pg", "my")}, by="ada", because="CHG-1", since=START,
        until=START + timedelta(days=number),
    )  # fmt: skip


def receipts() -> list[Receipt]:
    body = b'{"alerts": ["' + b"x" * 600 + b'"], "reason": "%s"}'
    return [
        Receipt(
            id=n,
            source="am",
            at=START,
            body=body % reason,
            headers={"x": "1"},
            group="g",
            salt=b"salt of that day",
        )
        for n, reason in enumerate((b"first", b"repeat", b"\xff\x00"), 1)
    ]


ONE = "incident:1"
STORY: list[list[tuple[str, e.AnyEvent]]] = [
    [("engine", e.Started(version="0.1.0", down_for=12.5)), ("config", e.ConfigLoaded(hash="0123456789ab"))],
    [("config", e.ConfigRefused(problems=("irpd.yaml:1:1: error: no",), in_force="0123456789ab"))],
    [
        (ONE, opened(1)),
        (ONE, joined(1, 1)),
        (ONE, e.PathStarted(run=RUN)),
        (ONE, e.Paged(page=page("1-1", 1))),
    ],
    [
        (
            ONE,
            e.SendAttempted(page="1-1", send=1, state=SendState.FAILED, attempt=1, detail="550", took=0.25),
        ),
        (ONE, e.SendBrought(page="1-1", send=2, due_at=START)),
        (ONE, TAKEN),
        (ONE, e.SendConfirmed(page="1-1", send=2, word=Word.DELIVERED, said_at=LATER, detail="it rang")),
        (ONE, e.PathMoved(path="technical", fired=1, next_at=LATER, persons=("ada",))),
    ],
    [(ONE, joined(2, 2)), (ONE, e.SignalChanged(sid=2, impact=Impact(7), labels={"job": "pay"}))],
    [("source:am", e.SignalsRepeated(sids=(1, 2), receipt=1, body=receipts()[0].digest))],
    [(ONE, e.LevelChanged(before=2, after=1, level_by=LevelBy("share"), evidence_level=1, respond_by=LATER))],
    [(ONE, e.ResponseMissed(due_at=LATER)), (ONE, e.Declined(by="bob", via="link", page="1-1"))],
    [
        (ONE, e.StageChanged(before="triage", after="investigation", by="ada", because="enough is known")),
        (ONE, e.ItemDone(item="plan", stage="resolution", title="Plan", result="two steps", by="ada")),
        (
            ONE,
            e.ItemSetAside(item="isolation", stage="containment", title="Isolate", because="one", by="ada"),
        ),
        (ONE, e.ActionTaken(text="restarted pay-2", result="errors went", by="ada")),
        (ONE, e.DecisionMade(text="fail over", because="refunds work there", by="ada")),
        (ONE, e.FactsSet(texts={"scope": "EU"}, times={"impact-from": START, "impact-to": None}, by="ada")),
    ],
    [
        (ONE, e.ReportAsked(owner="ada", due_at=LATER, review_at=LATER, escalate_after=3600.0)),
        (ONE, e.ReportAssigned(owner="bob", due_at=LATER, by="ada")),
        (ONE, e.ReportWritten(version=1, sections={"lessons": "a canary"}, by="bob")),
        (ONE, e.ReportReviewed(version=1, by="ada")),
        (ONE, e.ReportPublished(version=1, by="bob")),
        (ONE, e.ReviewPlanned(at=LATER, by="ada")),
        (ONE, e.Reminded(what="review", step=1, persons=("bob",))),
        (ONE, e.ReviewHeld(text="agreed", by="bob")),
        (ONE, e.ActionItemAdded(n=1, text="watch", kind="preventive", owner="ada", due_at=LATER, by="bob")),
        (ONE, e.ActionItemChanged(n=1, owner="bob", due_at=LATER, by="bob")),
        (ONE, e.ActionItemEnded(n=1, result="in force", by="bob")),
    ],
    [
        (ONE, e.ObjectiveWarned(objective="update", due_at=LATER)),
        (ONE, e.ObjectiveMissed(objective="update", due_at=START, times=2, next_at=LATER)),
        (ONE, e.UpdateChased(persons=("ada",), next_at=LATER)),
        (ONE, e.UpdateTaken(by="ada", page="1-1")),
        (ONE, e.ObjectiveMissed(objective="resolution", due_at=START)),
        (ONE, e.Extended(objectives=OBJECTIVES)),
        (ONE, e.Updated(objectives=OBJECTIVES, by="ada")),
    ],
    [
        (ONE, e.RoleOffered(role="commander", person="ada", because="level 1", next_at=LATER)),
        (ONE, e.RoleVacant(role="commander", because="ada has not answered within 5m")),
        (ONE, e.RoleOffered(role="commander", person="bob", next_at=LATER, anew=True)),
        (ONE, e.RoleAccepted(role="commander", by="bob")),
        (ONE, e.RoleOffered(role="expert/ada", person="ada", by="bob", topic="db", next_at=LATER)),
        (ONE, e.RoleDeclined(role="expert/ada", by="ada")),
        (ONE, e.RoleKept(role="expert/ada", because="ada can't")),
        (
            ONE,
            e.HelpAsked(ask=1, who="dba", question="is it slow?", by="bob", persons=("ada",), next_at=LATER),
        ),
        (ONE, e.HelpPassedOn(ask=1, persons=("bob",), next_at=LATER, because="ada has not answered")),
        (ONE, e.HelpTaken(ask=1, by="bob", next_at=LATER)),
        (ONE, e.HelpAnswered(ask=1, by="bob", text="no")),
        (ONE, e.HelpAsked(ask=2, who="dba", question="and now?", by="bob")),
    ],
    [
        (ONE, e.Drafted(notice=NOTICE, approvers=("ada",))),
        (ONE, e.DraftWithdrawn(audience="customers", by="ada", because="nobody noticed")),
        (ONE, e.Drafted(notice=NOTICE, by="bob")),
        (ONE, e.DraftApproved(audience="customers", by="ada")),
        (ONE, e.Paged(page=message("1-9"))),
        (
            ONE,
            e.SendAttempted(
                page="1-9",
                send=1,
                state=SendState.DELIVERED,
                attempt=1,
                provider_id="m9",
                handed_at=START,
                said="[INCIDENT #1] - HIGH Incident Reported",
            ),
        ),
    ],
    [
        (ONE, e.PageSeen(page="1-1", via="link")),
        (ONE, e.Acknowledged(by="ada", via="link", page="1-1", paths=("technical",), stale_after=3600.0)),
        (ONE, e.PageEnded(page="1-1", because="acknowledged", by="ada")),
        (ONE, e.PathStopped(path="technical", because="acknowledged")),
    ],
    [
        (ONE, e.AcknowledgementStale(resumes_at=LATER, because="nothing was done about it for 1h")),
        (ONE, e.AcknowledgementLapsed(because="undone", by="ada")),
        (ONE, e.PathResumed(path="technical", next_at=LATER)),
    ],
    [
        (
            ONE,
            e.LevelChanged(
                before=1, after=3, level_by=LevelBy("person", None, "ada", "no"), evidence_level=1
            ),
        )
    ],
    [
        (ONE, e.EvidenceExceeded(level=1, level_by=LevelBy("share"), share=SHARE)),
        (ONE, e.ShareMeasured(share=SHARE)),
        (
            ONE,
            e.UsersAnswered(
                answer=Answer(service="shop", at=LATER, affected=100, users=300),
                share=Share(
                    numerator=1,
                    denominator=3,
                    affected=100,
                    users=300,
                    method="promql",
                    high="1/2",
                    parts=(Said(method="promql", service="shop", affected=100, users=300),),
                ),
            ),
        ),
        (ONE, e.EvidenceEased(level=3, because="less")),
        (ONE, e.EvidenceEased()),
        (ONE, e.TimePassed(minutes=30, ages=(60,))),
    ],
    [(ONE, e.SignalFlapping(sid=1, flapping=True)), (ONE, e.SignalFlapping(sid=1, flapping=False))],
    [(ONE, e.SignalResolved(sid=1, ends_at=LATER)), (ONE, e.SignalFired(sid=1, starts_at=LATER))],
    [(ONE, e.SignalMuted(sid=2, because="ignored")), (ONE, e.SignalStale(sid=1))],
    [
        ("incident:2", opened(2)),
        (ONE, e.SignalLeft(sid=2, into=2)),
        ("incident:2", e.SignalMoved(sid=2, n=1, out_of=1)),
    ],
    [(ONE, e.Noted(text="Ein Wort", by="ada"))],
    [(ONE, e.Resolved(by="ada")), (ONE, e.Reopened(because="fires again", respond_by=LATER))],
    [(ONE, e.SignalResolved(sid=1)), (ONE, e.Resolved()), (ONE, e.Closed())],
    [("incident:3", opened(3)), ("incident:3", joined(3, 1)), ("incident:3", e.SignalLeft(sid=3, into=2))],
    [("incident:2", e.SignalMoved(sid=3, n=2, out_of=3)), ("incident:3", e.Merged(into=2, by="ada"))],
    [("engine", e.CommandSetAside(command="Receive", error="KeyError", receipt=1, source="am"))],
    [("source:am", e.ReceiptTaken(receipt=one.id, body=one.digest)) for one in receipts()[1:]],
    [(WAITING, waits(4)), (WAITING, waits(5)), (WAITING, waits(6)), (WAITING, e.SignalFired(sid=5))],
    [
        (WAITING, e.WaitChanged(sid=4, waits=MUTED)),
        (WAITING, e.SignalResolved(sid=5)),
        (WAITING, e.WaitEnded(sid=5, because="resolved for 30m")),
        ("incident:2", e.SignalMoved(sid=6, n=3, out_of=0, why="held for 5m")),
    ],
    [(SILENCES, e.SilenceAdded(silence=silence)) for silence in (silenced(1), silenced(2))],
    [(SILENCES, e.SilenceEnded(id=2, by="bob", because="done"))],
    [("overrides", e.OverrideAdded(override=override)) for override in OVERRIDES_MADE],
    [("overrides", e.OverrideEnded(id=2, by="bob", because="back sooner"))],
    [("heartbeats", e.HeartbeatsExpected(added=("backup", "gone", "sync")))],
    [("heartbeats", e.HeartbeatSeen(name="backup")), ("heartbeats", e.HeartbeatsExpected(dropped=("gone",)))],
    [("shadow", e.ShadowBegan())],
    [("shadow", e.ShadowEnded())],
    [("shadow", e.ShadowBegan())],
    [
        ("pages", e.Paged(page=word("0-1"))),
        ("shifts", e.ShiftTold(schedule="first", person="ada", begins=LATER, page="0-1")),
        ("shifts", e.ShiftTested(schedule="first", person="ada", begins=LATER, page="0-1", judge_at=START)),
        ("shifts", e.ShiftTestJudged(schedule="first", person="ada", begins=LATER, outcome="accepted")),
    ],
    [
        ("contacts", e.ContactAsked(person="ada", channel=name, page="0-1", digest="d" * 32, salt="s"))
        for name in ("mail", "phone")
    ],
    [
        ("contacts", e.ContactVerified(person="ada", channel="mail", page="0-1", via="link")),
        ("contacts", e.ContactForgotten(person="ada", channel="phone")),
    ],
    [("engine", e.ClockJumped(seconds=-3.5)), ("pages", e.Paged(page=page("test-2", 0)))],
]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "golden.db"
        journal = SqliteJournal(path, reserve=Reserve(path, size=4096, margin=0))
        journal.open()
        history = History()
        journal.commit(Batch(receipts=receipts(), configs={"0123456789ab": b"bundle"}))
        history.receipts = 3
        for events in STORY:
            journal.commit(history.batch(*events))
        journal.close()
        db = sqlite3.connect(path)
        for pragma in ("application_id", "user_version"):
            print(f"PRAGMA {pragma} = {db.execute(f'PRAGMA {pragma}').fetchone()[0]};")
        print("\n".join(db.iterdump()))
        db.close()


if __name__ == "__main__":
    main()
