"""Models travel between projects through Debian's registry, with their signed records."""

import shutil

import msgspec
import pytest
from registry_images import everything

from sealift import clock, digest
from sealift.adapters.registries.client import PULL, Client
from sealift.adapters.registries.push import push
from sealift.adapters.registries.reference import parse
from sealift.chapters import naming, reproducing, sharing, versions
from sealift.errors import IntegrityError, NotFoundError, UsageError
from sealift.package.artifact import write_model
from sealift.record.contract import Contract
from sealift.record.model import Model
from sealift.record.reproduction import Reproduction
from sealift.record.run import Code, Machine, Run
from sealift.train.again import statement
from sealift.types import Digest
from sealift.wiring import Wired


class Quiet:
    """Progress that nobody hears."""

    def step(self, name, status):
        """Nothing."""

    def say(self, text):
        """Nothing."""


def project(folder, name):
    """An empty project."""
    folder.mkdir()
    (folder / "sealift.toml").write_text(f'name = "{name}"\n')
    wired = Wired(folder)
    wired.keyring.make()
    return wired


def registered(wired, seed=1):
    """A model of a run."""
    folder = wired.folders.root / f"model-{seed}"
    folder.mkdir()
    for name in ("model.onnx", "contract.json", "profile.json", "golden.json"):
        (folder / name).write_text(f"{name} {seed}")
    content = digest.of_tree(folder)
    version = wired.ledger.next_version()
    card = {"name": "flights", "version": version, "run": "r1"}
    (folder / "model.json").write_bytes(digest.canonical(card))
    artifact = write_model(wired.store, folder, name="flights", version=version)
    machine = Machine(
        host="desk", user="ana", system="Linux", cpu="x", cores=2, memory=1, engine="none"
    )
    none = Digest("sha256:" + "0" * 64)
    wired.ledger.save(
        Run(
            id="r1",
            project="flights",
            status="done",
            started=1.0,
            finished=2.0,
            user="ana",
            comment="why",
            code=Code(digest=none, commit="abc"),
            machine=machine,
            image=none,
            lock=None,
            snapshots={},
            params={},
            seeds={},
        )
    )
    model = Model(
        name="flights",
        version=version,
        digest=artifact.digest,
        content=content,
        run="r1",
        created=clock.now(),
        task="regression",
        metrics={"mae": 25.0},
        contract=Contract(task="regression", target="t", fields=(), outputs=(), prediction="p"),
    )
    wired.ledger.save(model)
    return model


@pytest.fixture
def here(tmp_path):
    """The project that models come from."""
    return project(tmp_path / "here", "flights")


@pytest.fixture
def there(tmp_path, here):
    """Another project, which trusts the first one's key."""
    wired = project(tmp_path / "there", "others")
    wired.keyring.trust((here.folders.keys / "key.pub").read_bytes(), "a letter")
    return wired


def test_a_model_comes_with_its_record_under_its_aliases(registry, here, there):
    """It is the same model under a number of the other project, with run, tags and notes."""
    model = registered(here)
    naming.give(here, "champion", model.version, why="the best")
    naming.tag(here, "model", model.version, {"team": "x"})

    pushed = sharing.push(here, model, f"{registry}/models/flights", progress=Quiet())
    registered(there, seed=2)
    pulled, new = sharing.pull(there, f"{registry}/models/flights:champion", progress=Quiet())
    again, newer = sharing.pull(there, pushed.reference, progress=Quiet())

    assert pushed.reference == f"{registry}/models/flights:1-model"
    assert pushed.beside == {"champion": model.digest}
    assert (new, newer, again.version) == (True, False, pulled.version)
    assert (pulled.name, pulled.version, pulled.content) == ("others", 2, model.content)
    assert (pulled.pulled.name, pulled.pulled.version) == ("flights", 1)
    assert pulled.pulled.digest == model.digest
    assert there.ledger.get(Run, "r1").comment == "why"
    marks = versions.marks(there)
    assert marks.tags("model", 2) == {"team": "x"}
    assert marks.aliases == {}, "who is champion here is decided here"
    assert everything(there.store, model.digest) == everything(here.store, model.digest)


def test_an_alias_that_moved_moves_in_the_registry(registry, here):
    """The tag leads to the model that has the alias when it is pushed."""
    first, second = registered(here), registered(here, seed=2)
    place = f"{registry}/models/moved"
    naming.give(here, "champion", first.version, why="")
    sharing.push(here, first, place, progress=Quiet())
    naming.give(here, "champion", second.version, why="")
    sharing.push(here, second, place, progress=Quiet())
    sharing.push(here, first, place, progress=Quiet())

    with Client(parse(place), PULL, None) as client:
        assert client.manifests.head("champion") == second.digest


def test_a_stranger_s_model_is_refused(registry, tmp_path, here):
    """Until its key is trusted nothing of it is registered."""
    model = registered(here)
    sharing.push(here, model, f"{registry}/models/strange:1", progress=Quiet())
    wired = project(tmp_path / "strange", "strange")

    with pytest.raises(IntegrityError):
        sharing.pull(wired, f"{registry}/models/strange:1", progress=Quiet())

    assert wired.ledger.all(Model) == []
    assert wired.ledger.all(Run) == []


def test_what_is_no_model_is_refused(registry, here, there, access):
    """An artifact without a record, and a reference that is none."""
    model = registered(here)
    push(here.store, model.digest, f"{registry}/models/bare:1", access=access)

    with pytest.raises(NotFoundError, match="no record"):
        sharing.pull(there, f"{registry}/models/bare:1", progress=Quiet())
    with pytest.raises(UsageError, match="a tag, not a digest"):
        sharing.push(here, model, f"{registry}/models/bare@{model.digest}", progress=Quiet())


def test_what_the_store_lost_of_a_model_comes_back_with_it(registry, here, there):
    """Under the version that it has here: its record was there all the time."""
    model = registered(here)
    sharing.push(here, model, f"{registry}/models/lost", progress=Quiet())
    first, _ = sharing.pull(there, f"{registry}/models/lost:1-model", progress=Quiet())
    shutil.rmtree(there.folders.layout)

    again, new = sharing.pull(there, f"{registry}/models/lost:1-model", progress=Quiet())

    assert (again, new) == (first, False)
    assert len(everything(there.store, again.digest)) == 7


def test_a_statement_of_a_reproduction_goes_with_the_model(here, there, registry):
    """Signed, beside the model that the run made: also where that has another number."""
    registered(there, seed=2)
    model = registered(here)
    run = here.ledger.get(Run, "r1")
    made = Reproduction(
        id="again",
        run=run.id,
        project="flights",
        started=3.0,
        finished=4.0,
        user="ben",
        machine=run.machine,
        image=run.image,
        lock=None,
        outputs=(),
    )

    assert reproducing.subjects(here, run) == {"model 1": model.digest}
    reproducing.attach(here, made, [model.digest])
    sharing.push(here, model, f"{registry}/team/said", progress=Quiet())
    there.ledger.amend(Model, 1, lambda one: msgspec.structs.replace(one, run="other"))
    pulled, _ = sharing.pull(there, f"{registry}/team/said:1-model", progress=Quiet())

    assert statement.sealed(model.digest, signer=there.signer, store=there.store) == [made]
    again = there.ledger.get(Run, run.id)
    assert reproducing.subjects(there, again) == {"model 2": pulled.digest}
