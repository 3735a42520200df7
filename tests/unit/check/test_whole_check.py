"""Configuration and rules as a whole."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irpd.check import check, check_files
from irpd.config.load import load_configuration
from irpd.config.problem import Problem

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
Write = Callable[..., list[str]]
Find = Callable[..., list[Problem]]


@pytest.fixture
def find(write: Write, good: str) -> Find:
    """All problems after changes of the good file, given as old, new, old, new, ..."""

    def found(
        *changes: str, more: str = "", now: datetime = NOW, strict: bool = False, starting: bool = False
    ) -> list[Problem]:
        text = good
        for old, new in zip(changes[::2], changes[1::2], strict=True):
            assert old in text
            text = text.replace(old, new, 1)
        loaded = load_configuration(write(irpd=text + more))
        return check(loaded, now=now, strict=strict, starting=starting)[0]

    return found


def said(problems: list[Problem]) -> list[tuple[str, str]]:
    return [(problem.severity, problem.path) for problem in problems]


GOOD = """\
version: 1
unmapped: platform
fallback: [emil]
services:
  platform: {paths: {technical: engineering}}
channels: {local: {type: file}}
notify: {default: [{via: [local]}]}
people: {emil: {name: Emil Novak}}
paths: {engineering: {kind: technical, steps: [{person: emil, wait: 10m}]}}
"""


def test_the_good_file_and_the_example_that_ships_have_no_problem(
    find: Find, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find() == []
    monkeypatch.chdir(ROOT)
    checked = check_files(["config"], strict=True, now=NOW)
    assert checked.problems == ()
    assert checked.good
    assert checked.loaded is not None
    assert checked.ruleset is not None
    assert {path.parent.name for path in checked.loaded.rule_paths} == {"rules"}


@pytest.mark.parametrize(
    "old, new, path, says",
    [
        (
            "Europe/Berlin",
            "Europe/Berln",
            "schedules.first-responder.time_zone",
            "did you mean Europe/Berlin?",
        ),
        ("Europe/Berlin", "../../etc/passwd", "schedules.first-responder.time_zone", "no time zone"),
        ("name: Emil", "time_zone: CEST2, name: Emil", "people.emil.time_zone", "no time zone"),
        ("Mon 09:00", "09:00", "schedules.first-responder.layers[0].handoff", "no weekly hand-off"),
        ("Mon 09:00", "Monday 09:00", "schedules.first-responder.layers[0].handoff", "no weekly hand-off"),
        ("Mon 09:00", "Mon 9:00", "schedules.first-responder.layers[0].handoff", "no time of day"),
        ("Mon 09:00", "Mon 24:00", "schedules.first-responder.layers[0].handoff", "no time of day"),
        ("weekly", "daily", "schedules.first-responder.layers[0].handoff", "no daily hand-off"),
        ("2026-01-05", "2026-02-30", "schedules.first-responder.layers[0].start", "no date"),
        ("2026-01-05", "2026-W01-1", "schedules.first-responder.layers[0].start", "no date"),
        ("2026-01-05", "0001-01-01", "schedules.first-responder.layers[0].start", "no date"),
        (
            "version: 1",
            'version: 1\nlevels: {medium: {hours: {from: "9"}}}',
            "levels.medium.hours.from",
            "no time",
        ),
        (
            "version: 1",
            "version: 1\nlevels: {medium: {hours: {days: []}}}",
            "levels.medium.hours.days",
            "empty",
        ),
        ("version: 1", "version: 1\nserver: {listen: localhost}", "server.listen", "with a port"),
        ("version: 1", 'version: 1\nserver: {listen: ":8420"}', "server.listen", "with a port"),
        ("version: 1", 'version: 1\nserver: {listen: "127.0.0.1:99999"}', "server.listen", "with a port"),
        ("version: 1", 'version: 1\nserver: {listen: "::1:8420"}', "server.listen", "with a port"),
        (
            "version: 1",
            "version: 1\nserver: {public_url: irpd.example.com}",
            "server.public_url",
            "no http://",
        ),
        (
            "version: 1",
            'version: 1\nserver: {public_url: "https://x/?a"}',
            "server.public_url",
            "paths can follow",
        ),
        ("name: Emil", "email: emil, name: Emil", "people.emil.email", "no e-mail address"),
        ("name: Emil", 'email: "a@b, c@d", name: Emil', "people.emil.email", "no e-mail address"),
        (
            "signals:",
            'runbook: "javascript:alert(1)"\n    signals:',
            "services.checkout.runbook",
            "no http://",
        ),
        ("signals:", 'dashboard: "https://"\n    signals:', "services.checkout.dashboard", "no http://"),
        (
            "auth: none",
            "auth: {client_secret: {env: HOME}}",
            "sources.alertmanager.auth.client_secret",
            "Sentry",
        ),
        (
            "auth: none",
            "auth: {hmac: {secret: {env: HOME}}}",
            "sources.alertmanager.auth.hmac",
            "header is missing",
        ),
        (
            "type: alertmanager",
            "type: ticket, fields: {key: id}",
            "sources.alertmanager.fields",
            "title is missing",
        ),
        ("auth: none", "auth: {bearer: {env: IRPD_UNSET}}", "sources.alertmanager.auth.bearer", "is not set"),
    ],
)
def test_what_cannot_work_is_an_error(find: Find, old: str, new: str, path: str, says: str) -> None:
    problems = find(old, new)
    assert said(problems) == [("error", path)]
    assert says in problems[0].message


@pytest.mark.parametrize("listen", ["127.0.0.1:8420", "[::1]:8420", "localhost:0"])
def test_an_address_of_this_machine_is_fine_without_a_public_one(find: Find, listen: str) -> None:
    assert find(more=f'server: {{listen: "{listen}"}}\n') == []


def test_an_open_source_on_an_open_address_is_a_warning(find: Find) -> None:
    problems = find(more='server: {listen: "0.0.0.0:8420"}\n')
    assert said(problems) == [("warning", "sources.alertmanager.auth"), ("warning", "server.public_url")]


def test_sentry_may_sign_or_not_since_its_old_plugin_cannot(
    find: Find, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "x")
    for auth in (
        "none",
        "{client_secret: {env: SECRET}}",
        "{query: {token: {env: SECRET}}}",
        "{hmac: {secret: {env: SECRET}}}",
    ):
        assert find("type: alertmanager, auth: none", f"type: sentry, auth: {auth}") == []


def test_a_field_map_is_for_tickets_and_names_known_fields(find: Find) -> None:
    problems = find("auth: none", "auth: none, fields: {key: a}")
    assert said(problems) == [("error", "sources.alertmanager.fields")]
    fields = "{key: a.b, title: a.c, labels.env: e, titel: x, labels.: y, body: a..b}"
    problems = find("type: alertmanager, auth: none", f"type: ticket, auth: none, fields: {fields}")
    assert said(problems) == [
        ("error", "sources.alertmanager.fields.titel"),
        ("error", "sources.alertmanager.fields.labels."),
        ("error", "sources.alertmanager.fields.body"),
    ]
    assert "did you mean title?" in problems[0].message


def test_a_secret_that_cannot_be_had_is_an_error_unless_only_the_files_are_looked_at(
    write: Write, good: str, tmp_path: Path
) -> None:
    text = good.replace("auth: none", "auth: {bearer: {file: secrets/token}}")
    loaded = load_configuration(write(irpd=text))
    (problem,) = check(loaded, now=NOW)[0]
    assert problem.path == "sources.alertmanager.auth.bearer"
    assert problem.message == f"{tmp_path}/secrets/token: no such file"
    assert check(loaded, now=NOW, reveal=False)[0] == []


def test_a_secret_that_all_may_read_or_of_several_lines_is_named(
    write: Write, good: str, tmp_path: Path
) -> None:
    text = good.replace("auth: none", "auth: {header: {X-Token: {file: token}}}")
    loaded = load_configuration(write(irpd=text))
    token = tmp_path / "token"
    token.write_text("hunter2\nhunter3\n")
    token.chmod(0o644)
    problems = check(loaded, now=NOW)[0]
    assert said(problems) == [
        ("error", "sources.alertmanager.auth.header.X-Token"),
        ("warning", "sources.alertmanager.auth.header.X-Token"),
    ]
    assert "hunter" not in repr(problems)
    token.write_text("hunter2\n")
    token.chmod(0o600)
    assert check(loaded, now=NOW)[0] == []


MAIL = "  local: {type: smtp, host: localhost, from: irpd@example.com}"


def test_a_service_whose_level_reaches_nobody_is_an_error(find: Find) -> None:
    problems = find("  local: {type: file}", MAIL)
    assert said(problems) == [
        ("error", "fallback"),
        ("error", "services.checkout.paths.technical"),
        ("error", "services.platform.paths.technical"),
        ("error", "people.asha"),
        ("error", "people.emil"),
    ]
    assert "level 1 (critical), 2 (high), 3 (medium) reaches nobody on engineering" in problems[1].message


def test_a_level_without_any_method_is_an_error_and_names_the_level(find: Find) -> None:
    problems = find("via: [local]", "via: [local], levels: [1, 2, 4]")
    assert ("error", "services.checkout.paths.technical") in said(problems)
    assert all("3 (medium)" in problem.message for problem in problems)
    assert not any("critical" in problem.message for problem in problems)


def test_one_person_without_an_address_is_an_error_while_others_are_reached(find: Find) -> None:
    problems = find(
        "  local: {type: file}", MAIL, "name: Emil Novak", "name: Emil Novak, email: e@example.com"
    )
    assert said(problems) == [("error", "people.asha")]
    assert "local" in problems[0].message


def test_who_is_on_no_path_needs_no_address(find: Find) -> None:
    changes = (
        "  local: {type: file}",
        MAIL,
        "Emil Novak",
        "Emil Novak, email: e@x.org",
        "[asha, emil]",
        "[emil]",
    )
    assert find(*changes) == []


def test_addresses_of_each_kind_of_channel_reach(find: Find, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "x")
    people = (
        "name: Asha Rao",
        "name: Asha Rao, slack: U01",
        "name: Emil Novak",
        "name: Emil, addresses: {local: U02}",
    )
    assert find("{type: file}", "{type: slack, auth: {bot_token: {env: SECRET}}}", *people) == []
    hook = "{type: webhook, url: 'https://x.example.com/', auth: {secret: {env: SECRET}}}"
    assert find("{type: file}", hook) == []


def test_a_method_that_comes_after_the_step_has_moved_on_is_a_warning(find: Find) -> None:
    changes = ("[{after: 0m, via: [local]}]", "[{via: [local]}, {after: 5m, via: [local], levels: [1, 2]}]")
    problems = find(*changes)
    assert said(problems) == [("error", "notify.default[1].after")]
    assert "paths.engineering.steps[0] waits 5m" in problems[0].message
    assert find(changes[0], changes[1].replace("5m", "4m")) == []
    assert find(changes[0], changes[1].replace("5m", "1h").replace("[1, 2]", "[3]")) == []
    assert said(find(changes[0], changes[1].replace("5m", "2h").replace("[1, 2]", "[3]"))) == [
        ("error", "notify.default[1].after")
    ]


def test_a_method_that_comes_after_the_page_has_expired_is_an_error(find: Find) -> None:
    changes = ("[{after: 0m, via: [local]}]", "[{via: [local]}, {after: 4h, via: [local], levels: [1, 2]}]")
    assert said(find(*changes)) == [("error", "notify.default[1].after")]


def test_a_persons_own_methods_are_looked_at_too(find: Find) -> None:
    problems = find("name: Asha Rao", "name: Asha Rao, notify: [{via: [local]}, {after: 6m, via: [local]}]")
    assert said(problems) == [("error", "people.asha.notify[1].after")]


def test_a_rotation_that_begins_later_leaves_a_gap_that_only_fallback_covers(find: Find) -> None:
    (problem,) = find(now=datetime(2026, 1, 5, 7, 59, tzinfo=UTC))
    assert (problem.severity, problem.path) == ("error", "schedules.first-responder")
    assert "from 2026-01-05 08:59 to 2026-01-05 09:00 (Europe/Berlin)" in problem.message
    (problem,) = find(now=datetime(2026, 1, 5, 7, 59, tzinfo=UTC), starting=True)
    assert problem.severity == "warning"
    meant = ("    layers: [{rotate", "    gaps: fallback\n    layers: [{rotate")
    assert find(*meant, now=datetime(2026, 1, 5, 7, 59, tzinfo=UTC)) == []
    assert find(now=datetime(2026, 1, 5, 8, 0, tzinfo=UTC)) == []


def test_a_later_layer_that_begins_later_is_no_gap(find: Find) -> None:
    layer = ', {rotate: daily, handoff: "09:00", start: "2027-01-05", people: [emil]}]'
    assert find("people: [asha, emil]}]", "people: [asha, emil]}" + layer) == []


@pytest.mark.parametrize("start", ["2026-01-01", "2026-01-05", "2026-11-24"])
def test_a_layer_that_a_later_one_always_covers_is_a_warning(find: Find, start: str) -> None:
    layer = f', {{rotate: daily, handoff: "09:00", start: "{start}", people: [emil]}}]'
    problems = find("people: [asha, emil]}]", "people: [asha, emil]}" + layer)
    assert said(problems) == [("warning", "schedules.first-responder.layers[0]")]


def test_a_weekly_start_on_another_weekday_says_when_the_first_shift_is(find: Find) -> None:
    (problem,) = find("2026-01-05", "2026-01-07")
    assert problem.severity == "warning"
    assert "is a Wed" in problem.message
    assert "2026-01-12" in problem.message


def test_hours_of_a_level_that_pages_at_once_are_without_effect(find: Find) -> None:
    problems = find(more='levels: {high: {hours: {from: "08:00"}}, medium: {hours: {from: "08:00"}}}\n')
    assert said(problems) == [("warning", "levels.high.hours")]


def test_a_service_that_nobody_claims_is_a_warning_unless_reports_may_name_it(find: Find) -> None:
    login = ("services:", "services:\n  login: {paths: {technical: engineering}}")
    assert said(find(*login)) == [("warning", "services.login")]
    desk = (
        "sources:",
        "sources:\n  desk: {type: ticket, auth: none, fields: {key: a, title: b, service: c}}",
    )
    assert find(*login, *desk) == []


def claims(*lines: str) -> tuple[str, str]:
    more = "".join(
        f"\n  s{n}: {{paths: {{technical: engineering}}, signals: [{line}]}}" for n, line in enumerate(lines)
    )
    return ("\n  platform:", f"{more}\n  platform:")


def test_the_same_claim_of_two_services_is_an_error(find: Find) -> None:
    problems = find(*claims("{labels: {service: checkout}, source: [alertmanager]}"))
    assert said(problems) == [("error", "services.s0.signals[0]")]
    assert problems[0].message.startswith("the same as services.checkout.signals[0]")


def test_a_claim_that_an_earlier_one_takes_whole_is_an_error(find: Find) -> None:
    problems = find(*claims("{labels: {a: [x, y]}}", "{labels: {a: y, b: z}}", "{labels: {a: [y, z]}}"))
    assert said(problems) == [("error", "services.s1.signals[0]")]
    assert "all of it goes to services.s0.signals[0]" in problems[0].message


def test_of_several_claims_that_take_another_the_first_is_named(find: Find) -> None:
    (problem,) = find(*claims("{labels: {c: x}}", "{labels: {a: x}}", "{labels: {a: x, c: x}}"))
    assert "all of it goes to services.s0.signals[0]" in problem.message


def test_a_claim_that_an_earlier_one_of_the_same_service_takes_is_a_warning(find: Find) -> None:
    problems = find(*claims("{labels: {a: x}}, {labels: {a: x, b: y}}"))
    assert said(problems) == [("warning", "services.s0.signals[1]")]


@pytest.mark.parametrize("claim", ["{}", "{labels: {}}", "{source: []}", "{labels: {a: []}}"])
def test_a_claim_of_everything_or_nothing_is_an_error(find: Find, claim: str) -> None:
    assert said(find(*claims(claim))) == [("error", "services.s0.signals[0]")]


VALUES = st.sets(st.sampled_from("xyz"), min_size=1).map(sorted)
CLAIM = st.dictionaries(st.sampled_from(["a", "b", "c"]), VALUES, min_size=1)


@given(st.lists(CLAIM, min_size=2, max_size=6))
def test_a_claim_is_refused_exactly_when_one_before_it_takes_every_report(
    tmp_path_factory: pytest.TempPathFactory, wanted: list[dict[str, list[str]]]
) -> None:
    old, new = claims(*(json.dumps({"labels": labels}) for labels in wanted))
    file = tmp_path_factory.mktemp("claims") / "irpd.yaml"
    file.write_text(GOOD.replace(old, new, 1))
    problems = check(load_configuration([file]), now=NOW)[0]
    taken = [
        [
            m
            for m, one in enumerate(wanted[:n])
            if all(set(later.get(k, "-")) <= set(v) for k, v in one.items())
        ]
        for n, later in enumerate(wanted)
    ]
    said = [(problem.path, problem.message.split(";")[0].split(" ")[-1]) for problem in problems]
    assert said == [
        (f"services.s{n}.signals[0]", f"services.s{by[0]}.signals[0]") for n, by in enumerate(taken) if by
    ]


def test_paths_of_the_wrong_kind_or_of_no_use_are_warnings(find: Find) -> None:
    extra = "\n  {0}: {{kind: {0}, steps: [{{person: emil, wait: 5m}}]}}"
    paths = (
        "paths:\n  engineering:",
        "paths:" + extra.format("customer") + extra.format("business") + "\n  engineering:",
    )
    assert said(find(*paths)) == [("warning", "paths.customer")]
    problems = find(*paths, "{technical: engineering}", "{technical: customer}")
    assert said(problems) == [("warning", "services.checkout.paths.technical")]
    assert said(find("platform: {paths: {technical: engineering}}", "platform: {}")) == [
        ("warning", "services.platform.paths")
    ]


def test_a_mail_password_is_not_sent_in_the_clear(find: Find, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "x")
    auth = "{{user: u, password: {{env: SECRET}}}}"
    mail = "{{type: file}}\n  mail: {{type: smtp, host: {}, from: a@b, tls: {}, auth: " + auth + "}}"
    assert said(find("{type: file}", mail.format("mail.example.com", "none"))) == [
        ("error", "channels.mail.auth")
    ]
    assert find("{type: file}", mail.format("mail.example.com", "auto")) == []
    assert find("{type: file}", mail.format("localhost", "none")) == []


def test_own_addresses_fit_their_channel(find: Find, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "x")
    for channel, bad in (
        ("{type: smtp, host: localhost, from: a@b}", "x"),
        ("{type: webhook, auth: {secret: {env: SECRET}}}", "ftp://x"),
    ):
        problems = find(
            "{type: file}",
            f"{{type: file}}\n  other: {channel}",
            "name: Emil",
            f"addresses: {{other: '{bad}'}}, name: Emil",
        )
        assert said(problems) == [("error", "people.emil.addresses.other")]


def test_a_login_of_two_people_is_an_error(find: Find) -> None:
    problems = find("name: Asha", "login: ops, name: Asha", "name: Emil", "login: ops, name: Emil")
    assert said(problems) == [("error", "people.emil.login")]


def test_tokens_of_one_name_are_refused(find: Find) -> None:
    token = f"{{name: ci, hash: 'sha256:{'0' * 64}'}}"
    problems = find(more=f"server: {{tokens: [{token}, {token}]}}\n")
    assert said(problems) == [("error", "server.tokens[1].name")]


RULES = (
    "version: 1\nrules:\n  - {id: a, match: {service: checkout}, when: shrae > 0.1, level: 1, because: x}\n"
)


def test_rules_are_checked_with_the_configuration_in_the_order_of_the_files(write: Write, good: str) -> None:
    names = write(irpd=good.replace("{person: emil", "{person: cih") + "rules: [r.yaml]\n", r=RULES)
    problems, ruleset = check(load_configuration(names[:1]), now=NOW)
    assert ruleset is None
    assert [(problem.file, problem.line) for problem in problems] == [("irpd.yaml", 25), ("r.yaml", 3)]
    assert "shrae" in problems[1].message


def test_ten_mistakes_of_every_kind_are_all_reported_at_once(write: Write, good: str) -> None:
    text = (
        good.replace("auth: none", "auth: {bearer: plain}")  # a secret written down
        .replace("unmapped: platform", "unmapped: platfrom")  # a service that isn't there
        .replace("signals:", "singals:")  # an unknown key
        .replace("local: {type: file}", "local: {type: file}\n  local: {type: slack}")  # twice
        .replace('"+4915100000001"', "+4915100000001")  # misread by YAML
        .replace("Europe/Berlin", "Europe/Berln")  # no such zone
        .replace("Mon 09:00", "Monday 09:00")  # no hand-off
        .replace("wait: 5m", "wait: 5 min")  # no duration
        .replace("{person: emil", "{person: cih")  # nobody
        + "status_page: {}\nrules: [r.yaml]\n"  # not built
    )
    names = write(irpd=text, r=RULES)
    checked = check_files(names[:1], now=NOW)
    assert [problem.path for problem in checked.problems if problem.file == "irpd.yaml"] == [
        "sources.alertmanager.auth.bearer",
        "unmapped",
        "services.checkout.singals",
        "channels.local",
        "people.asha.phone",
        "schedules.first-responder.time_zone",
        "schedules.first-responder.layers[0].handoff",
        "paths.engineering.steps[0].wait",
        "paths.engineering.steps[1].person",
        "status_page",
    ]
    assert all(problem.line and problem.column for problem in checked.problems)
    assert checked.problems[-1].file == "r.yaml"
    assert checked.files == 2


def test_strict_makes_warnings_errors(find: Find) -> None:
    lenient = find("2026-01-05", "2026-01-07")
    assert find("2026-01-05", "2026-01-07", strict=True) == [replace(p, severity="error") for p in lenient]


def test_files_that_cannot_be_read_are_answered_too(write: Write) -> None:
    for text in (
        "",
        "[",
        "a: 1",
        "- x",
        "version: 1\nsources: 7\nservices: []\npaths: {p: {steps: [7, {}]}}\n",
    ):
        checked = check_files(write(irpd=text), now=NOW)
        assert not checked.good
        assert checked.loaded is None


def test_names_of_a_section_that_cannot_be_read_are_not_said_to_be_missing(write: Write, good: str) -> None:
    text = good.replace("people:\n", "people: 7\nignored:\n")
    paths = {problem.path for problem in check_files(write(irpd=text), now=NOW).problems}
    assert paths == {"people", "ignored"}


def test_what_is_wrong_in_a_rule_file_is_said_once(write: Write, good: str) -> None:
    names = write(irpd=good + "rules: [r.yaml]\n", r="version: 1\nrules: []\nrules: []\n")
    assert len(check_files(names[:1], now=NOW).problems) == 1


A_MAIL = (
    "  local: {type: file}\n",
    "  local: {type: file}\n  mail: {type: smtp, host: localhost, from: a@example.com}\n",
)
BY_BOTH = ("via: [local]", "via: [local, mail]")
WITHOUT_EMAIL = "has no address for mail (email), by which their notify pages them too"


def test_somebody_who_lacks_an_address_on_one_of_their_channels_is_told(find: Find) -> None:
    problems = find(*A_MAIL, *BY_BOTH, "{name: Emil Novak}", "{name: Emil Novak, email: emil@example.com}")
    assert [(p.severity, p.path, p.message) for p in problems] == [("warning", "people.asha", WITHOUT_EMAIL)]
    problems = find(
        *A_MAIL, *BY_BOTH, "{name: Emil Novak}", "{name: Emil Novak, email: emil@example.com}",
        "{name: Asha Rao,", "{name: Asha Rao, addresses: {mail: asha@example.com},",
    )  # fmt: skip
    assert problems == []


def test_a_channel_that_none_of_their_methods_uses_needs_no_address(find: Find) -> None:
    assert find(*A_MAIL) == []
