"""What the tests of the rules leave open, as warnings: tests that fail, and rules that decide in none."""

from collections import Counter

from irpd.config.problem import Problem
from irpd.config.values import Configuration
from irpd.rehearsal.suite import rehearse
from irpd.triage.ruleset import RuleSet


def untested(ruleset: RuleSet, configuration: Configuration) -> list[Problem]:
    """In the order of the files. A file with rules and no test at all is named once."""
    report = rehearse(ruleset, configuration)
    problems = [
        _warning(result.at, result.name, f"this test fails: {result.differences[0]}")
        for result in report.failed
    ]
    tested = {case.place.file for case in ruleset.cases} | {one.place.file for one in ruleset.timelines}
    rules = Counter(rule.place.file for rule in ruleset.rules)
    for rule, at in report.undecided:
        file = at.rpartition(":")[0]
        if file in tested:
            problems.append(_warning(at, rule, "decides in no test; if it changed, nothing would tell"))
        elif rules[file]:
            problems.append(
                _warning(f"{file}:1", "", f"{rules[file]} rule{'' if rules[file] == 1 else 's'} and no test")
            )
            rules[file] = 0
    return problems


def _warning(at: str, path: str, message: str) -> Problem:
    file, _, line = at.rpartition(":")
    return Problem(file=file, line=int(line), column=1, path=path, message=message, severity="warning")
