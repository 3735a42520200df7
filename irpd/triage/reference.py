"""The reference of rule files in Markdown, made of the models and the vocabulary, so that it can't lag."""

import types
from typing import Any, get_args

from irpd.triage.part import Part
from irpd.triage.rulefile import (
    GroupPart,
    HoldPart,
    RuleMatchPart,
    RulePart,
    SilencePart,
    WindowPart,
    WordsPart,
)
from irpd.triage.testfile import (
    ExpectPart,
    GivenPart,
    IncidentPart,
    MessagePart,
    SignalPart,
    StepPart,
    TestPart,
)
from irpd.triage.vocabulary import NAMES

_PARTS: tuple[tuple[str, str, type[Part]], ...] = (
    ("`rules`", "Each rule says what must hold and what it then says.", RulePart),
    (
        "`match`",
        "Every key given must hold. A list means any of; a missing label is the empty text.",
        RuleMatchPart,
    ),
    (
        "`words`",
        (
            "Phrases that people write, for `match: {words: ID}`. Words are compared whole and within one "
            "sentence; addresses and quoted lines of mails are not read. In a label a phrase must be a whole "
            "item of what commas part there."
        ),
        WordsPart,
    ),
    ("`hold`", "In a rule: opens nothing before that; a resolved before it ends the wait.", HoldPart),
    (
        "`silences`",
        (
            "Maintenance windows. What they mute is kept and shown by `irpd silence list`; what still fires "
            "at the end is decided again."
        ),
        SilencePart,
    ),
    ("`window`", "Once, or on each of the days, on the wall clock of a zone.", WindowPart),
    ("`group`", "Binds signals into one incident. The first that matches decides.", GroupPart),
    ("`tests`", "One case (`given`, `expect`), several (`cases`), or a `timeline` with `expect`.", TestPart),
    ("`given`", "A signal, and what its incident has gathered.", GivenPart),
    ("`expect`", "What must come of it. Only what is named is compared.", ExpectPart),
    (
        "`timeline`",
        (
            "What happens. A step has one of `post`, `signal`, `acknowledge`, `cant`, `escalate`, `resolve`, "
            "`silence`, `end_silence`, `answer`."
        ),
        StepPart,
    ),
    ("`signal`", "In a step of a timeline.", SignalPart),
    ("`incidents`", "What a timeline expects at its end.", IncidentPart),
    ("`paged` and `told`", "The messages that a timeline expects.", MessagePart),
)


def rules_reference() -> str:
    """The text of ``docs/reference/rules.md``."""
    lines = [
        "# Rule files",
        "",
        "A rule file begins with `version: 1` and has `words`, `rules`, `group`, `silences` and `tests`,",
        "each a list.",
        "All rules are looked at: the most severe `level` wins, then caps (`at_most`), then floors",
        "(`at_least`), which no cap lowers. The built-in rule `share-of-users` always takes part.",
    ]
    for title, text, part in _PARTS:
        lines += ["", f"## {title}", "", text, "", "| key | | meaning |", "| --- | --- | --- |"]
        for name, field in part.model_fields.items():
            name = field.alias or name
            need = "required" if field.is_required() else ""
            lines.append(f"| `{name}` | {need} | {_cell(_meaning(name, field))} |")
    lines += [
        "",
        "## Names in `when`",
        "",
        "A condition in [CEL](https://cel.dev). Types are strict: write `share > 0.5`, not `share > 1`.",
        "",
        "| name | type | meaning |",
        "| --- | --- | --- |",
    ]
    lines += [f"| `{name}` | {kind} | {_cell(meaning)} |" for name, (kind, meaning) in NAMES.items()]
    return "\n".join(lines) + "\n"


def _meaning(name: str, field: Any) -> str:
    if field.description:
        return str(field.description)
    if name in NAMES:
        return NAMES[name][1]
    kinds = [kind for kind in get_args(field.annotation) if kind is not types.NoneType]
    inner = kinds[0] if kinds else field.annotation
    return (getattr(inner, "__doc__", None) or "").partition("\n")[0] if _is_part(inner) else ""


def _is_part(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Part)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
