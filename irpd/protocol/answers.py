"""What monitoring answers about users, and what evidence comes to for an incident as a whole.

The shell asks; here an answer is news or isn't. So is the time, where rules look at it: at the ages that they
name they are asked again. The level rises at once when it must. It sinks by itself only
where the rule that gave it says ``lower_after``: once evidence has asked for less for so long, without a
break, the level becomes what evidence asks for then. A person's word stands above both: a level that a person
set has no ``lower_after``.
"""

from datetime import datetime, timedelta
from fractions import Fraction

from msgspec.structs import replace

from irpd.config.duration import format_duration
from irpd.model import command as c
from irpd.model import event as e
from irpd.model.incident import Incident, Member, MemberStatus
from irpd.model.share import Answer, Impact, Part, Share
from irpd.model.signal import given
from irpd.protocol.draft import Draft
from irpd.protocol.levels import (
    decide_again,
    facts_of,
    lower_after,
    lowered,
    measured,
    minutes_open,
    share_of,
    verdict_on,
)
from irpd.triage.evidence import during, heard
from irpd.triage.facts import Facts
from irpd.triage.level import Verdict

#: A share that moves by less, inside its band, is not news.
NEWS = Fraction(1, 100)
#: So many of an incident's firing signals are asked for the level, newest first.
ASKED = 100
#: So many open incidents, the newest, follow other rules at once; the others at their own next age.
FOLLOWING = 10_000

_FIRING = (MemberStatus.FIRING, MemberStatus.STALE)


def take_answer(draft: Draft, command: c.TakeAnswer) -> int:
    """Monitoring answered; how many incidents it was news to."""
    told = 0
    for number in command.incidents:
        incident = draft.rows.incident(number)
        if incident is not None and incident.state.active and command.service in incident.services:
            told += int(_take(draft, incident, command))
    return told


def _take(draft: Draft, incident: Incident, command: c.TakeAnswer) -> bool:
    before = next((one for one in incident.answers if one.service == command.service), None)
    answer = Answer(
        service=command.service,
        at=draft.now,
        affected=_kept(command.affected, before.affected if before else None),
        users=_kept(command.users, before.users if before else None),
    )
    if answer.affected is None and answer.users is None:
        return False
    if before is not None and (before.affected, before.users) == (answer.affected, answer.users):
        return False  # what was said before, word for word: no rule is asked
    others = tuple(one for one in incident.answers if one.service != command.service)
    asked = replace(incident, answers=tuple(sorted((*others, answer), key=lambda one: one.service)))
    share = measured(draft, asked)
    verdict = judged(draft, asked, share)
    news = before is None or _moved(incident.share, share)
    if news or (verdict is not None and _changes(incident, verdict)):
        incident = draft.emit(incident.number, e.UsersAnswered(answer=answer, share=share))
        if verdict is not None:
            incident = decide_again(draft, incident, verdict, share)
        news = True
    ease(draft, incident)
    return news


def _kept(new: int | None, old: int | None) -> int | None:
    return old if new is None else max(new, 0)


def _moved(before: Share, after: Share) -> bool:
    old, new = before.fraction, after.fraction
    if old is None or new is None:
        return (old is None) != (new is None) or before.affected != after.affected
    return before.level != after.level or abs(new - old) >= NEWS


def _changes(incident: Incident, verdict: Verdict) -> bool:
    if not incident.person_level:
        return verdict.level < incident.level
    told = incident.told_level
    return verdict.level < incident.level and (told is None or verdict.level < told)


def judged(draft: Draft, incident: Incident, share: Share, *, sure: bool = False) -> Verdict | None:
    """The most severe that any of its firing signals asks for, at this share of users.

    Signals that rules match alike and that bear the same title are asked once, and those whose level is
    given not at all. None when none is left, or, if it must be ``sure``, where judging one of them failed.
    Without any signal, one opened by hand say, the share alone speaks."""
    if not incident.members:
        return _by_share(draft, incident, share)
    worst: Verdict | None = None
    asked: set[tuple[str, ...]] = set()
    for member in _newest_firing(draft, incident):
        facts = _facts(draft, incident, member, share)
        seen = draft.policy.ruleset.index.row(facts, facts.labels)
        alike = (member.source, member.service, member.title, *seen.values())
        if alike in asked:
            continue
        asked.add(alike)
        verdict = verdict_on(draft, facts)
        if sure and verdict.level_by.kind == "fallback":
            return None
        if worst is None or verdict.level < worst.level:
            worst = verdict
    return worst


def _newest_firing(draft: Draft, incident: Incident) -> list[Member]:
    found: list[Member] = []
    for n in range(incident.handles, 0, -1):
        sid = draft.rows.sid_at(incident.number, n)
        member = draft.rows.member(sid) if sid is not None else None
        if member is not None and member.status in _FIRING and not given(member.source, member.key):
            found.append(member)
            if len(found) == ASKED:
                break
    return found


