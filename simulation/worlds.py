"""The configurations of the simulated world: one, and what reloads make of it.

Times are shorter than anybody would want them, so that a few simulated hours hold everything.
Persons, steps, channels, sources and a path come and go with reloads; what must always be there is
somebody in ``fallback`` with a channel.
"""

import json
from collections.abc import Callable, Mapping
from datetime import time
from functools import cache

from irpd.daemon.settings import Prepared, from_journal

_BASE = """
version: 1
unmapped: platform
rules: [rules.yaml]
sources:
  alerts: {type: alertmanager, auth: none}
  sentry: {type: sentry, auth: none}
  desk:
    type: ticket
    auth: none
    fields: {key: id, title: subject, reporter: from, status: state, labels.category: category, affected_users: users}
    closed: [solved]
services:
  checkout:
    paths: {technical: engineering, customer: customers, business: business}
    users: {count: 1000}
    signals:
      - {source: alerts, labels: {service: checkout}}
      - {source: sentry, project: checkout}
      - {source: desk, labels: {category: payment}}
  login:
    paths: {technical: engineering}
    users: {count: 400}
    signals: [{source: alerts, labels: {service: login}}, {source: desk, labels: {category: login}}]
  search:
    paths: {technical: small}
    signals: [{source: alerts, labels: {service: search}}]
  platform:
    paths: {technical: engineering}
channels:
  line: {type: file, path: line.jsonl, terminal: false}
  mail: {type: smtp, host: mail.invalid, from: irpd@example.com}
  chat: {type: slack, auth: {bot_token: {env: CHAT}}}
  hook: {type: webhook, url: "https://hook.invalid/", auth: {secret: {env: HOOK}}}
  push: {type: ntfy, server: "https://push.invalid"}
notify:
  default:
    - {after: 0s, via: [mail]}
    - {after: 40s, via: [chat, hook], levels: [1, 2]}
  loud:
    - {after: 0s, via: [hook], levels: [1, 2, 3]}
    - {after: 0s, via: [mail], levels: [4]}
    - {after: 30s, via: [line], levels: [1, 2]}
  sure: [{after: 0s, via: [line]}, {after: 20s, via: [mail]}]
  ring: [{after: 0s, via: [push]}, {after: 30s, via: [mail, push]}]
operators: [emil]
fallback: [emil, fay]
people:
  asha: {name: Asha, email: asha@example.com, slack: UASHA, time_zone: Europe/Berlin}
  ben: {name: Ben, email: ben@example.com, slack: UBEN, ntfy: ben, notify: loud, time_zone: Europe/Berlin}
  chi: {name: Chi, email: chi@example.com, slack: UCHI, ntfy: chi, time_zone: Africa/Lagos}
  dora: {name: Dora, email: dora@example.com, notify: [{after: 0s, via: [chat], levels: [1, 2]}], slack: UDORA}
  emil: {name: Emil, email: emil@example.com, notify: sure, time_zone: Europe/Prague}
  fay: {name: Fay, email: fay@example.com, notify: loud}
schedules:
  first:
    time_zone: Europe/Berlin
    layers: [{rotate: daily, handoff: "09:30", start: "2026-01-01", people: [asha, ben, chi]}]
  support:
    time_zone: Europe/Paris
    layers: [{rotate: weekly, handoff: "Mon 10:00", start: "2026-01-05", people: [fay, ben]}]
roles: {commander: {person: chi, levels: [1, 2]}}
reports: {within: {critical: 0s, high: 0s, medium: 0s}, review_within: {critical: 0s, high: 0s}}
paths:
  engineering:
    kind: technical
    repeat: 2
    steps:
      - {schedule: first, wait: 90s}
      - {person: dora, wait: 2m}
      - {person: ben, wait: 2m}
  small: {kind: technical, repeat: 1, steps: [{person: dora, wait: 1m}, {schedule: first, wait: 1m}]}
  business: {kind: business, repeat: 1, steps: [{person: fay, wait: 2m}, {person: chi, wait: 2m}]}
  customers: {kind: customer, steps: [{schedule: support, wait: 3m}, {person: dora, wait: 3m}]}
heartbeats:
  nightly: {service: login, every: 4m, grace: 40s, level: 3, auth: none}
  archive: {service: platform, every: 1h, grace: 2m, level: 2, auth: none}
levels:
  critical: {respond_within: 3m, stale_after: 15m}
  high: {respond_within: 6m, stale_after: 25m}
  medium: {respond_within: 10m, hours: {days: [Mon, Tue, Wed, Thu, Fri], from: "09:00", to: "12:00", time_zone: Europe/Berlin}}
  low: {respond_within: 30m}
timing:
  reopen_within: 4m
  quiet: 3m
  stale_grace: 3m
  flap_changes: 4
  flap_window: 6m
  flap_stable: 4m
  page_expires_urgent: 20m
  page_expires: 40m
  behind_receipts: 60
  behind: 30s
  stale: 40m
  everyone_urgent: 4m
  everyone: 9m
"""

