"""Every check passes on a good server and fails on the fault it is there for."""

import time

import msgspec
import pytest
from msgspec.structs import replace

from sealift import clock
from sealift.check import no_network, schema, unsecret
from sealift.check.check import Check
from sealift.check.lines import rows
from sealift.check.suite import CHECKS, check, check_image
from sealift.errors import CheckError, MachineError
from sealift.record.check_settings import CheckSettings
from sealift.record.load_settings import LoadSettings

FAULTS = [
    ("health", "rude-start", "answered 418 while it was starting"),
    ("health", "any-model", "A model that is not there was answered with 200"),
    ("health", "model-never-ready", "It answered 404, not 200"),
    ("endpoint", "no-metadata", "lacks 'extensions'"),
    ("endpoint", "other-name", "is not called 'flights'"),
    ("endpoint", "other-version", "Version 3 is not listed"),
    ("endpoint", "other-inputs", "'carrier' is BYTES of shape [-1, 7]"),
    ("endpoint", "other-outputs", "'y_hat' is not in the contract"),
    ("endpoint", "any-method", "It answered 200, not 405"),
    ("endpoint", "bare-404", "The answer is not JSON"),
    ("endpoint", "any-model", "It answered 200, not 404"),
    ("valid-request", "refuses-good", "was answered with 503"),
    ("valid-request", "own-id", "id is 'mine'"),
    ("valid-request", "ignores-header", "id is 'mine'"),
    ("valid-request", "html", "Content-Type is 'text/html'"),
    ("valid-request", "other-image", "X-Sealift-Image is 'sha256:0'"),
    ("valid-request", "texts", "not of the contract's type"),
    ("valid-request", "one-too-few", "does not hold 3 predictions"),
    ("valid-request", "wrong-shape", "has the shape [1, 4], not [3, 1]"),
    ("valid-request", "wrong-datatype", "datatype is 'FP64', not 'FP32'"),
    ("valid-request", "output-missing", "The output 'chance' is missing"),
    ("invalid-json", "500-on-bad-json", "was answered with 500, not 400"),
    ("invalid-json", "answers-bad-json", "was answered with 200, not 400"),
    ("schema", "other-schema", "The answer is not of its schema"),
    ("schema", "undeclared-400", "The answer 400 of application/json is not declared"),
    ("schema", "undeclared-infer", "The server answers what it does not declare"),
    ("schema", "strict-rows", "A request is taken that its schema forbids"),
    ("invalid-json", "nan-ok", "A body with NaN was answered with 200"),
    ("invalid-json", "no-error-key", "has no 'error' text"),
    ("invalid-json", "dies-on-bad-json", "No answer came"),
    ("contract", "only-says-no", "does not name the field"),
    ("contract", "wrong-row", "points at 'rows[0]."),
    ("contract", "fills-in", "'carrier': missing was answered with 200"),
    ("contract", "accepts-unknown", "not in the contract was answered with 200"),
    ("contract", "null-ok", "null was answered with"),
    ("contract", "bool-as-number", "a truth value instead of int was answered with 200"),
    ("contract", "any-type", "a text instead of float was answered with"),
    ("contract", "no-range", "'hour': a number above the legal ones was answered with 200"),
    ("contract", "no-overflow", "'wind': a number too large for FP32 was answered with 200"),
    ("contract", "open-categories", "'carrier': an unknown category was answered with 200"),
    ("contract", "any-length", "'note': too long a text was answered with 200"),
    ("contract", "no-limit", "65 rows were answered with 200"),
    ("contract", "any-shape", "'hour': a shape larger than its data"),
    ("fuzz", "chokes", "It was answered with 500, not 200, or 400 and a reason"),
    ("fuzz", "no-error-key", "It was answered with 400, not 200, or 400 and a reason"),
    ("golden", "wrong-golden", "delay by name, in a batch of 6: row 0 gave"),
    ("golden", "batch-differs", "in a batch of 6: row 0"),
    ("golden", "alone-differs", "alone: row 0"),
    ("golden", "one-row-differs", "row 0 gave"),
    ("golden", "tensors-differ", "delay by tensor"),
    ("repeatable", "creeps", "asked again, got another answer"),
    ("repeatable", "random", "got another answer"),
    ("batched", "batch-differs", "predictions: row 0 of a batch of 2 gave"),
    ("batched", "tensors-differ-in-batches", "delay: row 0 of a batch of 2 gave"),
    ("concurrent", "crowd-differs", "another answer among 16 at once than alone"),
    ("no-network", "phones-home", "The server tried to reach out"),
    ("no-network", "needs-network", "Without a network the server does not become ready"),
    ("metrics", "no-metrics", "There are no metrics as text"),
    ("metrics", "odd-metrics", "Line 3 is no metric: 'oops{ 1'"),
    ("metrics", "uncounted", "After three requests sealift_requests_total went from 0 to 0"),
    ("logs", "silent-log", "A request that was refused is not in the log"),
    ("logs", "plain-log", "Line 1 of the log is no JSON object"),
    ("logs", "bare-log", "Line 1 of the log lacks event"),
    ("latency", "forgets-some", "of 100 requests at 50 a second failed"),
    ("overload", "breaks-when-busy", "A request among 32 was answered with 500"),
    ("overload", "hasty-429", "A 429 lacks Retry-After"),
    ("sheds", "never-sheds", "With room for one request, another one was answered with 200"),
    ("sheds", "never-asks", "The server did not ask for the body of a request"),
    ("killed", "leaves-a-lock", "The server ended"),
    ("drain", "dies-on-term", "8 of 8 requests under way at SIGTERM got no good answer"),
    ("drain", "hurries", "4 of 8 requests under way at SIGTERM got no good answer"),
]