def _facts(draft: Draft, incident: Incident, member: Member, share: Share) -> Facts:
    return facts_of(
        draft, source=member.source, service=member.service, status="firing", title=member.title,
        text=member.text, labels=member.labels, project=member.project, share=share, incident=incident,
        count=member.count, joining=False,
    )  # fmt: skip


def _by_share(draft: Draft, incident: Incident, share: Share) -> Verdict | None:
    if share.level is None:
        return None
    return verdict_on(
        draft,
        facts_of(
            draft, source=incident.source, service=incident.services[0], status="firing",
            title=incident.title, text="", labels={}, project="", share=share, incident=incident,
            joining=False,
        ),
    )  # fmt: skip


# ------------------------------------------------------------------ as time passes
def ages_at(incident: Incident) -> datetime | None:
    """When rules that look at how long it has been open may say something else."""
    if not incident.ages or not incident.state.active:
        return None
    return incident.opened_at + timedelta(minutes=incident.ages[0])


def ask_again(draft: Draft, incident: Incident) -> Incident:
    """That time has come: what fires is judged by its age, by the rules in force."""
    due = ages_at(incident)
    if due is None or due > draft.now:
        return incident
    minutes = minutes_open(draft, incident)
    left = tuple(age for age in draft.policy.ruleset.ages if age > minutes)
    incident = draft.emit(incident.number, e.TimePassed(minutes=minutes, ages=left))
    verdict = judged(draft, incident, incident.share)
    if verdict is not None:
        incident = decide_again(draft, incident, verdict, incident.share)
    return ease(draft, incident)


def follow_ages(draft: Draft) -> None:
    """Other rules are in force, which may name other ages: what is open is asked at those. Ages that have
    passed are left alone, as rules are not asked anew because the files changed; one that is due is asked in
    a moment, and then follows too."""
    ages = draft.policy.ruleset.ages
    for incident in draft.rows.active()[-FOLLOWING:]:
        minutes = minutes_open(draft, incident)
        left = tuple(age for age in ages if age > minutes)
        if left != incident.ages and not (incident.ages and incident.ages[0] <= minutes):
            draft.emit(incident.number, e.TimePassed(minutes=minutes, ages=left))


# ------------------------------------------------------------------ down again
def sinks_at(incident: Incident) -> datetime | None:
    """When the level sinks if evidence goes on asking for less."""
    if incident.eased_since is None or not incident.lower_after or not incident.state.active:
        return None
    return incident.eased_since + timedelta(seconds=incident.lower_after)


def ease(draft: Draft, incident: Incident, heard_now: Verdict | None = None) -> Incident:
    """After evidence changed: note since when it asks for less, or that it no longer does.

    ``heard_now`` is what the signal that changed asks for; others are asked only if that leaves it open."""
    if not incident.lower_after or not incident.state.active:
        return incident
    eased = incident.eased_since is not None
    if heard_now is not None and (heard_now.level > incident.level) == eased:
        return incident
    verdict = _now(draft, incident)
    less = verdict is not None and verdict.level > incident.level
    if less == eased:
        return incident
    level = int(verdict.level) if less and verdict is not None else None
    because = verdict.level_by.because if less and verdict is not None else ""
    return draft.emit(incident.number, e.EvidenceEased(level=level, because=because))


def sink(draft: Draft, incident: Incident) -> Incident:
    """The time is over: the level becomes what evidence asks for now."""
    due = sinks_at(incident)
    if due is None or due > draft.now:
        return incident
    verdict = _now(draft, incident)
    if verdict is None or verdict.level <= incident.level:
        return draft.emit(incident.number, e.EvidenceEased())
    time = format_duration(incident.lower_after)
    by = verdict.level_by
    event = e.LevelChanged(
        before=incident.level,
        after=verdict.level,
        level_by=replace(by, because=f"{by.because}; nothing asked for level {incident.level} for {time}"),
        evidence_level=incident.evidence_level,
        rules=verdict.contributions,
        share=current(draft, incident),
        regimes=verdict.regimes,
        rules_hash=draft.policy.ruleset.hash,
        lower_after=lower_after(draft, verdict),
    )
    return lowered(draft, incident, event)


def _now(draft: Draft, incident: Incident) -> Verdict | None:
    """What fires asks for, on what it says now. A failure to judge never lowers a level."""
    return judged(draft, incident, current(draft, incident), sure=True)


def current(draft: Draft, incident: Incident) -> Share:
    """The share on what firing signals say now, not on what was ever said."""
    parts: tuple[Part, ...] = ()
    for member in _newest_firing(draft, incident):
        parts = heard(parts, member.service, Impact(), during(member.impact, member.users_before))
    return share_of(draft, incident.services, parts, incident.answers, incident.people, incident.reporters)
