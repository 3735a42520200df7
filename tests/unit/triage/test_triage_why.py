"""Why a decision came out as it did: the one text that people, the page and the API show."""

from collections.abc import Callable

from irpd.journal.codec import decode_event, encode_event
from irpd.model.event import Opened
from irpd.model.share import Share
from irpd.triage.facts import Facts
from irpd.triage.level import level_for
from irpd.triage.ruleset import RuleSet
from irpd.triage.why import why_lines

RULES = """\
version: 1
rules:
  - {id: pay, match: {labels: {category: payment}}, level: 1, regimes: [pci-dss], because: payments fail}
  - {id: slow, match: {labels: {category: payment, extent: wide}}, level: 2, because: slow}
  - {id: flood, match: {service: checkout}, when: reporters >= 20 && open_minutes >= 10, level: 3, because: x}
  - {id: errs, match: {service: checkout}, when: 'labels.nothing == "x"', level: 3, because: x}
  - {id: cap, match: {service: checkout}, at_most: 2, because: nobody gets up}
"""
SHARE = Share(numerator=1, denominator=50, affected=2400, users=120000, method="label")


def opened(rules: Callable[..., RuleSet], given: Facts, text: str = RULES) -> Opened:
    ruleset = rules(text)
    verdict = level_for(ruleset, given, default=2, default_because="the default")
    return Opened(
        number=1, title="x", services=("checkout",), level=verdict.level, level_by=verdict.level_by,
        evidence_level=verdict.level, rules=verdict.contributions, share=given.share,
        rules_hash=ruleset.hash,
    )  # fmt: skip


def test_a_decision_says_what_held_what_nearly_did_what_they_saw_and_the_rules_hash(
    rules: Callable[..., RuleSet], facts: Callable[..., Facts]
) -> None:
    event = opened(rules, facts(labels={"category": "payment"}, share=SHARE, reporters=19, open_minutes=10))
    assert why_lines(event, {}) == [
        "level 2       HIGH  by cap: nobody gets up",
        "impact        Important business functions impaired; workarounds may exist but are cumbersome",
        "users         2.0 % (2,400 of 120,000: label); by itself level 4; level 3 from 10 %",
        '<- at most 2  cap  service = "checkout"',
        "              nobody gets up",
        'level 1       pay  labels.category = "payment"; regimes pci-dss',
        "              payments fail",
        "level 4       share-of-users  2.0 % (2,400 of 120,000: label) of users",
        'error         errs  service = "checkout", labels.nothing = ""',
        '              Key not found in map : "nothing"',
        "nearly        flood  missed: when reporters >= 20 (reporters = 19)",
        '              held: service = "checkout"',
        'nearly        slow  missed: labels.extent = "", wants wide',
        '              held: labels.category = "payment"',
        f"rules         {event.rules_hash}",
    ]


def test_the_words_come_from_the_event_alone_also_after_the_journal(
    rules: Callable[..., RuleSet], facts: Callable[..., Facts]
) -> None:
    event = opened(rules, facts(labels={"category": "payment"}))
    name, version, payload = encode_event(event)
    assert why_lines(decode_event(name, version, payload), {}) == why_lines(event, {})  # type: ignore[arg-type]


def test_nothing_that_a_sender_writes_steers_a_terminal_or_grows_a_line(
    rules: Callable[..., RuleSet], facts: Callable[..., Facts]
) -> None:
    text = 'version: 1\nrules: [{id: a, when: \'labels.get("x") != ""\', level: 1, because: x}]\n'
    event = opened(rules, facts(labels={"x": "\x1b[31m\n" + "y" * 5000}), text)
    lines = why_lines(event, {})
    assert all(line.isprintable() for line in lines)
    assert max(map(len, lines)) < 700


def test_an_opening_keeps_its_explanation_in_few_bytes(
    rules: Callable[..., RuleSet], facts: Callable[..., Facts]
) -> None:
    """However many rules nearly hold."""
    long = "z" * 80
    many = RULES + "".join(
        f"  - {{id: n-{n}, match: {{service: checkout, labels: {{x{n}: y}}}}, level: 4, because: {long}}}\n"
        for n in range(200)
    )
    event = opened(rules, facts(labels={"category": "payment"}, share=SHARE), many)
    assert len(encode_event(event)[2]) < 2000
