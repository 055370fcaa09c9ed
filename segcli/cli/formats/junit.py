"""`--format junit`: the XML that CI systems read as test results."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from segcli.cli.dest_option import default_named
from segcli.core.plural import count_of
from segcli.core.visible_text import visible
from segcli.review.findings import Group
from segcli.review.review import Review
from segcli.runs.output_checks import FormatMarks

MARKS = FormatMarks(start=(b"<testsuites ",))


def formatted(review: Review) -> str:
    """Return a test suite: a case for each group of findings; errors fail, warnings have output.

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
    if review.is_default:
        _say(suite, "system-out", default_named(review.subject))
    indent(suites)
    text: bytes = tostring(suites, encoding="utf-8", xml_declaration=True)
    return text.decode() + "\n"


def _cases(review: Review) -> Iterator[Element]:
    if not review.errors:
        yield _case("segcli check", f"{count_of(review.read, 'line')} for {review.subject}")
    for group in review.groups:
        yield _case_of(group)
    errors = review.hidden(review.groups, errors_only=True)
    if errors:
        said = f"{count_of(errors, 'more error')} not shown"
        case = _case("segcli check", said)
        _say(case, "failure", said, message=said, type="hidden")
        yield case
    if hidden := review.hidden(review.groups) - errors:
        said = f"{count_of(hidden, 'more warning')} not shown"
        case = _case("segcli check", said)
        _say(case, "system-out", said)
        yield case


def _case_of(group: Group) -> Element:
    first = group.first[0]
    case = _case(first.file, f"line {first.line}: {first.code} {group.text}")
    said = f"{first.place}: {first.code} {group.text}"
    if group.level == "error":
        _say(case, "failure", said, message=visible(group.text), type=first.code)
    else:
        _say(case, "system-out", said)
    return case


def _case(classname: str, name: str) -> Element:
    return Element("testcase", classname=visible(classname), name=visible(name))


def _say(case: Element, tag: str, text: str, **attributes: str) -> None:
    SubElement(case, tag, attributes).text = visible(text)