def said(report, name):
    """All that a check of a report found, as one text."""
    result = next(one for one in report.results if one.name == name)
    return "\n".join(finding.message for finding in result.findings)


def test_a_good_server_passes_every_check(world):
    """In order, each with its time, and nothing runs afterwards."""
    report = world.check()

    assert [line for line in rows(report) if not line[1]] == []
    assert [result.name for result in report.results] == [one.name for one in CHECKS]
    assert report.passed
    assert (report.project, report.model, report.engine) == ("flights", 3, "host")
    assert report.started <= report.finished <= clock.now()
    assert all(finding.severity != "error" for one in report.results for finding in one.findings)


def test_each_check_has_a_name_of_its_own_and_says_what_it_shows(world):
    """The names are what a release asks for."""
    names = [one.name for one in CHECKS]

    assert len(set(names)) == len(names)
    assert all(one.shows.endswith(".") for one in CHECKS)


@pytest.mark.parametrize(
    ("name", "fault", "words"), FAULTS, ids=[f"{name}: {fault}" for name, fault, _ in FAULTS]
)
def test_a_check_fails_on_its_fault(world, name, fault, words):
    """And says what it saw."""
    report = world.check(name, faults=[fault])

    assert report.results[0].passed, said(report, "starts")
    assert not report.passed
    assert words in said(report, name)


def test_a_server_that_ends_at_once_fails_the_start_with_its_last_words(world):
    """Without waiting for the budget to be spent."""
    begun = time.monotonic()
    report = world.check(faults=["exits"], budget=60)

    assert time.monotonic() - begun < 20
    assert "before it was ready" in said(report, "starts")
    assert "the licence has run out" in report.results[0].findings[0].place


def test_a_server_that_was_never_ready_is_not_waited_for_once_more(world):
    """It is watched for a moment, since it may reach out all the same."""
    with world.target("never-ready", budget=60.0) as target:
        target.start()
        begun = time.monotonic()
        found = list(no_network.CHECK.findings(target))

    assert time.monotonic() - begun < 30
    assert [one.message for one in found if one.severity == "error"] == [
        "Without a network the server does not become ready."
    ]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("never-ready", "GET /v2/health/ready is answered with 503"),
        ("deaf", "it does not answer on port"),
    ],
)
def test_a_server_that_is_not_ready_in_time_fails_the_start(world, fault, words):
    """And every check that needs it is told as not carried out, never as passed."""
    report = world.check(faults=[fault], budget=1.0)

    assert words in said(report, "starts")
    alone = {one.name for one in CHECKS if one.needs == "image"}
    skipped = [one for one in report.results if one.name not in alone]
    assert alone == {
        *("starts", "non-root", "read-only", "no-network", "no-secrets"),
        *("size", "packages", "licences", "vulnerabilities", "lineage"),
    }
    assert {said(report, one.name) for one in skipped} == {
        "Not carried out: the server was not ready."
    }
    assert not any(one.passed for one in skipped)


