"""`--format junit`: the XML that CI systems read as test results."""

import re
from xml.etree import ElementTree

from segcli.review.finding import Finding
from segcli.review.review import Review

# What XML 1.0 cannot hold, not even escaped.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def formatted(review: Review) -> str:
    """Return a test suite: a failed case for each error, one with output for each warning.

    Without errors a passed case stands for the check itself.
    """
    cases = [_case(finding) for finding in review.findings]
    failures = sum(finding.level == "error" for finding in review.findings)
    if not failures:
        name = f"{review.read} lines for {review.destination}"
        cases.insert(0, ElementTree.Element("testcase", classname="segcli check", name=name))
    totals = {"tests": str(len(cases)), "failures": str(failures), "errors": "0"}
    suites = ElementTree.Element("testsuites", totals)
    name = f"segcli check {review.destination}"
    suite = ElementTree.SubElement(suites, "testsuite", {"name": name, **totals})
    suite.extend(cases)
    ElementTree.indent(suites)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _case(finding: Finding) -> ElementTree.Element:
    name = f"line {finding.line}: {finding.text}"
    case = ElementTree.Element("testcase", classname=_clean(finding.file), name=_clean(name))
    said = f"{finding.file}:{finding.line}: {finding.text}"
    if finding.level == "error":
        attributes = {"message": _clean(finding.text), "type": finding.state}
        ElementTree.SubElement(case, "failure", attributes).text = _clean(said)
    else:
        ElementTree.SubElement(case, "system-out").text = _clean(said)
    return case


def _clean(text: str) -> str:
    return _NOT_XML.sub("�", text)
