"""Single values that are wrong: each is said once, at its place, with what is allowed."""

from collections.abc import Callable

import pytest

from irpd.config.load import load_configuration, read_configuration
from irpd.config.problem import ConfigurationError, Problem

Write = Callable[..., list[str]]


@pytest.fixture
def mistakes(write: Write, good: str) -> Callable[..., list[Problem]]:
    """The problems after a change of the good file, and of lines put behind it."""

    def found(old: str = "", new: str = "", *, more: str = "") -> list[Problem]:
        assert old in good
        return list(read_configuration(write(irpd=good.replace(old, new, 1) + more)).problems)

    return found


def test_the_good_file_is_good(write: Write, good: str) -> None:
    loaded = load_configuration(write(irpd=good))
    assert loaded.problems == ()
    assert loaded.configuration.people["asha"].notify == "default"
    assert loaded.configuration.paths["engineering"].steps[0].wait == 300.0


_LAYERS = "layers:"
TRAPS = [
    ('phone: "+4915100000001"', "phone: +4915100000001", 'a number, not text; quote it: "+4915100000001"'),
    (
        'start: "2026-01-05"',
        "start: 2026-01-05",
        'reads 2026-01-05 as a date, not text; quote it: "2026-01-05"',
    ),
    ('handoff: "Mon 09:00"', "handoff: 22:00", 'reads 22:00 as the number 1320, not text; quote it: "22:00"'),
    ("wait: 5m", "wait: 5:00", "reads 5:00 as the number 300, not a duration"),
    ("wait: 5m", "wait: 300", "a number, not a duration like 90s"),
    ("wait: 5m", "wait: 0.5", "a number, not a duration like 90s"),
    ("wait: 5m", "wait: yes", "reads yes as true, not a duration"),
    ("name: Asha Rao", "name: NO", 'reads NO as false, not text; quote it: "NO"'),
    ("name: Asha Rao", "name: ~", "reads ~ as nothing, not text"),
    ("service: checkout}", "service: [NO, SE]}", 'reads NO as false, not text; quote it: "NO"'),
    ("service: checkout}", "service: 1.10}", 'a number, not text; quote it: "1.10"'),
    ("unmapped: platform", "unmapped: #platform", 'what follows # is a comment; quote it: "#platform"'),
]


@pytest.mark.parametrize("old, new, says", TRAPS)
def test_what_yaml_reads_otherwise_is_said_with_its_fix(
    mistakes: Callable[..., list[Problem]], good: str, old: str, new: str, says: str
) -> None:
    (problem,) = mistakes(old, new)
    assert says in problem.message
    before = good[: good.index(old)].split("\n")
    assert problem.line == len(before)
    assert problem.column > len(before[-1])


@pytest.mark.parametrize(
    "key, says",
    [
        ("on: {name: x}", 'reads on as true; quote it: "on"'),
        ("NO: {name: x}", 'reads NO as false; quote it: "NO"'),
        ("1: {name: x}", 'reads 1 as a number; quote it: "1"'),
    ],
)
def test_a_key_that_yaml_reads_otherwise_is_said_with_its_fix(
    mistakes: Callable[..., list[Problem]], key: str, says: str
) -> None:
    (problem,) = mistakes("people:\n", f"people:\n  {key}\n")
    assert says in problem.message


def test_levels_by_number_are_told_their_names(mistakes: Callable[..., list[Problem]]) -> None:
    (problem,) = mistakes(more="levels: {2: {urgency: now}}\n")
    assert "critical, high, medium, low" in problem.message


