"""What came of running the tests in rule files: as text with a diff, as data, as JUnit XML."""

import re
from dataclasses import dataclass
from xml.etree import ElementTree as ET


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What one expectation wanted and what came."""

    field: str
    wanted: str
    got: str

    def __str__(self) -> str:
        return f"{self.field}: wanted {self.wanted}, got {self.got}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """``why`` says how the level came about, in a line each; shown for a failure."""

    name: str
    at: str  # file:line of the case
    file: str
    differences: tuple[Difference, ...]
    why: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return not self.differences


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """In how many cases and timelines a rule held, and in how many it decided (a rule that says nothing of
    the level decides when it holds)."""

    rule: str
    at: str
    held: int
    decided: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """``coverage`` has every rule in the order of the files. ``partial`` means that a pattern left cases out,
    so that it says little."""

    results: tuple[Result, ...]
    coverage: tuple[Covered, ...] = ()
    partial: bool = False

    @property
    def undecided(self) -> tuple[tuple[str, str], ...]:
        """The rules, with their place, that decided in no case."""
        return tuple((one.rule, one.at) for one in self.coverage if not one.decided)

    @property
    def rules(self) -> int:
        return len(self.coverage)

    @property
    def failed(self) -> tuple[Result, ...]:
        return tuple(result for result in self.results if not result.passed)

    @property
    def passed(self) -> bool:
        return not self.failed

    def text(self, *, coverage: bool = False) -> str:
        """Each failure with its diff and place; then the sum and the rules that nothing tests. With
        ``coverage`` every rule, with how often it held and decided."""
        lines = []
        for result in self.failed:
            lines.append(f"{result.at}: {result.name}")
            lines += [
                f"  - {one.field}: {one.wanted}\n  + {one.field}: {one.got}" for one in result.differences
            ]
            lines += [f"    {line}" for line in result.why]
        good = len(self.results) - len(self.failed)
        lines.append(f"{good} of {len(self.results)} cases passed")
        if coverage:
            lines.append(self._table())
        if not self.partial:
            lines.append(f"{self.rules - len(self.undecided)} of {self.rules} rules decided in a case")
            lines += [f"  {at}: {name} decided in none" for name, at in self.undecided]
        return "\n".join(lines)

    def _table(self) -> str:
        width = max((len(one.rule) for one in self.coverage), default=4)
        lines = [f"  {'rule':<{width}}  held  decided"]
        lines += [
            f"  {one.rule:<{width}}  {one.held:>4}  {one.decided:>7}  {one.at}" for one in self.coverage
        ]
        return "\n".join(lines)

    def data(self) -> dict[str, object]:
        return {
            "schema": "irpd.rules-test/1",
            "passed": len(self.results) - len(self.failed),
            "failed": len(self.failed),
            "cases": [
                {
                    "name": result.name,
                    "at": result.at,
                    "passed": result.passed,
                    "differences": [
                        {"field": one.field, "wanted": one.wanted, "got": one.got}
                        for one in result.differences
                    ],
                }
                for result in self.results
            ],
            "coverage": [
                {"rule": one.rule, "at": one.at, "held": one.held, "decided": one.decided}
                for one in self.coverage
            ],
            "undecided": None if self.partial else [{"rule": name, "at": at} for name, at in self.undecided],
        }

    def junit(self) -> str:
        """The same as JUnit XML, for CI."""
        root = ET.Element("testsuites", tests=str(len(self.results)), failures=str(len(self.failed)))
        for file in dict.fromkeys(result.file for result in self.results):
            own = [result for result in self.results if result.file == file]
            suite = ET.SubElement(
                root,
                "testsuite",
                name=_printable(file),
                tests=str(len(own)),
                failures=str(sum(not result.passed for result in own)),
                errors="0",
            )
            for result in own:
                case = ET.SubElement(
                    suite,
                    "testcase",
                    classname=_printable(file),
                    name=_printable(result.name),
                    file=_printable(file),
                    line=result.at.rpartition(":")[2],
                )
                if not result.passed:
                    said = "; ".join(map(str, result.differences))
                    failure = ET.SubElement(case, "failure", message=_printable(said))
                    failure.text = _printable("\n".join([result.at, *result.why]))
        return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _printable(text: str) -> str:
    """Without the control characters that XML can't hold."""
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "?", text)
