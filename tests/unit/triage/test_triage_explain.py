"""Why a level is what it is: every rule with what it saw, the same answer as the decision itself."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from irpd.config.values import Configuration
from irpd.model.share import UNKNOWN, Impact, Share
from irpd.model.signal import Signal, Status
from irpd.triage.account import NextBand, accounts_of
from irpd.triage.explain import explain_data, explain_signals, explain_text
from irpd.triage.facts import Facts
from irpd.triage.level import level_for
from irpd.triage.ruleset import RuleSet
from irpd.triage.service import ServiceIndex

Make = Callable[..., Facts]
Rules = Callable[..., RuleSet]
AT = datetime(2026, 11, 24, 2, 2, 11, tzinfo=UTC)
RULES = """\
version: 1
rules:
  - id: payments-failing
    match: {service: checkout, labels: {category: payment}}
    when: status == "firing"
    level: 1
    regimes: [pci-dss]
    because: payment processing failure is critical at any share of users
  - id: checkout-slow
    match: {service: checkout, labels: {alertname: [CheckoutSlow, CheckoutP99High]}}
    level: 2
    because: significant performance degradation
  - id: ticket-flood
    match: {source: helpdesk}
    when: reporters >= 2
    level: 3
    because: many people wrote to us
  - id: staging
    match: {labels: {environment: staging}}
    at_most: 4
    because: nobody gets up for staging
  - id: errs
    match: {labels: {category: error}}
    when: labels.team == "x"
    level: 1
    because: x
group:
  - {id: same-service, by: [service, environment], within: 30m, at_most: 12h}
