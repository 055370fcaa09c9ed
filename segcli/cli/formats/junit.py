"""`--format junit`: the XML that CI systems read as test results."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from segcli.cli.formats import count_of
from segcli.cli.visible_text import visible
from segcli.review.findings import Finding
from segcli.review.review import Review


def formatted(review: Review) -> str:
    """Return a test suite: a failed case for each error, a case with output for each warning.

    Errors that are not shown make one failed case, warnings that are not shown one with output.
    Without any error, there is a passed case for the check itself.
    """
    cases = list(_cases(review))
    failures = sum(case.find("failure") is not None for case in cases)
    totals = {"tests": str(len(cases)), "failures": str(failures), "errors": "0"}
    suites = Element("testsuites", totals)
    name = visible(f"segcli check {review.subject}")
    suite = SubElement(suites, "testsuite", {"name": name, **totals})
    suite.extend(cases)
    indent(suites)
    text: bytes = tostring(suites, encoding="utf-8", xml_declaration=True)
    return text.decode() + "\n"


def _cases(review: Review) -> Iterator[Element]:
    if not review.errors:
        yield _case("segcli check", f"{count_of(review.read, 'line')} for {review.subject}")
    for finding in review.findings:
        yield _case_of(finding)
    if hidden := review.hidden_errors:
        said = f"{count_of(hidden, 'more error')} not shown"
        case = _case("segcli check", said)
        _say(case, "failure", said, message=said, type="hidden")
        yield case
    if hidden := review.hidden - review.hidden_errors:
        said = f"{count_of(hidden, 'more warning')} not shown"
        case = _case("segcli check", said)
        _say(case, "system-out", said)
        yield case


def _case_of(finding: Finding) -> Element:
    case = _case(finding.file, f"line {finding.line}: {finding.code} {finding.text}")
    said = f"{finding.place}: {finding.code} {finding.text}"
    if finding.level == "error":
        _say(case, "failure", said, message=visible(finding.text), type=finding.code)
    else:
        _say(case, "system-out", said)
    return case


def _case(classname: str, name: str) -> Element:
    return Element("testcase", classname=visible(classname), name=visible(name))


def _say(case: Element, tag: str, text: str, **attributes: str) -> None:
    SubElement(case, tag, attributes).text = visible(text)
