"""What the responders do: move the stage, end the items of its checklist, record actions with their results,
decisions with their reasons, and facts."""

from collections.abc import Iterator
from datetime import datetime

from irpd.model import command as c
from irpd.model import event as e
from irpd.model.command import Refusal
from irpd.model.incident import Incident, State
from irpd.model.response import LONGEST_FACT
from irpd.model.stage import Stage
from irpd.protocol.checklist import Item, checklist, items
from irpd.protocol.draft import Draft
from irpd.protocol.people import Answer
from irpd.protocol.stages import MOVES

#: What can be said of an incident in words, and what each is for.
TEXTS = {
    "detected-by": "how it was detected",
    "root-cause": "what caused it",
    "affected-systems": "which systems are affected",
    "scope": "how far the impact reaches",
    "impact": "what users notice, for messages",
    "workaround": "what users can do meanwhile",
    "resolution": "what resolves it",
    "prevention": "what will keep it from happening again",
}
#: The times that can be set, and what each is for.
TIMES = {
    "estimated-resolution": "when it is expected to be resolved",
    "impact-from": "since when users are affected",
    "impact-to": "until when users were affected",
}
#: The protocol's ways of detection.
DETECTIONS = ("monitoring", "user-report", "direct-communication", "internal-testing", "audit")


def move(draft: Draft, command: c.MoveStage) -> Answer:
    """A person moves it."""
    incident = draft.active(command.incident, "move")
    target = _stage(command.stage)
    if target is incident.stage:
        return Answer(incident.number, False, f"{incident.ref} is at {target} already.")
    if target not in MOVES[incident.stage]:
        raise Refusal(
            "state", f"can't move {incident.ref} from {incident.stage} to {target}; {_allowed(incident)}"
        )
    for item in in_the_way(draft, incident, target):
        if not command.aside:
            continue
        event = e.ItemSetAside(
            item=item.id, stage=item.stage, title=item.title, because=command.aside, by=command.by
        )
        incident = draft.emit(incident.number, event)
    if missing := list(in_the_way(draft, incident, target)):
        named = "; ".join(f"{item.id} ({item.title})" for item in missing)
        raise Refusal(
            "state",
            f"can't move {incident.ref} to {target} yet: {named}. Say what came of each, or set it aside "
            "with a reason",
        )
    incident = draft.emit(
        incident.number,
        e.StageChanged(before=incident.stage, after=target, by=command.by, because=command.because),
    )
    open_now = [
        item for item in checklist(draft.configuration, target) if item.open(draft.configuration, incident)
    ]
    left = f" {len(open_now)} things to do there." if open_now else ""
    return Answer(incident.number, True, f"{incident.ref} is at {target} now.{left}")


def in_the_way(draft: Draft, incident: Incident, target: Stage) -> Iterator[Item]:
    """The open items that a move there may not leave behind."""
    configuration = draft.configuration
    if target.order < incident.stage.order or int(incident.level) not in configuration.stages.gate:
        return
    earlier = (
        [stage for stage in Stage if stage.order < target.order]
        if target is Stage.RECOVERY
        else [incident.stage]
    )
    for stage in earlier:
        for item in checklist(configuration, stage):
            if item.open(configuration, incident):
                yield item


def _stage(name: str) -> Stage:
    try:
        return Stage(name)
    except ValueError:
        raise Refusal("invalid", f"no stage {name[:40]!r}; there are {', '.join(Stage)}") from None


def _allowed(incident: Incident) -> str:
    allowed = ", ".join(MOVES[incident.stage])
    ends = "; resolve it when it is over" if incident.stage is Stage.RECOVERY else ""
    return f"from there it goes to {allowed or 'none'}{ends}"


def finish(draft: Draft, command: c.FinishItem) -> Answer:
    """An item is done, with what came of it."""
    incident = _worked_on(draft, command.incident)
    item = _item(draft, command.item)
    result = _said(command.result, "the result", needed=bool(item.fact))
    if item.fact:
        incident = draft.emit(incident.number, e.FactsSet(texts={item.fact: result}, by=command.by))
    incident = _done(draft, incident, item, result, command.by)
    return Answer(incident.number, True, f"Done: {item.title}.")