MISTAKES = [
    (
        "paths: {technical: engineering}\n    signals",
        "pahts: {technical: engineering}\n    signals",
        "services.checkout.pahts",
        "unknown key; did you mean paths?",
    ),
    (
        "type: alertmanager",
        "type: alertmanger",
        "sources.alertmanager.type",
        '"alertmanger" is not allowed here; did you mean alertmanager?',
    ),
    ("auth: none", "auth: non", "sources.alertmanager.auth", "or none"),
    ("auth: none", "auth: {}", "sources.alertmanager.auth", "exactly one way"),
    (
        "auth: none",
        "auth: {bearer: {env: A}, query: {k: {env: A}}}",
        "sources.alertmanager.auth",
        "bearer and query stand here",
    ),
    ("auth: none", "auth: {basic: {}}", "sources.alertmanager.auth", "exactly one name"),
    (
        "auth: none",
        "auth: {bearer: {env: A, file: B}}",
        "sources.alertmanager.auth.bearer",
        "exactly one of {env: NAME}",
    ),
    ("auth: none", "auth: {bearer: {}}", "sources.alertmanager.auth.bearer", "exactly one of {env: NAME}"),
    (
        "auth: none",
        "auth: {bearer: {credential: ../x}}",
        "sources.alertmanager.auth.bearer.credential",
        "without /",
    ),
    ("auth: none", "auth: none, limit: 0", "sources.alertmanager.limit", "must be more than 0"),
    ("auth: none", "auth: none, limit: .inf", "sources.alertmanager.limit", "a number without end"),
    (
        "auth: none",
        "auth: none, unreadable: {level: 5}",
        "sources.alertmanager.unreadable.level",
        "at most 4",
    ),
    ("auth: none", "auth: none, unreadable: reject", "sources.alertmanager.unreadable", "not allowed here"),
    (", auth: none", "", "sources.alertmanager.auth", "missing"),
    ("fallback: [emil]", "fallback: []", "fallback", "must not be empty"),
    ("fallback: [emil]", "fallback: emil", "fallback", "a text, not a list; write [emil]"),
    ("fallback: [emil]\n", "", "fallback", "missing"),
    ("version: 1", "version: 2", "version", "version 1 only"),
    ("version: 1", "version: true", "version", "version 1 only"),
    ("version: 1", 'version: "1"', "version", "version 1 only"),
    (
        "  local: {type: file}",
        "  Local: {type: file}\n  local: {type: file}",
        "channels.Local",
        "names are of a-z",
    ),
    ("{type: file}", "{path: x}", "channels.local.type", "missing"),
    ("{type: file}", "{type: smpt, host: x}", "channels.local.type", "did you mean smtp?"),
    ("{type: file}", "{type: smtp, host: x}", "channels.local.from", "missing"),
    (
        "{type: file}",
        "{type: smtp, host: 'smtp://x', from: a@b}",
        "channels.local.host",
        "a host name or address",
    ),
    ("{type: file}", "{type: file, terminal: 'no'}", "channels.local.terminal", "a text, not true or false"),
    ("{type: file}", "7", "channels.local", "a number, not a mapping"),
    ("via: [local]", "via: []", "notify.default[0].via", "must not be empty"),
    ("via: [local]", "via: [local], levels: [0]", "notify.default[0].levels[0]", "at least 1"),
    (
        "via: [local]",
        "via: [local], levels: [true]",
        "notify.default[0].levels[0]",
        "true, not a whole number",
    ),
    ("wait: 5m", "wait: 5 m", "paths.engineering.steps[0].wait", "is not a duration"),
    ("wait: 5m", "wait: 0m", "paths.engineering.steps[0].wait", "must be more than 0s"),
    (
        "kind: technical",
        "kind: technical\n    repeat: 2.5",
        "paths.engineering.repeat",
        "2.5 is not a whole number",
    ),
    ("{name: Emil Novak}", "{name: Emil Novak, notify: 7}", "people.emil.notify", "a number, not text"),
    ("{name: Emil Novak}", "Emil", "people.emil", "a text, not a mapping"),
    ("{name: Emil Novak}", '{name: "Emil\\eNovak"}', "people.emil.name", "control character"),
    (
        "unmapped: platform",
        "unmapped: platform\nlevels: {hihg: {urgency: now}}",
        "levels.hihg",
        "did you mean high?",
    ),
    (
        "unmapped: platform",
        "unmapped: platform\nlevels: {high: {urgency: nwo}}",
        "levels.high.urgency",
        "did you mean now?",
    ),
    ("unmapped: platform", "unmapped: platform\nschedules2: {}", "schedules2", "did you mean schedules?"),
    ("unmapped: platform", "unmapped: platform\nrules: [{id: x}]", "rules[0]", "names rule files"),
    ("unmapped: platform", "unmapped: platform\ntiming: {quiet: 9999d}", "timing.quiet", "longest duration"),
    (_LAYERS, f"notise: 1h\n    {_LAYERS}", "schedules.first-responder.notise", "did you mean notice?"),
    (_LAYERS, f"notice: off\n    {_LAYERS}", "schedules.first-responder.notice", "not a duration"),
    (_LAYERS, f"notice: 30s\n    {_LAYERS}", "schedules.first-responder.notice", "at least 1m"),
    (_LAYERS, f"test_before: 1h\n    {_LAYERS}", "schedules.first-responder.test_before", "unknown key"),
    (
        _LAYERS,
        f"test_before_shift: 1m\n    {_LAYERS}",
        "schedules.first-responder.test_before_shift",
        "at least 5m",
    ),
    (_LAYERS, f"notice: 8d\n    {_LAYERS}", "schedules.first-responder.notice", "at most 7d"),
]


@pytest.mark.parametrize("old, new, path, says", MISTAKES)
def test_a_mistake_is_said_once_at_its_path(
    mistakes: Callable[..., list[Problem]], old: str, new: str, path: str, says: str
) -> None:
    (problem,) = mistakes(old, new)
    assert problem.path == path
    assert says in problem.message
    assert problem.line
    assert problem.column


NOT_YET = [
    "status_page: {title: Status}",
    "silences: []",
    "journal: {redis: {url: {credential: redis-url}}}",
    "roles: {legal: {person: emil}}",
    "objectives: {}",
]


