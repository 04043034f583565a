"""The control API answers every request, right or wrong, in one form."""

import asyncio
import json

import httpx
import numpy as np
import pytest

from sealift.errors import MachineError
from sealift.record.observation import RequestSeen
from sealift.record.profile import Profile
from sealift.stats.sketch import profile_numbers
from sealift.testing.ledger import MemoryLedger, MemoryObservations
from sealift.testing.ledger_suite import model, predicted, release, run
from sealift.web.app import Api, app
from sealift.web.guard import LARGEST

TOKEN = "t" * 48
NUMBERS = profile_numbers("x", np.arange(100.0))
PROFILE = Profile(rows=100, fields=(NUMBERS,), target=NUMBERS, prediction=NUMBERS, baseline=1.0)


class Client:
    """Talks to the application in this process."""

    def __init__(self):
        self.ledger = MemoryLedger()
        self.observations = MemoryObservations()
        self.api = Api("svc", self.ledger, self.observations, lambda: {1: PROFILE})

    def ask(self, method, path, token=TOKEN, **more):
        """The answer: status and JSON."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        headers.update(more.pop("headers", {}))

        async def send():
            transport = httpx.ASGITransport(app(self.api, TOKEN), raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
                return await client.request(method, path, headers=headers, **more)

        answer = asyncio.run(send())
        assert answer.headers["content-type"] == "application/json"
        return answer.status_code, answer.json()

    def get(self, path, **more):
        """GET."""
        return self.ask("GET", path, **more)

    def post(self, path, content=b"", **more):
        """POST."""
        return self.ask("POST", path, content=content, **more)


@pytest.fixture
def client():
    """A client of an empty project."""
    return Client()


def test_only_health_is_open_to_everyone(client):
    """Other routes, known or not, want the token."""
    assert client.get("/health", token="") == (200, {"status": "ok"})
    for path in ("/v1/status", "/v1/labels", "/nowhere", "/health/", "//health"):
        for token in ("", "wrong", TOKEN + "x", TOKEN[:-1]):
            status, said = client.get(path, token=token)
            assert (status, said["code"]) == (401, "not-allowed")
            assert "live/token" in said["remedy"]
    for header in (f"Basic {TOKEN}", TOKEN, "Bearer", b"Bearer \xff"):
        assert client.get("/v1/status", token="", headers={"authorization": header})[0] == 401
    assert client.get("/v1/status", headers={"authorization": f"bearer  {TOKEN}"})[0] == 200


def test_the_status_names_what_serves_and_what_is_under_way(client):
    """And how much was seen."""
    assert client.get("/v1/status")[1]["serving"] is None
    client.ledger.save(release("a", version=1, state="ended", outcome="promoted"))
    client.ledger.save(release("b", version=2, state="ended", outcome="rolled-back", created=2.0))
    client.ledger.save(release("c", version=3, created=3.0))
    seen = RequestSeen(at=1.0, generation=1, version=1, status=200, seconds=0.1)
    client.observations.add(cursors={}, requests=[seen])

    status, said = client.get("/v1/status")

    assert status == 200
    assert (said["service"], said["serving"]) == ("svc", 1)
    assert [one["id"] for one in said["releasing"]] == ["c"]
    assert said["counts"]["1"]["requests"] == 1


def test_records_are_listed_newest_first(client):
    """At most as many as asked for."""
    for number in range(1, 4):
        client.ledger.save(model(number, created=float(number)))
        client.ledger.save(run(f"r{number}", started=float(number)))
        client.ledger.save(release(f"a{number}", created=float(number)))

    assert [one["version"] for one in client.get("/v1/models")[1]["models"]] == [3, 2, 1]
    assert [one["id"] for one in client.get("/v1/runs?limit=2")[1]["runs"]] == ["r3", "r2"]
    assert client.get("/v1/releases?limit=1")[1]["releases"][0]["id"] == "a3"
    assert client.get("/v1/releases/a2")[1]["id"] == "a2"


def test_the_watch_report_compares_with_training(client):
    """A metric of the model's is the yardstick."""
    client.ledger.save(model(1, metrics={"mae": 0.5}))
    client.ledger.save(release("a", version=1, state="ended", outcome="promoted"))
    names = [str(number) for number in range(500)]
    client.observations.add(
        cursors={}, predictions=[predicted(name, output=3.0, at=50.0) for name in names]
    )
    client.post("/v1/labels", json.dumps({"labels": [{"id": n, "value": 1} for n in names]}))

    _, said = client.get("/v1/watch")

    assert said["versions"][0]["metrics"]["mae"]["value"] == 2.0
    assert "in training it was 0.5" in said["headline"]
    assert client.get("/v1/watch?since=100")[1]["versions"] == []


def test_labels_come_as_one_object_or_as_lines(client):
    """Twice is once."""
    client.observations.add(cursors={}, predictions=[predicted("a"), predicted("b")])
    whole = b'{"labels": [{"id": "a", "value": 2.5, "at": 7}, {"id": "b", "value": "late"}]}'
    lines = b'{"id": "a", "value": 9}\n\n{"id": "b", "value": 9}\r\n{"id": "c", "value": true}'

    assert client.post("/v1/labels", whole) == (200, {"accepted": 2})
    assert client.post("/v1/labels", lines) == (200, {"accepted": 3})
    assert client.post("/v1/labels", b'{"labels": []}') == (200, {"accepted": 0})
    assert client.post("/v1/labels", b'{"id": "d", "value": 1}') == (200, {"accepted": 1})
    found = {one.id: one for _, one in client.observations.scored()}
    assert (found["a"].value, found["a"].labelled) == (2.5, 7.0)
    assert found["b"].value == "late"


