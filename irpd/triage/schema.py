"""JSON Schema of rule files, for editors (``irpd schema rules``); made of the models themselves."""

from typing import Any

from irpd.triage.rulefile import RuleFile

_EFFECTS = ("level", "at_most", "at_least")


def rules_schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12."""
    schema = RuleFile.model_json_schema(mode="validation")
    rule = schema["$defs"]["RulePart"]
    # At most one of the effects in one rule, and at least one thing to say.
    rule["allOf"] = [
        {"not": {"required": [one, other]}} for n, one in enumerate(_EFFECTS) for other in _EFFECTS[n + 1 :]
    ]
    rule["anyOf"] = [{"required": [name]} for name in (*_EFFECTS, "regimes", "start", "hold")]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "irpd rule file",
        **{key: value for key, value in schema.items() if key not in ("title", "description")},
    }