def test_a_ready_answer_that_says_no_is_no_readiness(world):
    """A status of 200 with a body that denies it."""
    report = world.check("health", faults=["ready-says-no"])

    assert "The body says False with status 200" in said(report, "health")


def test_a_server_that_dies_in_a_check_is_known_to_have_died_there(world):
    """The checks after it say in which check the server ended."""
    report = world.check("invalid-json", "golden", faults=["dies-on-bad-json"])

    assert "stopped answering during or after 'invalid-json'" in said(report, "golden")


def test_a_server_that_does_not_end_fails_the_drain(world):
    """It is killed after its grace."""
    report = world.check("drain", faults=["ignores-term"], grace=1.0)

    assert "did not end within 1 s of SIGTERM" in said(report, "drain")


@pytest.mark.parametrize(
    ("rights", "words"),
    [
        (("--uid", "0", "--gid", "0", "--cap-drop", "ALL"), "It runs as root"),
        (("--uid", "65532", "--gid", "0", "--cap-drop", "ALL"), "It runs in root's group"),
        (("--uid", "65532", "--gid", "65532", "--cap-add", "ALL"), "It has capabilities"),
    ],
)
def test_an_engine_that_gives_too_many_rights_fails_the_check_of_rights(world, rights, words):
    """Seen from inside a container in the form of the server."""
    world.confine(rights=rights)

    assert words in said(world.check("non-root"), "non-root")


def test_an_engine_that_lets_the_image_be_changed_fails_the_check_of_the_root(world):
    """Each place that can be written is named."""
    world.confine(writable=True)
    report = world.check("read-only")

    places = [finding.place for finding in report.results[1].findings]
    assert places == ["/", "/model"]


@pytest.mark.parametrize("seed", range(8))
def test_no_answer_of_a_server_is_unforeseen(world, seed):
    """Whatever JSON it sends, there is a report, with findings."""
    report = world.check(faults=["babbles", f"seed{seed}"])

    assert len(report.results) == len(CHECKS)
    assert not report.passed


def test_an_engine_that_cannot_start_it_is_a_finding(world):
    """With the engine's own remedy; the report is made all the same."""

    class Broken(type(world.engine)):
        """Starts nothing."""

        def start(self, spec):
            """Fail."""
            raise MachineError("User namespaces are refused.", remedy="Use podman.")

    world.engine = Broken(world.store)
    report = world.check()

    finding = report.results[0].findings[0]
    assert (finding.message, finding.remedy) == ("User namespaces are refused.", "Use podman.")


def test_the_server_is_ended_when_a_check_fails_in_a_way_nobody_foresaw(world):
    """The error itself is not hidden."""

    def stumble(target):
        yield from ()
        raise ZeroDivisionError

    broken = Check(name="broken", shows="Nothing.", findings=stumble)
    with pytest.raises(ZeroDivisionError):
        check(world.target(), project="p", progress=world.progress, checks=[CHECKS[0], broken])

    assert world.engine.living() == 0


def test_the_server_is_started_as_a_release_starts_it(world):
    """Entry point and variables of the image, a free port, the image's digest."""
    world.check("health")
    spec = world.engine.specs[0]

    assert spec.argv[2:] == world.target().subject.launch.argv[2:]
    assert spec.env["LANG"] == "C.UTF-8"
    assert spec.env["SEALIFT_IMAGE"] == spec.image == world.image()
    assert (spec.network, spec.env["SEALIFT_HOST"]) == ("host", "127.0.0.1")


