"""The cache key: all that can change what a step writes is in it, and nothing else is.

One thing is changed at a time. The first table has to wake the step, the second must not.
"""

import os
import shutil

import pytest
from train_foreseen import ahead
from train_project import Small, in_bubblewrap, one

from sealift.types import Digest

PROJECT = """\
name = "mutated"

[data.rows]
uri = "data"

[data.other]
uri = "start"

[steps.first]
run = "cp start/one out/table.csv"
code = []
reads = ["data.other"]
writes = { table = "out/table.csv" }

[steps.work]
run = "sh code/work.sh {depth} && cp out/table.csv out/result"
code = ["code"]
reads = ["data.rows", "first.table"]
writes = { result = "out/result", metrics = "out/metrics.json" }
params = { depth = 2, seed = 7 }
env = { MODE = "fast" }
memory = "64MiB"

[steps.apart]
run = "true"
code = []
cpus = 1
"""

FILES = {
    "data/rows.csv": "id\n1\n2\n",
    "data/more.csv": "id\n3\n",
    "code/work.sh": 'echo {} > out/metrics.json; : "$1"\n',
    "code/help.py": "x = 1\n",
    "other.py": "y = 1\n",
    "start/one": "1\n",
    "start/two": "2\n",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The project after a first run, in which everything ran."""
    root = tmp_path_factory.mktemp("mutations") / "made"
    root.mkdir()
    small = Small(root)
    small.text = PROJECT
    for name in ("prepare.sh", "train.sh"):
        (root / name).unlink()
    for name, text in FILES.items():
        small.write(name, text)
    (root / "code" / "link").symlink_to("help.py")
    small.run()
    return small


@pytest.fixture
def mutated(made, tmp_path):
    """A copy of it, with the same store and the same records."""
    root = tmp_path / "copy"
    shutil.copytree(made.root, root, symlinks=True, ignore=lambda *_: {".sealift"})
    small = Small(root, fresh=False)
    small.text, small.store, small.ledger = PROJECT, made.store, made.ledger
    return small


def foreseen(small, name="work"):
    """What a run would do with a step."""
    return ahead(small)[name]


def edit(old, new):
    """A change of the project file."""
    return lambda small: small.change(old, new)


def write(name, text):
    """Other bytes in a file, or a new one."""
    return lambda small: small.write(name, text)


def mode(name, bits):
    """Another mode of a file."""
    return lambda small: (small.root / name).chmod(bits)


def rename(old, new):
    """Another name of a file."""
    return lambda small: (small.root / old).rename(small.root / new)


def relink(small):
    """Another target of a link."""
    (small.root / "code" / "link").unlink()
    (small.root / "code" / "link").symlink_to("work.sh")


def unlink(small):
    """A link becomes the file that it led to."""
    (small.root / "code" / "link").unlink()
    small.write("code/link", FILES["code/help.py"])


BOTH = '"data.rows", "first.table"'
ENV, MEMORY = 'env = { MODE = "fast" }\n', 'memory = "64MiB"\n'
RESULT, METRICS = 'result = "out/result"', 'metrics = "out/metrics.json"'

WAKE = {
    "the command": edit("cp out/table.csv out/result", "cp -f out/table.csv out/result"),
    "a space in the command": edit("{depth} &&", "{depth}  &&"),
    "the bytes of a code file": write("code/help.py", "x = 2\n"),
    "the end of a code file": write("code/help.py", "x = 1"),
    "a new code file": write("code/new.py", ""),
    "the name of a code file": rename("code/help.py", "code/helper.py"),
    "a code file is gone": lambda small: (small.root / "code/help.py").unlink(),
    "the execute bit of a code file": mode("code/work.sh", 0o755),
    "the target of a link": relink,
    "a link becomes a file": unlink,
    "which code it sees": edit('code = ["code"]', 'code = ["code", "other.py"]'),
    "the bytes of the data": write("data/rows.csv", "id\n1\n3\n"),
    "the bytes of data of the same size": write("data/more.csv", "id\n4\n"),
    "a new data file": write("data/new.csv", ""),
    "the name of a data file": rename("data/more.csv", "data/most.csv"),
    "the execute bit of a data file": mode("data/more.csv", 0o755),
    "a parameter": edit("depth = 2", "depth = 3"),
    "the kind of a parameter": edit("depth = 2", "depth = 2.0"),
    "the seed": edit("seed = 7", "seed = 8"),
    "a variable": edit('MODE = "fast"', 'MODE = "slow"'),
    "the name of a variable": edit('MODE = "fast"', 'MODUS = "fast"'),
    "one more variable": edit('MODE = "fast"', 'MODE = "fast", MORE = ""'),
    "no variable": edit('env = { MODE = "fast" }\n', ""),
    "where a secret comes from": edit('memory = "64MiB"', 'memory = "64MiB"\nsecrets.A = "env:B"'),
    "processor cores": edit('memory = "64MiB"', 'memory = "64MiB"\ncpus = 0.5'),
    "memory": edit("64MiB", "65MiB"),
    "no limit of memory": edit('memory = "64MiB"\n', ""),
    "a graphics card": edit(MEMORY, f"{MEMORY}gpus = 1\n"),
    "all graphics cards": edit(MEMORY, f'{MEMORY}gpus = "all"\n'),
    "the network": edit('memory = "64MiB"', 'memory = "64MiB"\nnetwork = true'),
    "checkpoints": edit('memory = "64MiB"', 'memory = "64MiB"\ncheckpoints = true'),
    "whether it logs curves": edit('memory = "64MiB"', 'memory = "64MiB"\ncurves = true'),
    "the name of an output": edit("{ result = ", "{ outcome = "),
    "the path of an output": lambda small: small.change("out/result", "out/results"),
    "one input less": edit(f"[{BOTH}", '["first.table"'),
}  # fmt: skip

SLEEP = {
    "nothing": lambda _: None,
    "the time of a code file": lambda small: os.utime(small.root / "code/work.sh", (1, 1)),
    "the time of a data file": lambda small: os.utime(small.root / "data/rows.csv", (1, 1)),
    "who else may read a file": mode("code/work.sh", 0o600),
    "code that it does not see": write("other.py", "y = 2\n"),
    "a file that is no code of any step": write("notes.txt", "remember\n"),
    "an empty folder": lambda small: (small.root / "code/empty").mkdir(),
    "a comment in the project file": edit('name = "mutated"', 'name = "mutated" # mine'),
    "the name of the project": edit('name = "mutated"', 'name = "renamed"'),
    "the order of parameters": edit("depth = 2, seed = 7", "seed = 7, depth = 2"),
    "the order of keys": edit(f"{ENV}{MEMORY}", f"{MEMORY}{ENV}"),
    "the order of inputs": edit(f"[{BOTH}", '["first.table", "data.rows"'),
    "the order of outputs": edit(f"{RESULT}, {METRICS}", f"{METRICS}, {RESULT}"),
    "retries": edit('memory = "64MiB"', 'memory = "64MiB"\nretries = 2\nbackoff = 5'),
    "no graphics card, said": edit(MEMORY, f"{MEMORY}gpus = 0\n"),
    "what is compared with it": edit(MEMORY, f"{MEMORY}tolerance = {{ result = 0.1 }}\n"),
    "another step's graphics cards": edit("cpus = 1\n", "cpus = 1\ngpus = 1\n"),
    "the cache of the team": edit("[steps.apart]", "[cache]\ncheckpoints = 5\n\n[steps.apart]"),
    "the engine": edit("[steps.apart]", '[engine]\nname = "podman"\n\n[steps.apart]'),
    "the time limit": edit('memory = "64MiB"', 'memory = "64MiB"\ntimeout = 60'),
    "another step's command": edit('run = "true"', 'run = "exit 0"'),
    "another step's cores": edit("cpus = 1\n", "cpus = 2\n"),
    "one more step": edit("[steps.apart]", '[steps.new]\nrun = "true"\n\n[steps.apart]'),
    "one more dataset": edit("[steps.apart]", '[data.z]\nuri = "notes.txt"\n\n[steps.apart]'),
    "another step's name": edit("[steps.apart]", "[steps.aside]"),
    "a limit of memory in another unit": edit("64MiB", "65536KiB"),
}  # fmt: skip


@pytest.mark.parametrize("name", WAKE)
def test_what_can_change_an_output_runs_the_step_again(mutated, name):
    """Each alone, and the reason is told."""
    WAKE[name](mutated)

    work = foreseen(mutated)
    assert work.action == "runs"
    assert "first time" not in work.because
    assert "last outputs are not there" not in work.because


def test_another_image_runs_every_step_again(mutated):
    """Those that could begin at once say so."""
    mutated.image = Digest("sha256:" + "3" * 64)

    assert foreseen(mutated, "first").action == "runs"
    assert foreseen(mutated, "apart").because == "apart runs again: the image of the steps changed."


def test_what_an_earlier_step_wrote_runs_the_step_again(mutated):
    """Other bytes do; other ways to the same bytes do not."""
    mutated.change("cp start/one out/table.csv", "cat start/one > out/table.csv")
    assert one(mutated.run(), "work").cached
    mutated.change("cat start/one", "cat start/two")
    assert not one(mutated.run(), "work").cached


def test_nothing_else_runs_a_step_again(mutated):
    """All one after the other, each on top of those before it, in a folder of another name."""
    for name, change in SLEEP.items():
        change(mutated)
        assert foreseen(mutated).action == "cached", name


def test_a_step_of_another_name_with_the_same_parts_is_the_same(mutated):
    """The name of a step, like who runs it, decides nothing of what it writes."""
    mutated.change("[steps.work]", "[steps.labour]")

    assert foreseen(mutated, "labour").action == "cached"


@pytest.mark.engine
def test_what_the_key_leaves_out_cannot_be_seen_from_inside(tmp_path):
    """A real step that writes down what it sees of itself gives the same bytes in every run."""
    root = tmp_path / "project"
    root.mkdir()
    small = Small(root)
    small.write("prepare.sh", "{ uname -n; id -u; pwd; env; cat /proc/1/comm; } > out/table.csv\n")
    real = in_bubblewrap(root)
    first = one(real.run(), "prepare")
    real.change('name = "small"', 'name = "large"')
    real.change("sh prepare.sh", "sh prepare.sh ")
    again = one(real.run(), "prepare")

    assert not again.cached
    assert again.outputs == first.outputs
    real.change("depth = 2", "depth = 3")
    assert [step.cached for step in real.run().steps] == [True, False, False]