"""
CONFIGURATION = Configuration.model_validate(
    {
        "version": 1, "unmapped": "platform", "fallback": ["emil"],
        "channels": {}, "notify": {}, "people": {}, "paths": {},
        "services": {
            "checkout": {
                "users": {"count": 120000},
                "signals": [{"source": "alertmanager", "labels": {"service": "checkout"}}],
            },
            "platform": {},
        },
        "sources": {
            "alertmanager": {"type": "alertmanager", "auth": "none"},
            "helpdesk": {"type": "ticket", "auth": "none"},
        },
    }
)  # fmt: skip
SERVICES = ServiceIndex(CONFIGURATION)
PAYMENT = Signal(
    key="9f2c61d0b7a1e354",
    status=Status.FIRING,
    title="PaymentErrors",
    labels={"service": "checkout", "category": "payment", "alertname": "PaymentErrors"},
    impact=Impact(affected=2400, method="label affected_users"),
)


def alert(key: str, status: Status = Status.FIRING, **labels: str) -> Signal:
    return Signal(key=key, status=status, title=key, labels=labels)


def test_the_text_says_for_each_rule_what_it_saw_and_what_it_missed(rules: Rules) -> None:
    found = explain_signals(CONFIGURATION, rules(RULES), SERVICES, "alertmanager", [PAYMENT], AT)
    text = explain_text(found, paths={"alertmanager/9f2c61d0b7a1e354": ["engineering"]})
    assert text == (Path(__file__).parent / "explained.txt").read_text().rstrip("\n")


def test_the_data_is_the_object_that_scripts_rely_on(rules: Rules) -> None:
    ruleset = rules(RULES)
    (one,) = explain_signals(CONFIGURATION, ruleset, SERVICES, "alertmanager", [PAYMENT], AT)
    data = json.loads(
        json.dumps(explain_data(ruleset, AT, [one.data(paths=["engineering"], tells=["team"])]))
    )
    assert (data["schema"], data["rules_hash"], data["at"]) == (
        "irpd.explain/1", ruleset.hash, "2026-11-24T02:02:11Z",
    )  # fmt: skip
    (signal,) = data["signals"]
    assert signal["key"] == "alertmanager/9f2c61d0b7a1e354"
    assert (signal["service"], signal["service_by"]) == ("checkout", "services.checkout.signals[0]")
    assert signal["outcome"] == "opens"
    assert signal["incident"]["level"] == 1
    assert signal["incident"]["paths"] == ["engineering"]
    assert signal["incident"]["joins"] is None
    assert signal["incident"]["group"] == {"id": "same-service", "key": ["checkout", ""]}
    by_id = {rule["id"]: rule for rule in signal["rules"]}
    held = by_id["payments-failing"]
    assert (held["at"], held["result"], held["decided"]) == ("rules/a.yaml:3", "held", True)
    assert held["effect"] == {"level": 1, "regimes": ["pci-dss"]}
    assert held["values"]["labels.category"] == "payment"
    assert by_id["checkout-slow"]["result"] == "nearly"
    assert by_id["checkout-slow"]["missed"] == [
        {"field": "labels.alertname", "got": "PaymentErrors", "wants": ["CheckoutSlow", "CheckoutP99High"]}
    ]
    assert by_id["staging"]["result"] == "not-held"
    assert signal["share"]["value"] == 0.02
    assert signal["share"]["next_band"] == {"level": 3, "from": 0.1, "above": False}
    assert (signal["muted_by"], signal["held_by"], signal["errors"]) == ([], None, [])
    assert signal["tells"] == ["team"]


def test_an_incident_that_it_joins_is_named(rules: Rules) -> None:
    (one,) = explain_signals(CONFIGURATION, rules(RULES), SERVICES, "alertmanager", [PAYMENT], AT)
    data = one.data(joins=42)
    assert data["outcome"] == "joins"
    assert data["incident"]["joins"] == 42  # type: ignore[index]


def test_signals_of_one_body_that_belong_together_are_one_incident(rules: Rules) -> None:
    signals = [alert("a"), alert("b"), alert("c", environment="staging"), alert("d", Status.RESOLVED)]
    found = explain_signals(CONFIGURATION, rules(RULES), SERVICES, "alertmanager", signals, AT)
    assert [one.outcome for one in found] == ["opens", "joins", "opens", "resolves"]
    assert explain_text(found).startswith(
        "4 signals -> 2 incidents\n1. alertmanager/a a: level 2 HIGH at platform\n"
    )
    assert found[2].level_by.rule == "staging"


def test_reporters_of_one_body_are_counted_once_each(rules: Rules) -> None:
    def ticket(key: str, reporter: str) -> Signal:
        return Signal(key=key, status=Status.FIRING, title="t", reporter=reporter)

    signals = [ticket("1", "a"), ticket("2", "a"), ticket("3", "b")]
    found = explain_signals(CONFIGURATION, rules(RULES), SERVICES, "helpdesk", signals, AT)
    assert [one.level for one in found] == [4, 4, 3]


def test_what_opens_nothing_is_said_so(rules: Rules) -> None:
    signals = [
        alert("n", Status.NOTE),
        alert("m", Status.MUTED),
        Signal(key="unreadable", status=Status.FIRING, title="x", unreadable="not JSON at byte 3"),
    ]
    found = explain_signals(CONFIGURATION, rules(RULES), SERVICES, "alertmanager", signals, AT)
    assert [one.outcome for one in found] == ["updates", "muted", "unreadable"]


def test_what_nobody_could_read_gets_its_sources_level_and_no_rule_is_asked(rules: Rules) -> None:
    broken = Signal(key="unreadable", status=Status.FIRING, title="x", unreadable="not JSON at byte 3")
    (alert,) = explain_signals(CONFIGURATION, rules(RULES), SERVICES, "alertmanager", [broken], AT)
    (ticket,) = explain_signals(CONFIGURATION, rules(RULES), SERVICES, "helpdesk", [broken], AT)
    assert (alert.level, alert.service, alert.service_by, alert.rules) == (2, "platform", "unreadable", ())
    assert (ticket.level, ticket.level_by.because) == (
        4, "a report of helpdesk can't be read: not JSON at byte 3",
    )  # fmt: skip
    assert explain_text([alert]).splitlines()[0] == (
        "1 signal -> 1 incident: level 2 HIGH at platform, unreadable"
    )


def test_a_default_level_and_an_error_are_told(rules: Rules) -> None:
    found = explain_signals(
        CONFIGURATION, rules(RULES), SERVICES, "alertmanager", [alert("a", category="error")], AT
    )
    lines = explain_text(found).splitlines()
    assert lines[1].startswith("  level 2   <- default")
    assert "the default level of alertmanager" in lines[1]
    assert lines[2].startswith("  error        errs")
    assert 'Key not found in map : "team"' in lines[2]
    assert found[0].errors == ('errs: Key not found in map : "team"',)
    assert "share unknown" in explain_text(found)


def test_a_source_that_nobody_configured_is_explained_all_the_same(rules: Rules) -> None:
    (one,) = explain_signals(CONFIGURATION, rules(RULES), SERVICES, "nobody", [alert("a")], AT)
    assert (one.level, one.service_by) == (2, "unmapped")


def test_nothing_to_explain_is_no_incident() -> None:
    assert explain_text([]) == "0 signals -> 0 incidents"


def test_the_next_band_is_the_nearest_more_severe_one() -> None:
    def band(numerator: int) -> NextBand | None:
        return NextBand.after(Share(numerator=numerator, denominator=100))

    assert band(9) == NextBand(level=3, begins=0.1, above=False)
    assert band(10) == NextBand(level=2, begins=0.4, above=False)
    assert band(80) == NextBand(level=1, begins=0.8, above=True)
    assert band(81) is None
    assert NextBand.after(UNKNOWN) is None


LABELS = st.dictionaries(
    st.sampled_from(["category", "alertname", "environment", "team"]),
    st.sampled_from(["payment", "CheckoutSlow", "staging", "error", "x", ""]),
)


@given(
    LABELS,
    st.sampled_from(["checkout", "login"]),
    st.sampled_from(["alertmanager", "helpdesk"]),
    st.integers(0, 100),
)
def test_the_explanation_and_the_decision_never_disagree(
    facts: Make, rules: Rules, labels: dict[str, str], service: str, source: str, percent: int
) -> None:
    ruleset = rules(RULES)
    seen = facts(
        labels=labels,
        service=service,
        source=source,
        share=Share(numerator=percent, denominator=100),
        reporters=2,
    )
    verdict = level_for(ruleset, seen, default=2, default_because="d")
    accounts = {one.id: one for one in accounts_of(ruleset, seen, default=2, verdict=verdict)}
    assert set(accounts) == {rule.id for rule in ruleset.rules} | {"share-of-users"}
    for said in verdict.contributions:
        account = accounts[said.rule]
        assert (account.result, account.decided) == (said.result, said.decided)
        assert dict(account.values) == said.values
        assert tuple(map(str, account.missed)) == said.missed
    told = {one.rule for one in verdict.contributions}
    assert all(accounts[id].result == "not-held" for id in set(accounts) - told)


def test_a_long_id_pushes_its_column_and_touches_nothing(rules: Rules) -> None:
    long = "a-rule-with-quite-a-long-id-indeed"
    ruleset = rules(RULES.replace("checkout-slow", long))
    lines = explain_text(
        explain_signals(CONFIGURATION, ruleset, SERVICES, "alertmanager", [PAYMENT], AT)
    ).splitlines()
    column = lines[1].index("rules/a.yaml")
    assert [line.index("rules/a.yaml") for line in lines if "rules/a.yaml" in line] == [column] * 5
    assert f"  no           {long}  rules/a.yaml:9  " in "\n".join(lines)


def test_nothing_that_a_sender_writes_steers_the_terminal(rules: Rules) -> None:
    escape = "\x1b]0;owned\x07\n\r\u202e"
    hostile = Signal(
        key=escape,
        status=Status.FIRING,
        title=escape,
        labels={"environment": escape, "category": escape, "pattern": "(" + escape, "alertname": escape},
    )
    ruleset = rules(RULES.replace('labels.team == "x"', "labels[title] == title").replace("[error]", "x"))
    text = explain_text(
        explain_signals(CONFIGURATION, ruleset, SERVICES, "alertmanager", [hostile, hostile], AT)
    )
    assert all(line.isprintable() for line in text.split("\n"))
    assert text.count("owned") > 4