def test_what_a_killed_check_left_behind_is_ended_by_the_next(world):
    """A living check's server is left alone."""
    with world.target() as colleague:
        colleague.start()
        spec = world.target().spec()
        marks = {**spec.labels, "sealift.owner": "999999999:1"}
        left = world.engine.start(msgspec.structs.replace(spec, labels=marks))
        assert world.engine.living() == 2

        with world.target() as third:
            third.start()
            running = {one.id for one in world.engine.find({}) if one.running}

            assert len(running) == 2
            assert left.id not in running
            assert colleague.running()


def test_progress_is_told_check_by_check(world):
    """Its beginning and its result."""
    world.check("health", faults=["any-model"])

    assert world.progress.steps == [
        ("starts", "running"),
        ("starts", "passed"),
        ("health", "running"),
        ("health", "failed"),
    ]


def test_an_image_from_elsewhere_is_checked_for_the_model_that_it_holds(world):
    """Nobody has to know its version beforehand."""
    report = check_image(
        world.image(),
        world.bench(),
        project="p",
        model=None,
        progress=world.progress,
    )

    assert report.passed
    assert report.model == 3


SECRETS = {
    "etc/app.pem": (
        "-----BEGIN RSA PRIVATE KEY-----\n" + "A" * 64 + "\n-----END RSA PRIVATE KEY-----\n",
        "holds a private key",
    ),
    "srv/settings.py": ("KEY = 'AKIA" + "Q7" * 8 + "'\n", "holds an access key of AWS"),
    "home/u/.netrc": ("machine h login u password p\n", "holds what programs keep secrets in"),
    "srv/notes.txt": ("ghp_" + "a1B2" * 9 + "\n", "holds a token of GitHub"),
}


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_in_a_file_is_found_where_it_lies(world, name):
    """Whatever the server does."""
    text, words = SECRETS[name]
    path = world.folder / "content" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    report = world.check("no-secrets")

    (finding,) = report.results[-1].findings
    assert words in finding.message
    assert finding.place == f"/{name}"
    assert finding.remedy


def test_a_certificate_and_a_public_key_are_no_secrets(world):
    """Every image has some."""
    path = world.folder / "content" / "ca.pem"
    path.write_text("-----BEGIN CERTIFICATE-----\n" + "A" * 64 + "\n-----END CERTIFICATE-----\n")

    assert world.check("no-secrets").passed


def test_a_secret_in_a_variable_is_named_and_not_repeated(world):
    """The report may be read by many."""
    target = world.target()
    launch = replace(target.launch, env={"DB_PASSWORD": "hunter2", "URL": "pg://u:hunter2@h/"})
    target.subject = replace(target.subject, launch=launch)
    found = list(unsecret.CHECK.findings(target))

    assert [one.place for one in found if one.severity == "error"] == ["DB_PASSWORD", "URL"]
    assert "hunter2" not in repr(found)


def test_latencies_and_memory_are_told(world):
    """In milliseconds and megabytes, whether they are good or bad."""
    result = world.check("latency").results[-1]

    assert result.passed
    assert "p50" in result.detail
    assert "p99" in result.detail
    assert "MB of memory" in result.detail


def test_a_server_without_a_document_of_its_answers_is_not_held_to_one(world):
    """Nobody has to publish one."""
    result = world.check("schema", faults=["no-document"]).results[-1]

    assert result.passed
    assert not result.applied


def test_a_document_that_holds_no_schema_is_an_error():
    """And what lies elsewhere is not fetched."""
    for wrong in ({"$ref": "http://127.0.0.1:9/x"}, {"$ref": "#/nope"}, {"type": "odd"}):
        with pytest.raises(CheckError, match="holds no schema"):
            list(schema.broken({"a": wrong}, ("a",), 1))


def test_what_is_beyond_a_budget_of_the_project_is_an_error(world):
    """With the load, and where to change it."""
    load = LoadSettings(rate=20, seconds=1, rows=2, p50="0.01 ms", p99="1000 s", memory="1 MB")
    result = world.check("latency", settings=CheckSettings(load=load)).results[-1]

    slow, large = result.findings
    assert "The p50 of its latency" in slow.message
    assert slow.place == "20 requests a second for 1 s"
    assert "check.load.p50" in slow.remedy
    assert "beyond 1 MB" in large.message
