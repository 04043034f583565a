"""The access log read from cursors, whatever state its files are in."""

import json

import pytest

from sealift.adapters.routers.accesslog import AccessLog, parse


def line(number, **other):
    """A request for a prediction whose status is a number to know it by."""
    said = {
        "StartUTC": "2026-01-01T00:00:00.123456789Z",
        "RequestMethod": "POST",
        "RequestPath": "/predict",
        "RouterName": "my-v2-svc-g7@file",
        "ServiceName": "my-v2-svc-v3@file",
        "DownstreamStatus": number,
        "Duration": 5_000_000,
        "OriginDuration": 2_500_000,
    }
    return json.dumps(said | other).encode() + b"\n"


def read(log, cursor=None):
    """The numbers of the requests behind a cursor, and the new cursor, as stored in between."""
    seen, cursor = log.read(cursor)
    return [one.status for one in seen], json.loads(json.dumps(cursor))


def test_a_line_is_a_request_with_everything_a_release_needs():
    """Durations come in nanoseconds; names that look alike are not mistaken for each other."""
    seen = parse(line(200))

    assert (seen.generation, seen.version, seen.status) == (7, 3, 200)
    assert seen.seconds == 0.0025
    assert seen.at == pytest.approx(1767225600.123456, abs=1e-5)


@pytest.mark.parametrize(
    ("path", "method", "counts"),
    [
        ("/predict", "POST", True),
        ("/predict?trace=1", "POST", True),
        ("/v2/models/svc/infer", "POST", True),
        ("/v2/models/svc/versions/3/infer", "POST", True),
        ("/inference.GRPCInferenceService/ModelInfer", "POST", True),
        ("/inference.GRPCInferenceService/ServerReady", "POST", False),
        ("/predict", "GET", False),
        ("/predict/", "POST", False),
        ("/metrics", "GET", False),
        ("/v2/health/ready", "GET", False),
        ("/v2/repository/infer", "POST", False),
    ],
)
def test_only_requests_for_predictions_count(path, method, counts):
    """Health, metrics and wrong addresses say nothing of a version."""
    assert (parse(line(200, RequestPath=path, RequestMethod=method)) is not None) == counts


@pytest.mark.parametrize(
    ("code", "status"),
    [("", 200), ("0", 200), ("3", 400), ("4", 408), ("8", 429), ("13", 500), ("14", 503)],
)
def test_a_call_of_grpc_counts_by_its_code(code, status):
    """Whose status in HTTP is always 200; one that was answered has its code in the trailers."""
    call = {"RequestPath": "/inference.GRPCInferenceService/ModelInfer"}
    assert parse(line(200, **call, **{"downstream_Grpc-Status": code})).status == status


def test_a_request_without_a_route_counts_for_no_version():
    """It was asked for a prediction and got none."""
    text = json.loads(line(404))
    del text["RouterName"], text["ServiceName"], text["OriginDuration"]
    seen = parse(json.dumps(text).encode())

    assert (seen.generation, seen.version, seen.status, seen.seconds) == (0, 0, 404, 0.005)


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"null", b'{"StartUTC":"now"}', bytes(range(255, 99, -1))]
)
def test_a_broken_line_is_passed_over(text):
    """One bad line loses no other."""
    assert parse(text) is None


def test_a_line_that_is_still_being_written_waits(tmp_path):
    """It comes once it is whole."""
    log = AccessLog(tmp_path)
    log.current.write_bytes(line(1) + line(2)[:40])
    first, cursor = read(log)
    log.current.write_bytes(line(1) + line(2) + line(3)[:-1])
    second, cursor = read(log, cursor)
    log.current.write_bytes(line(1) + line(2) + line(3))

    assert (first, second, read(log, cursor)[0]) == ([1], [2], [3])


def test_a_renamed_part_is_read_to_its_end_before_the_next(tmp_path):
    """The writer goes on in it for a moment after the new one is there."""
    log = AccessLog(tmp_path)
    log.current.write_bytes(line(1))
    first, cursor = read(log)
    log.rename()
    second, cursor = read(log, cursor)
    log.current.write_bytes(b"")
    part = tmp_path / "access-000001.jsonl"
    part.write_bytes(part.read_bytes() + line(2))
    third, cursor = read(log, cursor)
    part.write_bytes(part.read_bytes() + line(3))
    log.current.write_bytes(line(4))
    fourth, cursor = read(log, cursor)

    assert (first, second, third, fourth) == ([1], [], [2], [3, 4])
    assert cursor == {"part": 2, "offset": len(line(4))}


def test_parts_keep_their_numbers_when_old_ones_are_forgotten(tmp_path):
    """The newest renamed one stays, so that no number is given out twice."""
    log = AccessLog(tmp_path)
    cursor, seen = None, []
    for number in range(1, 8):
        log.current.write_bytes(line(number))
        more, cursor = read(log, cursor)
        log.forget(cursor)
        seen += more
        log.rename()
    log.current.write_bytes(line(8))
    more, cursor = read(log, cursor)

    assert [*seen, *more] == list(range(1, 9))
    assert cursor["part"] == 8
    assert len(list(tmp_path.iterdir())) <= 3


def test_a_folder_that_was_deleted_begins_anew(tmp_path):
    """The cursor is of parts that are no more; what is there now was never read."""
    log = AccessLog(tmp_path)
    log.current.write_bytes(line(1))

    assert read(log, {"part": 5, "offset": 900}) == ([1], {"part": 1, "offset": len(line(1))})


@pytest.mark.parametrize("cursor", ["x", 3, {"part": "one"}, []])
def test_a_cursor_that_makes_no_sense_is_the_beginning(tmp_path, cursor):
    """Rather twice in the record than never; no cursor of ours looks like that."""
    log = AccessLog(tmp_path)
    log.current.write_bytes(line(1))

    assert read(log, cursor)[0] == [1]


def test_an_empty_folder_has_no_requests(tmp_path):
    """Nothing was started yet."""
    assert read(AccessLog(tmp_path / "none")) == ([], {"part": 1, "offset": 0})