@pytest.mark.parametrize("more", NOT_YET)
def test_a_key_whose_feature_is_not_built_says_what_is_supported(
    mistakes: Callable[..., list[Problem]], more: str
) -> None:
    (problem,) = mistakes(more=more + "\n")
    assert "not supported yet; supported here: " in problem.message


@pytest.mark.parametrize(
    "old, new",
    [
        ("paths: {technical: engineering}\n    signals", "visible_to: [legal]\n    signals"),
        ("{type: file}", "{type: file}\n  chat: {type: discord, room: here}"),
        ("rotate: weekly", "rotate: weekly, until: 2026"),
    ],
)
def test_a_part_whose_feature_is_not_built_is_one_error(
    mistakes: Callable[..., list[Problem]], old: str, new: str
) -> None:
    (problem,) = mistakes(old, new)
    assert "not supported yet" in problem.message


@pytest.mark.parametrize(
    "old, new",
    [
        ("auth: none", "auth: {bearer: hunter2hunter2}"),
        ("auth: none", "auth: hunter2hunter2"),
        ("auth: none", "auth: [hunter2hunter2]"),
        ("auth: none", "auth: {basic: {user: hunter2hunter2}}"),
        ("auth: none", "auth: {hmac: {secret: hunter2hunter2}}"),
        ("auth: none", "auth: {hunter2hunter2: {env: X}}"),
        ("{type: file}", "{type: slack, auth: {bot_token: hunter2hunter2}}"),
        ("{type: file}", "{type: smtp, host: h, from: a@b, auth: {user: u, password: hunter2hunter2}}"),
        ("version: 1", "version: 1\nserver: {tokens: [{name: a, hash: hunter2hunter2}]}"),
        ("version: 1", 'version: 1\nserver: {public_url: "https://me:hunter2hunter2@x"}'),
        ("{type: file}", '{type: webhook, url: "https://me:hunter2hunter2@x/y", auth: {secret: {env: X}}}'),
    ],
)
def test_a_secret_that_was_written_down_is_refused_and_not_repeated(
    mistakes: Callable[..., list[Problem]], old: str, new: str
) -> None:
    problems = mistakes(old, new)
    assert problems
    for problem in problems:
        if "unknown key" not in problem.message:  # a key is no secret
            assert "hunter2" not in repr(problem)


def test_ten_different_mistakes_in_one_file_are_all_said_in_order(good: str, write: Write) -> None:
    text = (
        good.replace("auth: none", "auth: {bearer: plain-text}")
        .replace("unmapped: platform", "unmapped: platform\nunmapped: checkout")
        .replace("signals:", "singals:")
        .replace("{type: file}", "{type: discord}")
        .replace("after: 0m", "after: 0")
        .replace('"+4915100000001"', "+4915100000001")
        .replace("{name: Emil Novak}", '{name: Emil, addresses: {local: "https://a:b@c/"}}')
        .replace('"2026-01-05"', "2026-01-05")
        .replace("kind: technical", "kind: tecnical")
        .replace("wait: 10m", "wait: ten minutes")
    )
    problems = read_configuration(write(irpd=text)).problems
    expected = {
        "plain-text": "sources.alertmanager.auth.bearer",
        "unmapped: checkout": "unmapped",
        "singals": "services.checkout.singals",
        "discord": "channels.local.type",
        "0, via": "notify.default[0].after",
        "+49151": "people.asha.phone",
        '"https://a:b': "people.emil.addresses.local",
        "2026-01-05": "schedules.first-responder.layers[0].start",
        "tecnical": "paths.engineering.kind",
        "ten minutes": "paths.engineering.steps[1].wait",
    }
    before = [text[: text.index(at)].split("\n") for at in expected]
    assert [(p.file, p.line, p.column, p.path) for p in problems] == [
        ("irpd.yaml", len(lines), len(lines[-1]) + 1, path)
        for lines, path in zip(before, expected.values(), strict=True)
    ]
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(["irpd.yaml"])
    assert caught.value.problems == problems


@pytest.mark.parametrize("end", range(1, 40))
def test_a_half_written_file_is_refused_with_a_place(write: Write, good: str, end: int) -> None:
    cut = good[: len(good) * end // 40]
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(write(irpd=cut))
    assert all(problem.file == "irpd.yaml" and problem.line for problem in caught.value.problems)


def test_the_levels_keep_what_the_protocol_says_and_the_file_does_not(write: Write, good: str) -> None:
    text = good + "levels: {high: {urgency: working-hours}, low: {respond_within: 12h}}\n"
    configuration = load_configuration(write(irpd=text)).configuration
    assert [
        (configuration.level(n).respond_within, configuration.level(n).urgency) for n in (1, 2, 3, 4)
    ] == [
        (900.0, "now"),
        (3600.0, "working-hours"),
        (4 * 3600.0, "working-hours"),
        (12 * 3600.0, "quiet"),
    ]
