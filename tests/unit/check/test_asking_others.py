"""Whom irpd asks, with what, and whether that can be."""

from collections.abc import Callable

import pytest

from irpd.check import check_files

Write = Callable[..., list[str]]

ASKED = "    paths: {technical: engineering}\n    signals"
ONE = "prometheus: {main: {url: 'http://127.0.0.1:9090'}}\n"
TWO = "prometheus: {main: {url: 'http://127.0.0.1:9090'}, other: {url: 'http://127.0.0.1:9091'}}\n"
QUERY = "affected: {promql: a}"
SENDER = "alertmanager: {type: alertmanager, auth: none}"


def said(write: Write, text: str) -> list[str]:
    checked = check_files(write(irpd=text), reveal=False)
    return [f"{problem.severity}: {problem.path}: {problem.message}" for problem in checked.problems]


@pytest.mark.parametrize(
    "servers, service, problem",
    [
        ("", QUERY,
         "error: services.checkout.affected.promql: nobody to ask: there is no section prometheus"),
        (TWO, QUERY,
         "error: services.checkout.affected.promql: which one to ask? there are main, other; add ask:"),
        (ONE, "affected: {promql: a, ask: man}",
         'error: services.checkout.affected.ask: no prometheus "man"; did you mean main?'),
        (TWO, "users: {promql: a}",
         "error: services.checkout.users.promql: which one to ask? there are main, other; add ask:"),
        (ONE, "users: {promql: a, count: 3}",
         "error: services.checkout.users: users has either count or promql"),
        (ONE, "users: {otherwise: 3}", "error: services.checkout.users: users has either count or promql"),
        (ONE, "users: {count: 3, otherwise: 3}",
         "error: services.checkout.users: otherwise goes with promql; count always holds"),
        (ONE, "affected: {promql: a, every: 1s}",
         "error: services.checkout.affected.every: must be at least 5s"),
        ("prometheus: {main: {url: 'ftp://x'}}\n", QUERY,
         "error: prometheus.main.url: must be an http:// or https:// address"),
        ("prometheus: {main: {url: 'http://p.example.com', auth: {bearer: {env: X}}}}\n", QUERY,
         "warning: prometheus.main.url: http: the secret under auth would cross the network in the clear"),
        ("prometheus: {main: {url: 'https://x', auth: {}}}\n", QUERY,
         "error: prometheus.main.auth: exactly one way: bearer, or basic with one user"),
    ],
)  # fmt: skip
def test_a_question_that_cannot_be_asked_is_named(
    write: Write, good: str, servers: str, service: str, problem: str
) -> None:
    text = good.replace(ASKED, f"    {service}\n{ASKED}", 1).replace("unmapped:", f"{servers}unmapped:", 1)
    assert said(write, text) == [problem]


@pytest.mark.parametrize(
    "servers, service",
    [
        (ONE, "affected: {promql: 'sum(x)', every: 1m}"),
        (
            TWO,
            "affected: {promql: a, ask: other}\n    users: {promql: b, ask: main, every: 5m, otherwise: 9}",
        ),
        ("prometheus: {main: {url: 'https://p.example.com/prom', auth: {bearer: {env: X}}}}\n", QUERY),
    ],
)
def test_a_question_that_can_be_asked_is_fine(write: Write, good: str, servers: str, service: str) -> None:
    text = good.replace(ASKED, f"    {service}\n{ASKED}", 1).replace("unmapped:", f"{servers}unmapped:", 1)
    assert said(write, text) == []


@pytest.mark.parametrize(
    "type, api, problem",
    [
        ("alertmanager", "{urls: ['am:9093']}", "'am:9093' is no address such as http://127.0.0.1:9093"),
        (
            "grafana",
            "{urls: ['http://a:1']}",
            "a source of type grafana can't be asked; only alertmanager and",
        ),
        (
            "sentry",
            "{urls: ['https://sentry.io']}",
            "api of a Sentry has one address in urls, and organization",
        ),
        (
            "alertmanager",
            "{urls: ['http://a:1'], auth: {basic: {me: {env: X}}}}",
            "http: the secret under auth would cross the network in the clear",
        ),
    ],
)
def test_a_sender_that_cannot_be_asked_is_named(
    write: Write, good: str, type: str, api: str, problem: str
) -> None:
    assert SENDER in good
    asked = f"alertmanager: {{type: {type}, auth: none, api: {api}}}"
    (found,) = said(write, good.replace(SENDER, asked, 1))
    assert "sources.alertmanager" in found
    assert problem in found
