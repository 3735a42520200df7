"""The reference of stages as Markdown, drawn from the tables that the protocol runs on."""

from irpd.model.stage import Stage
from irpd.protocol.checklist import ITEMS
from irpd.protocol.stages import FOLLOWS, MOVES, Cause

_HEAD = """\
# Stages

What the responders are at, in the protocol's order. A person moves an incident along the full lines with
`irpd incident stage`; what happens to it moves it along the dotted ones."""

_TAIL = """\
What `irpd` sees to is done without a word. `stages.add` and `stages.drop` in the configuration change the
list; `stages.gate` names the levels at which a stage is left only once its items are done or set aside."""

_HAPPENS = {
    Cause.ACKNOWLEDGED: "somebody has it",
    Cause.RESOLVED: "it is resolved, by whom or what ever",
    Cause.REOPENED: "it fires again, or a person reopens it",
    Cause.CLOSED: "the watch after its end is over",
}


def stages_reference() -> str:
    """The diagram, the moves in words, and each stage's checklist."""
    lines = [_HEAD, "", "```mermaid", "flowchart LR"]
    for stage, targets in MOVES.items():
        lines += [f"  {_id(stage)}[{stage}] --> {_id(target)}[{target}]" for target in targets]
    for cause, follows in FOLLOWS.items():
        if cause in (Cause.ACKNOWLEDGED, Cause.REOPENED):
            lines += [f"  {_id(old)} -. {cause} .-> {_id(new)}" for old, new in follows.items()]
    lines.append(f"  {_id(Stage.RECOVERY)} -. {Cause.CLOSED} .-> {_id(Stage.POST_INCIDENT)}[post-incident]")
    lines += ["```", "", "| from | a person moves it to |", "| --- | --- |"]
    lines += [f"| {stage} | {', '.join(targets) or '–'} |" for stage, targets in MOVES.items()]
    lines += ["", "| when | stages | go to |", "| --- | --- | --- |"]
    for cause, follows in FOLLOWS.items():
        for target in dict.fromkeys(follows.values()):
            olds = [old for old, new in follows.items() if new is target]
            lines.append(f"| {_HAPPENS[cause]} | {', '.join(olds)} | {target} |")
    lines += ["", "## Checklists", "", "| stage | item | what | who sees to it |"]
    lines.append("| --- | --- | --- | --- |")
    lines += [f"| {item.stage} | `{item.id}` | {item.title} | {item.role} |" for item in ITEMS.values()]
    lines += ["", _TAIL]
    return "\n".join(lines) + "\n"


def _id(stage: Stage) -> str:
    return stage.replace("-", "_")