_RULES = """
version: 1
rules:
  - {id: payment, match: {source: alerts, labels: {category: payment}}, level: 1, lower_after: 80s, because: payments fail}
  - {id: outage, match: {source: alerts, labels: {category: outage}}, level: 2, because: an outage}
  - {id: slow, match: {source: alerts, labels: {category: slow}}, level: 3, because: it is slow}
  - {id: cosmetic, match: {source: alerts, labels: {category: cosmetic}}, level: 4, because: it is ugly}
  - {id: staging, match: {labels: {environment: staging}}, at_most: 3, because: only staging}
  - {id: many-tickets, match: {source_type: ticket}, when: "reporters >= 3", level: 2, because: many people say so}
  - {id: third, match: {source: alerts}, when: "share >= 0.3 && share < 0.7", level: 1, lower_after: 1m, because: a third of users}
  - {id: many-signals, match: {source: alerts}, when: "signals >= 12", at_least: 2, because: it grows}
group:
  - {id: same, by: [service, environment], within: 5m, at_most: 40m}
"""


def _less(*changes: tuple[str, str]) -> str:
    text = _BASE
    for old, new in changes:
        if old not in text:
            raise ValueError(f"the simulated configuration has no {old!r}")
        text = text.replace(old, new)
    return text


_BEN = "  ben: {name: Ben, email: ben@example.com, slack: UBEN, ntfy: ben, notify: loud, time_zone: Europe/Berlin}\n"
_CHI = "  chi: {name: Chi, email: chi@example.com, slack: UCHI, ntfy: chi, time_zone: Africa/Lagos}\n"
_ARCHIVE = "  archive: {service: platform, every: 1h, grace: 2m, level: 2, auth: none}\n"
_STEPS = """      - {schedule: first, wait: 90s}
      - {person: dora, wait: 2m}
      - {person: ben, wait: 2m}
"""
_DESK_FROM = _BASE.index("  desk:\n")
_DESK_TO = _BASE.index("services:\n")

