"""What describes the configuration: schema, reference and the view of what is in force."""

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
import yaml

from irpd.config.load import load_configuration
from irpd.config.reference import reference
from irpd.config.schema import configuration_schema
from irpd.config.show import show

ROOT = Path(__file__).resolve().parents[3]
Write = Callable[..., list[str]]


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = configuration_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_schema_takes_the_example_that_ships(validator: jsonschema.Draft202012Validator) -> None:
    validator.validate(yaml.safe_load((ROOT / "config" / "irpd.yaml").read_text()))


def test_the_schema_takes_a_part_of_a_configuration(validator: jsonschema.Draft202012Validator) -> None:
    validator.validate({"version": 1, "levels": {"high": {"urgency": "now"}}, "timing": {"quiet": "1h30m"}})


@pytest.mark.parametrize(
    "wrong",
    [
        {"version": 2},
        {"people": {"asha": {"name": "A", "phone": 49}}},
        {"people": {"Asha": {"name": "A"}}},
        {"services": {"s": {"pahts": {}}}},
        {"paths": {"p": {"kind": "technical", "steps": [{"person": "a", "wait": 300}]}}},
        {"paths": {"p": {"kind": "technical", "steps": [{"person": "a", "wait": "5 m"}]}}},
        {"paths": {"p": {"kind": "technical", "steps": [{"wait": "5m"}]}}},
        {"paths": {"p": {"kind": "technical", "steps": [{"team": 5, "wait": "5m"}]}}},
        {"sources": {"a": {"type": "jira"}}},
        {"sources": {"a": {"type": "jira", "auth": {"bearer": "x"}}}},
        {"sources": {"a": {"type": "jira", "auth": {"bearer": {"env": "A", "file": "B"}}}}},
        {"sources": {"a": {"type": "jira", "auth": {"bearer": {"env": "A"}, "header": {"X": {"env": "A"}}}}}},
        {"channels": {"c": {"type": "twilio"}}},
        {"channels": {"c": {"type": "smtp", "host": "h"}}},
        {"levels": {"hihg": {}}},
        {"roles": {"legal": {"person": "a"}}},
        {"timing": {"quiet": 900}},
        {"audiences": {"team": {}}},
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(
    validator: jsonschema.Draft202012Validator, wrong: dict[str, object]
) -> None:
    assert not validator.is_valid({"version": 1} | wrong)


def test_the_schema_describes_every_key() -> None:
    schema = configuration_schema()
    for name, definition in {"": schema, **schema["$defs"]}.items():
        for key, part in definition.get("properties", {}).items():
            assert part.get("description"), f"{name}.{key}"


def test_the_reference_has_every_key_of_the_schema() -> None:
    page = reference()
    schema = configuration_schema()
    for definition in (schema, *schema["$defs"].values()):
        for key in definition["properties"]:
            if key not in ("env", "file", "credential"):  # of a secret, explained once
                assert f"{key}`" in page, key
    assert "`timing.quiet` | duration | `15m` |" in page
    assert "| `channels.NAME.from` (smtp) | text | required |" in page


def test_what_is_in_force_has_defaults_and_no_secret(
    write: Write, good: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TOKEN", "hunter2")
    text = good.replace("auth: none", "auth: {basic: {user: {env: TOKEN}}}")
    text += f"server: {{tokens: [{{name: ci, hash: 'sha256:{'ab' * 32}'}}]}}\n"
    loaded = load_configuration(write(irpd=text))
    for form in ("yaml", "json"):
        for effective in (True, False):
            shown = show(loaded, effective=effective, form=form)  # type: ignore[arg-type]
            value = json.loads(shown) if form == "json" else yaml.safe_load(shown)
            assert value["sources"]["alertmanager"]["auth"] == {"basic": {"user": "*** (env TOKEN)"}}
            assert value["server"]["tokens"][0]["hash"] == "***"
            assert "hunter2" not in shown
            assert "abab" not in shown
            assert ("timing" in value) is effective
    value = yaml.safe_load(show(loaded))
    assert value["timing"]["quiet"] == "15m"
    assert value["levels"]["high"]["hours"]["from"] == "09:00"


def test_what_is_shown_reads_as_the_same_configuration(write: Write, good: str) -> None:
    loaded = load_configuration(write(irpd=good))
    again = load_configuration(write(shown=show(loaded)))
    assert again.configuration == loaded.configuration
