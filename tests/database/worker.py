"""A process of its own that works on a database until it is done or killed."""

import sys
from pathlib import Path

from sealift.adapters.databases.sqlite import Sqlite
from sealift.record.observation import Label, Prediction, RequestSeen, Sketch


def batch(db, name, number, size):
    """Add one batch whose every part can be recognised by its number."""
    ids = [f"{name}-{number}-{row}" for row in range(size)]
    db.add(
        cursors={name: number},
        requests=[
            RequestSeen(at=1.0, generation=number, version=int(name), status=200, seconds=0.1)
            for _ in ids
        ],
        predictions=[
            Prediction(
                id=one, at=1.0, version=int(name), generation=1, output=1.0, seconds=0.1, inputs={}
            )
            for one in ids
        ],
        labels=[Label(id=one, value=1.0, at=2.0) for one in ids],
        sketches=[Sketch(version=9, field="x", since=0.0, counts=(size,), nulls=1)],
    )


def say(word):
    """Tell the test at once."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def main(path, task, name, count):
    """Do a task ``count`` times, saying each time that it is done."""
    db = Sqlite(Path(path))
    for number in range(1, int(count) + 1):
        if task == "add":
            batch(db, name, number, 50)
        elif task == "version":
            say(db.next_version())
        elif task == "hold":
            with db.exclusive(name):
                say("held")
                sys.stdin.read()
        say("done")


if __name__ == "__main__":
    main(*sys.argv[1:])