#: Channels that ring, which quiet hours are about.
RINGS = frozenset({"push"})
#: What those rules say, in the words of who judges them: for how long which rule holds, when the window is
#: open (hours and minutes on its wall clock) and for which services, and after how long a rule's level sinks.
HOLDS = {"hold": 100.0, "hold-tickets": 180.0}
WINDOW = (time(8, 30), time(9, 20), "Europe/Berlin")
WINDOWED = ("login", "search")
LOWERED = {"payment": 80.0, "third": 60.0}
#: What a reload may bring. The first is in force at the beginning.
VARIANTS: Mapping[str, Callable[[], str]] = {
    "base": lambda: _BASE,
    "without-ben": lambda: _less(
        (_BEN, ""),
        ("people: [asha, ben, chi]", "people: [asha, chi]"),
        ("people: [fay, ben]", "people: [fay]"),
        ("      - {person: ben, wait: 2m}\n", ""),
    ),
    "ben-left-behind": lambda: _less((_BEN, "")),  # still named by schedules and a step
    "without-chat": lambda: _less(
        ("  chat: {type: slack, auth: {bot_token: {env: CHAT}}}\n", ""),
        ("via: [chat, hook]", "via: [hook]"),
        ("via: [chat]", "via: [hook]"),
    ),
    "shorter-path": lambda: _less(("      - {person: dora, wait: 2m}\n", "")),
    "without-business": lambda: _less(
        (", business: business}", "}"),
        ("  business: {kind: business, repeat: 1, steps: [{person: fay, wait: 2m}, {person: chi, wait: 2m}]}\n", ""),
    ),
    "without-desk": lambda: _less(
        (_BASE[_DESK_FROM:_DESK_TO], ""),
        ("      - {source: desk, labels: {category: payment}}\n", ""),
        (", {source: desk, labels: {category: login}}", ""),
    ),
    "other-hours": lambda: _less(('to: "12:00"', 'to: "17:00"'), ("quiet: 3m", "quiet: 2m")),
    "quiet": lambda: _less(("    paths: {technical: small}\n", "    paths: {technical: small}\n    depends_on: {checkout: mutes}\n")),
    "stormy": lambda: _less(("timing:\n", "storm: {incidents: 4, within: 3m}\ntiming:\n")),
    "chained": lambda: _less(
        ("    paths: {technical: small}\n", "    paths: {technical: small}\n    depends_on: {login: joins, checkout: joins}\n"),
    ),
    "night": lambda: _less(  # of ben, until ten; of chi's methods some hold at times of day only
        (_BEN, _BEN.replace("notify: loud", 'notify: ring, quiet: {from: "06:00", to: "10:00", breaks: [2]}')),
        (_CHI, _CHI.replace(
            "ntfy: chi",
            'ntfy: chi, quiet: {from: "22:00", to: "08:40"}, notify: [{after: 0s, via: [push, mail], '
            'hours: {from: "08:10", to: "09:20"}}, {after: 20s, via: [chat, push]}]',
        )),
    ),
    "teams": lambda: _less((_STEPS, """      - {team: web, wait: 90s, levels: [1, 2]}
      - {schedule: first, person: [chi, dora], title: Lead, wait: 2m}
      - {person: dora, wait: 1m, hours: out}
      - {schedule: [support, first], wait: 2m}
"""), ("roles:", "teams: {web: {people: [dora, ben], schedules: [support]}}\nroles:")),
    "beside": lambda: _less(("business: business}", "business: {path: business, levels: [1, 2]}}")),
    "shadow": lambda: _less(("version: 1\n", "version: 1\nshadow: true\n")),
    "without-archive": lambda: _less((_ARCHIVE, "")),
    "other-channels": lambda: _less(("via: [mail]}\n    - {after: 40s", "via: [hook]}\n    - {after: 40s")),
}  # fmt: skip


#: Rules that mute and hold, for the worlds in which something waits.
_QUIET_RULES = (
    _RULES.replace(
        "group:",
        """  - {id: hold, match: {labels: {category: cosmetic}}, hold: {for: 100s, or_count: 4}, because: it passes}
  - {id: hold-tickets, match: {source_type: ticket}, hold: {for: 3m}, because: people write twice}
group:""",
    )
    + """
silences:
  - id: works
    match: {service: [login, search]}
    window: {from: "08:30", to: "09:20", time_zone: Europe/Berlin}
    because: by plan
"""
)

#: A rule starts a path beside the one that the report asks for.
_BESIDE_RULES = _RULES.replace("lower_after: 80s,", "lower_after: 80s, start: [customer],")
#: The rules of each variant that has others.
RULES = {"quiet": _QUIET_RULES, "beside": _BESIDE_RULES}


@cache
def prepared(name: str) -> Prepared:
    """This configuration, compiled as the daemon does it."""
    text = VARIANTS[name]()
    content = {
        "format": "irpd.bundle/1",
        "directory": "/etc/irpd",
        "configuration": [["irpd.yaml", f"# {name}\n{text}"]],
        "rules": [["rules.yaml", RULES.get(name, _RULES)]],
    }
    return from_journal(json.dumps(content).encode())