@pytest.mark.parametrize(
    ("content", "path", "words"),
    [
        (b"", "", "empty"),
        (b"{", "", "truncated"),
        (b"[]", "", "Expected `object`"),
        (b'{"labels": 3}', "labels", "Expected `array`"),
        (b'{"labels": [{"id": "a", "value": 1}], "more": 1}', "", "unknown field `more`"),
        (b'{"labels": [{"id": "a", "value": 1}, {"id": "b"}]}', "labels[1]", "field `value`"),
        (b'{"labels": [{"id": 5, "value": 1}]}', "labels[0].id", "Expected `str`"),
        (b'{"labels": [{"id": "", "value": 1}]}', "labels[0]", "id is empty"),
        (b'{"labels": [{"id": "a", "value": null}]}', "labels[0].value", "got `null`"),
        (b'{"labels": [{"id": "a", "value": 1e999}]}', "labels[0].value", "out of range"),
        (b'{"labels": [{"id": "a", "value": NaN}]}', "", "malformed"),
        (b'{"labels": [null]}', "labels[0]", "Expected `object`"),
        (b'{"id": "a", "value": 1}\n{"id": "b"}', "labels[1]", "field `value`"),
        (b'{"id": "a", "value": 1}\n{', "labels[1]", "truncated"),
        (b'{"id": "a\xff", "value": 1}', "labels[0]", "utf-8"),
        (b"\xff\xfe", "", "malformed"),
        (b"[" * 100_000, "", ""),
        (b'{"labels":[' + b"[" * 100_000, "", ""),
        (b'{"labels":' * 50_000, "labels", "Expected `array`"),
        (b'{"id":"a","value":1,"more":' + b"[" * 100_000, "", ""),
    ],
)
def test_bad_labels_are_refused_with_their_place_and_none_is_kept(client, content, path, words):
    """Index and field, never a 5xx."""
    client.observations.add(cursors={}, predictions=[predicted("a")])

    status, said = client.post("/v1/labels", content)

    assert (status, said["code"], said.get("path", "")) == (400, "bad-data", path)
    assert words in said["error"]
    assert said["remedy"]
    assert client.observations.scored() == []


def test_a_body_has_a_largest_size(client):
    """Whether it is announced or not."""

    async def drops():
        for _ in range(LARGEST // 65_536 + 1):
            yield b" " * 65_536

    for content in (b" " * (LARGEST + 1), drops()):
        status, said = client.post("/v1/labels", content)
        assert (status, said["code"]) == (413, "too-large")


def test_a_wish_is_kept_with_the_release(client):
    """The controller finds it there; an ended release takes none."""
    client.ledger.save(release("a", stage=2))
    client.ledger.save(release("b", state="ended", outcome="promoted"))

    assert client.post("/v1/releases/a/promote")[0] == 202
    kept = client.ledger.get(type(release("a")), "a")
    assert (kept.stage, kept.request) == (2, "promote")
    assert "asked for model" in kept.events[-1].what
    assert client.post("/v1/releases/a/rollback")[1]["request"] == "rollback"
    status, said = client.post("/v1/releases/b/promote")
    assert (status, said["code"]) == (409, "not-possible")
    assert "has ended (promoted)" in said["error"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/releases/none", 404),
        ("POST", "/v1/releases/none/promote", 404),
        ("POST", "/v1/releases/a/stop", 404),
        ("GET", "/v1/releases/%2e%2e%2f%00", 404),
        ("GET", "/v1/nowhere", 404),
        ("POST", "/v1/status", 405),
        ("GET", "/v1/labels", 405),
        ("DELETE", "/v1/releases/a", 405),
        ("GET", "/v1/models?limit=x", 400),
        ("GET", "/v1/models?limit=-1", 400),
        ("GET", "/v1/models?limit=1e9", 400),
        ("GET", "/v1/watch?since=nan", 400),
        ("GET", "/v1/watch?since=inf", 400),
        ("GET", "/v1/watch?since=" + "9" * 5_000, 400),
    ],
)
def test_a_wrong_request_is_refused_in_the_same_form(client, method, path, status):
    """With an error, a code, and where it helps a remedy."""
    found, said = client.ask(method, path)

    assert found == status
    assert {"error", "code"} <= set(said)


def test_a_machine_that_fails_is_not_the_callers_fault(client):
    """503 with the remedy; what nobody foresaw is 500 and tells nothing of the inside."""

    class Full(MemoryObservations):
        """A full disk."""

        def counts(self, *, since=0.0):
            """Fail."""
            raise MachineError("The disk is full.", remedy="Free some space.")

        def add(self, **what):
            """Fail in a way that nobody foresaw."""
            raise ZeroDivisionError("secret")

    client.api = Api("svc", client.ledger, Full(), dict)

    assert client.get("/v1/status") == (
        503,
        {"error": "The disk is full.", "code": "machine", "remedy": "Free some space."},
    )
    status, said = client.post("/v1/labels", b'{"labels": []}')
    assert (status, said["code"]) == (500, "bug")
    assert "secret" not in str(said)
