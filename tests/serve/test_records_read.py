"""The prediction log, handed out to who knows the word, and to nobody else."""

import json

from toy_running import Running

WORD = "0123456789abcdef0123456789abcdef"
ROW = {"carrier": "UA", "hour": 9, "distance": 100.0, "holiday": False}


def test_the_log_is_read_piece_by_piece_by_who_knows_the_word(columns_folder, tmp_path):
    """By name and offset; without the word, or for another file, there is nothing."""
    records = tmp_path / "records"
    (tmp_path / "secret.jsonl").write_text("{}")
    with Running(
        columns_folder, tmp_path / "log", records, SEALIFT_DRAIN="0", SEALIFT_READER=WORD
    ) as server:
        server.ready()
        server.post({"id": "one", "rows": [ROW]}, **{"x-sealift-generation": "5"})
        server.wait_for(lambda: any(path.stat().st_size for path in records.glob("*.jsonl")))
        known = {"x-sealift-reader": WORD}
        files = server.client.get("/records", headers=known).json()
        ((name, size),) = files.items()
        whole = server.client.get(f"/records/{name}/0", headers=known).content
        rest = server.client.get(f"/records/{name}/10", headers=known).content
        refused = [
            server.client.get("/records").status_code,
            server.client.get("/records", headers={"x-sealift-reader": WORD[:-1]}).status_code,
            server.client.get(f"/records/{name}/x", headers=known).status_code,
            server.client.get("/records/..%2Fsecret.jsonl/0", headers=known).status_code,
            server.client.get("/records/none.jsonl/0", headers=known).status_code,
        ]
        page = server.client.get("/metrics").text

    assert len(whole) == size
    assert json.loads(whole)["id"] == "one"
    assert rest == whole[10:]
    assert refused == [404] * 5
    assert 'sealift_routed_seconds_count{generation="5",status="200"} 1' in page


def test_without_a_word_there_is_no_such_path(columns_folder, tmp_path):
    """Nor with one that is easily guessed."""
    with Running(
        columns_folder, tmp_path / "log", tmp_path / "records", SEALIFT_READER="short"
    ) as server:
        server.ready()
        assert (
            server.client.get("/records", headers={"x-sealift-reader": "short"}).status_code == 404
        )
