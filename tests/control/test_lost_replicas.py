"""What a crash of the whole machine left of replicas is cleared away by the next start."""

import os

from background import wait

from sealift.retired import MARK, SETTLED


def test_the_records_of_a_replica_that_nobody_ended_are_read_and_removed(site):
    """It is in no engine any more, and nobody could note that it ended."""
    records = site.root / ".sealift" / "records" / "svc-v1-000000"
    fresh = records.with_name("svc-v1-111111")
    for folder in (records, fresh):
        folder.mkdir(parents=True)
        (folder / "20250101-000000-abcdef-000001.jsonl").write_text('{"cut off')
    long_ago = records.stat().st_mtime - SETTLED - 60
    for path in (*records.iterdir(), records):
        os.utime(path, (long_ago, long_ago))

    site.up()

    assert wait(lambda: not records.exists())
    assert not (fresh / MARK).exists()
