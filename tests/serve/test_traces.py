"""What an operator sees: metrics of the process, requests in the log, traces passed on."""

import json
import re

import pytest
from toy_running import Running

from sealift.serve import trace

ROW = {"a": 0.5, "b": 1.0, "c": -1.5}
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


@pytest.fixture(scope="module")
def logged(tensor_folder, tmp_path_factory):
    """A server that logs every request."""
    scratch = tmp_path_factory.mktemp("logged")
    records = scratch / "records"
    with Running(tensor_folder, scratch / "log", records, SEALIFT_LOG="all") as server:
        yield server.ready()


def requests(server, identifier):
    """The lines of the log about one request."""
    events = server.events()
    return [event for event in events if event.get("id") == identifier]


def test_a_trace_is_passed_on(logged):
    """Into the answer with a span of its own, into the log and into the records."""
    answer = logged.post({"rows": [ROW]}, traceparent=PARENT, **{"x-request-id": "traced"})

    version, identifier, span, flags = answer.headers["traceresponse"].split("-")
    assert (version, identifier, flags) == ("00", TRACE, "01")
    assert span != "00f067aa0ba902b7"
    logged.wait_for(lambda: requests(logged, "traced"))
    (line,) = requests(logged, "traced")
    assert (line["trace_id"], line["span_id"]) == (TRACE, span)
    records = logged.log.parent / "records"

    def recorded():
        lines = [line for path in records.glob("*.jsonl") for line in path.read_text().splitlines()]
        return [record for record in map(json.loads, lines) if record["id"] == "traced"]

    logged.wait_for(recorded)
    assert [record["trace"] for record in recorded()] == [TRACE]


def test_without_a_trace_there_is_none(logged):
    """Nothing is made up."""
    assert "traceresponse" not in logged.post({"rows": [ROW]}).headers


@pytest.mark.parametrize(
    ("header", "understood"),
    [
        (PARENT, True),
        (PARENT.replace("00-", "01-", 1) + "-more", True),
        (PARENT.replace("00-", "ff-", 1), False),
        (PARENT + "-more", False),
        (PARENT.upper(), False),
        (PARENT.replace(TRACE, "0" * 32), False),
        (PARENT.replace("00f067aa0ba902b7", "0" * 16), False),
        (PARENT[:-1], False),
        ("x", False),
        ("", False),
    ],
)
def test_a_malformed_trace_is_ignored(header, understood):
    """By the recommendation of the W3C, as are ids of zeros; later versions are read."""
    assert (trace.parsed(header) is not None) == understood


def test_every_request_is_logged_when_asked_for(logged):
    """Who, what, how it went, how long; why it was refused."""
    logged.post({"rows": [ROW] * 3}, **{"x-request-id": "fine"})
    logged.post({"rows": [{**ROW, "a": "x"}]}, **{"x-request-id": "wrong"})
    logged.wait_for(lambda: requests(logged, "fine") and requests(logged, "wrong"))

    (fine,), (wrong,) = requests(logged, "fine"), requests(logged, "wrong")
    assert {**fine, "at": "", "seconds": 0} == {
        "at": "",
        "event": "request",
        "id": "fine",
        "method": "POST",
        "path": "/predict",
        "route": "predict",
        "status": 200,
        "seconds": 0,
        "rows": 3,
    }
    assert 0 < fine["seconds"] < 60
    assert (wrong["status"], wrong["code"], wrong["rows"]) == (400, "wrong_type", 0)


def test_by_default_refusals_alone_are_logged_and_cannot_flood(tensor_folder, tmp_path):
    """A burst of bad requests leaves a bounded number of lines, and how many there were more."""
    with Running(tensor_folder, tmp_path / "log") as server:
        server.ready()
        for _ in range(300):
            server.post(b"x")
        server.post({"rows": [ROW]}, **{"x-request-id": "fine"})
        assert server.terminate() == 0
        events = server.events()

    refused = [event for event in events if event.get("code") == "malformed_json"]
    unseen = sum(event["count"] for event in events if event["event"] == "requests_not_logged")
    assert refused
    assert len(refused) + unseen == 300
    assert not requests(server, "fine")


@pytest.mark.parametrize(
    ("name", "value"), [("SEALIFT_LOG", "some"), ("SEALIFT_MODEL_CONTROL", "yes")]
)
def test_a_setting_that_is_no_choice_ends_the_server(tensor_folder, tmp_path, name, value):
    """Exit status 2, the variable and what may be chosen."""
    with Running(tensor_folder, tmp_path / "log", **{name: value}) as server:
        assert server.process.wait(20) == 2
        assert name in server.events()[-1]["error"]
        assert "none" in server.events()[-1]["error"]


def test_metrics_tell_of_the_process_and_of_refusals(tensor_server):
    """Processor time, memory and files under their usual names; refusals by their code."""
    tensor_server.post({"rows": []})

    text = tensor_server.client.get("/metrics").text

    for name in (
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "process_virtual_memory_bytes",
        "process_threads",
        "process_open_fds",
    ):
        found = re.search(rf"^{name} ([0-9.e+]+)$", text, re.MULTILINE)
        assert found, name
        assert float(found[1]) > 0
    assert re.search(r'^sealift_refused_total\{code="length"\} \d', text, re.MULTILINE)
    assert 'image="sha256:' in text