def set_aside(draft: Draft, command: c.SetItemAside) -> Answer:
    """An item will not be done, for a reason."""
    incident = _worked_on(draft, command.incident)
    item = _item(draft, command.item)
    because = _said(command.because, "why it is set aside")
    event = e.ItemSetAside(item=item.id, stage=item.stage, title=item.title, because=because, by=command.by)
    draft.emit(incident.number, event)
    return Answer(incident.number, True, f"Set aside: {item.title}.")


def act(draft: Draft, command: c.TakeAction) -> Answer:
    incident = _worked_on(draft, command.incident)
    text = _said(command.text, "what was done")
    result = _said(command.result, "the result", needed=False)
    draft.emit(incident.number, e.ActionTaken(text=text, result=result, by=command.by))
    return Answer(incident.number, True, f"Recorded: {text}")


def conclude(draft: Draft, command: c.MakeDecision) -> Answer:
    incident = _worked_on(draft, command.incident)
    text = _said(command.text, "what was decided")
    because = _said(command.because, "why it was decided so")
    draft.emit(incident.number, e.DecisionMade(text=text, because=because, by=command.by))
    return Answer(incident.number, True, f"Decided: {text}")


def set_facts(draft: Draft, command: c.SetFacts) -> Answer:
    """What is known now. A fact that an item asks for ends the item; taken back, it opens none."""
    incident = _worked_on(draft, command.incident)
    for name in (*command.texts, *command.times):
        if name not in (TEXTS if name in command.texts else TIMES):
            raise Refusal(
                "invalid", f"nothing is called {name[:40]!r}; there are {', '.join((*TEXTS, *TIMES))}"
            )
    texts = {name: _fact(name, text) for name, text in command.texts.items()}
    if not texts and not command.times:
        raise Refusal("invalid", f"say what to set: {', '.join((*TEXTS, *TIMES))}")
    _in_order(incident, command.times)
    incident = draft.emit(incident.number, e.FactsSet(texts=texts, times=command.times, by=command.by))
    for item in items(draft.configuration).values():
        if item.fact and texts.get(item.fact) and item.open(draft.configuration, incident):
            incident = _done(draft, incident, item, texts[item.fact], command.by)
    return Answer(incident.number, True, f"Set: {', '.join((*texts, *command.times))}.")


def _worked_on(draft: Draft, number: int) -> Incident:
    """Also what is over can be documented; what was merged is documented where it went."""
    incident = draft.incident(number)
    if incident.state is State.MERGED:
        raise Refusal("state", f"{incident.ref} {draft.over(incident)}; work on #{incident.merged_into}")
    return incident


def _item(draft: Draft, name: str) -> Item:
    known = items(draft.configuration)
    if (item := known.get(name)) is None:
        raise Refusal("not-found", f"no item is called {name[:40]!r}; there are {', '.join(known)}")
    if item.holds is not None:
        raise Refusal("state", f"{item.id} ({item.title}) needs no word: irpd sees to it itself")
    return item


def _done(draft: Draft, incident: Incident, item: Item, result: str, by: str) -> Incident:
    done = e.ItemDone(item=item.id, stage=item.stage, title=item.title, result=result, by=by)
    return draft.emit(incident.number, done)


def _said(text: str, what: str, *, needed: bool = True) -> str:
    text = text.strip()
    if needed and not text:
        raise Refusal("invalid", f"say {what}")
    if len(text) > LONGEST_FACT:
        raise Refusal("invalid", f"{what} has {len(text):,} characters; at most {LONGEST_FACT:,} are kept")
    return text


def _fact(name: str, text: str) -> str:
    text = _said(text, TEXTS[name], needed=False)
    if name == "detected-by" and text not in DETECTIONS:
        raise Refusal(
            "invalid", f"an incident is detected by one of {', '.join(DETECTIONS)}, not {text[:40]!r}"
        )
    return text


def _in_order(incident: Incident, times: dict[str, datetime | None]) -> None:
    begins = times.get("impact-from", incident.impact_from)
    ends = times.get("impact-to", incident.response.impact_to)
    if begins is not None and ends is not None and ends < begins:
        raise Refusal(
            "invalid",
            "users can't have been affected until before they were: impact-to is before impact-from",
        )
