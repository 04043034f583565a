"""What checks found, as others read it: JUnit XML and a page of HTML."""

from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from sealift.check.outcome import junit, page
from sealift.check.outcome.sheet import Line, Note, Sheet, of_grade, of_report
from sealift.check.protocol.grade import Grade, Shown, Verdict
from sealift.record.report import CheckResult, Finding, Report

ODD = 'a <b> & "c" \0 \x1b[0m \ud800 ü'


def verdict(name, **members):
    """A verdict."""
    given = {
        "rule": name,
        "topic": "errors",
        "demands": "It answers.",
        "passage": "Document: section",
        "severity": "must",
        "outcome": "kept",
        "detail": "",
        "shown": (),
        "seconds": 0.25,
    }
    return Verdict(**{**given, **members})


SHOWN = (Shown(message=ODD, request="curl -i http://h/", answer="500 | " + ODD),)


@pytest.fixture
def sheet():
    """A sheet of every status."""
    return Sheet(
        title="Graded <all>",
        about=(("address", "http://h/?a=1&b=2"),),
        started=1_700_000_000.0,
        lines=(
            Line(name="one", group="a", level="must", status="passed", shows="One."),
            Line(
                name="two",
                group="a",
                level="must",
                status="failed",
                shows="Two.",
                source="Doc: 2",
                notes=(Note(message=ODD, place="here", remedy="mend it", request="curl"),),
            ),
            Line(name="three", group="b", level="", status="spared", shows="3.", detail="no"),
            Line(name="four", group="b", level="unclear", status="open", shows="4.", detail="x"),
        ),
    )


def test_the_xml_is_read_by_a_parser_and_counts_what_failed(sheet):
    """Whatever stands in the messages."""
    root = ET.fromstring(junit.write(sheet))

    assert root.tag == "testsuites"
    assert (root.get("tests"), root.get("failures"), root.get("skipped")) == ("4", "1", None)
    assert [suite.get("skipped") for suite in root] == ["0", "1"]
    assert [suite.get("name") for suite in root] == ["a", "b"]
    failure = root.find(".//testcase[@name='two']/failure")
    assert failure.get("type") == "must"
    assert "next: mend it" in failure.text
    assert "a <b> &" in failure.text
    assert root.find(".//testcase[@name='three']/skipped").get("message") == "no"
    assert root.find(".//testcase[@name='four']/system-out").text == "open: x"


ALLOWED = {
    "testsuites": {"name", "time", "tests", "failures", "errors"},
    "testsuite": {"name", "time", "tests", "failures", "errors", "skipped", "timestamp"},
    "properties": set(),
    "property": {"name", "value"},
    "testcase": {"name", "time", "classname"},
    "failure": {"type", "message"},
    "skipped": {"type", "message"},
    "system-out": set(),
}
"""Elements and attributes of the xUnit plugin's schema junit-10.xsd, as far as they are written."""


def test_the_xml_has_no_element_and_no_attribute_that_the_schema_of_others_lacks(sheet):
    """Strict readers refuse them."""
    for one in ET.fromstring(junit.write(sheet)).iter():
        assert set(one.keys()) <= ALLOWED[one.tag], one.tag


class Words(HTMLParser):
    """The tags and the text of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.said = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """Keep it with its attributes."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        """Keep it."""
        self.said += data


def test_the_page_says_everything_and_asks_for_nothing_from_elsewhere(sheet):
    """Messages are text, never marks."""
    found = Words(page.write(sheet).decode())

    assert {tag for tag, _ in found.tags}.isdisjoint({"script", "link", "img", "b>"})
    assert not any("src" in names or "href" in names for _, names in found.tags)
    assert "1 of 2 failed." in found.said
    for word in ("Graded <all>", "two", "Doc: 2", 'a <b> & "c"', "mend it", "curl"):
        assert word in found.said
    assert [names for tag, names in found.tags if tag == "details"] == [{"open": None}]


def test_only_what_must_be_fails_unless_all_is_asked_for():
    """The same grade, once strictly."""
    grade = Grade(
        address="http://h",
        server="s 1",
        model="m",
        requests=3,
        started=0.0,
        finished=1.0,
        verdicts=(
            verdict("a", outcome="broken", shown=SHOWN),
            verdict("b", outcome="broken", severity="should", shown=SHOWN),
            verdict("c", outcome="open", severity="unclear", detail="taken"),
        ),
    )

    assert [one.status for one in of_grade(grade).lines] == ["failed", "warned", "open"]
    assert [one.status for one in of_grade(grade, strict=True).lines][1] == "failed"
    assert not grade.passed


def test_a_report_of_an_image_makes_the_same_sheet():
    """Its errors fail, its warnings warn, and what did not apply is left out."""
    report = Report(
        subject="sha256:" + "0" * 64,
        project="p",
        model=3,
        started=0.0,
        finished=1.0,
        engine="e",
        results=(
            CheckResult(name="good", shows="Good.", findings=(), seconds=0.1),
            CheckResult(
                name="bad",
                shows="Bad.",
                findings=(Finding(severity="error", message="No.", place="p", remedy="r"),),
                seconds=0.1,
            ),
            CheckResult(
                name="odd",
                shows="Odd.",
                findings=(Finding(severity="warning", message="Hm."),),
                seconds=0.1,
            ),
            CheckResult(
                name="none", shows="None.", findings=(), seconds=0, detail="does not apply: x"
            ),
        ),
    )

    assert [one.status for one in of_report(report).lines] == [
        "passed",
        "failed",
        "warned",
        "spared",
    ]
    assert [one.status for one in of_report(report, strict=True).lines][2] == "failed"
