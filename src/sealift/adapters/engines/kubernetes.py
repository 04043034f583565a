"""Containers as Jobs of a Kubernetes cluster: steps that run on other machines than this."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from sealift import clock
from sealift.adapters.engines.environment import environment, of_image
from sealift.adapters.engines.kubernetes_back import bring
from sealift.adapters.engines.kubernetes_bucket import Carrier
from sealift.adapters.engines.kubernetes_image import Images
from sealift.adapters.engines.kubernetes_job import Watched, Work
from sealift.adapters.engines.mounts import mounts
from sealift.digest import of_json
from sealift.errors import AwayError, ClusterError, DataError, MachineError, StepError
from sealift.kubernetes.kinds import JOB
from sealift.kubernetes.objects import Object, Place
from sealift.kubernetes.porter import PORTER
from sealift.kubernetes.porters import KEY
from sealift.kubernetes.reading import condition, instant, text
from sealift.kubernetes.step import JOB_LABEL, NOTE, STEP, objects, sender
from sealift.kubernetes.steps import Going
from sealift.kubernetes.task import Note, Task, marks
from sealift.ports import Cluster, Progress, Store
from sealift.record.container import Container, ContainerSpec, Exit, Guarantees
from sealift.stacked import configuration
from sealift.types import Digest, Json

AGAIN = 5
"""Times that a step is begun again whose pod was taken away, until it is given up."""

_PYTHON = ("python3", "-m")


class KubernetesJobs:
    """The engine on top of a cluster's Jobs, in the namespace of an environment.

    Unlike that of other engines, a container goes on when the caller of ``run`` dies; who runs the
    same again finds its Job, also one that has ended meanwhile. Images go there by the registry of
    ``images``; so do inputs, and outputs come from there, unless there is a ``carrier`` with a
    bucket. Its objects bear the name of the ``project``; ``python`` begins the porter's command.
    """

    def __init__(
        self,
        cluster: Cluster,
        place: Place,
        store: Store,
        images: Images,
        progress: Progress,
        *,
        carrier: Carrier | None = None,
        project: str = "sealift",
        python: Sequence[str] = _PYTHON,
    ) -> None:
        self._cluster = cluster
        self._place = place
        self._store = store
        self._images = images
        self._progress = progress
        self._carrier = carrier
        self._shut: set[bool | None] = set()
        self._project = project
        self._python = tuple(python)
        self._work = Work(cluster, place, progress)

    @property
    def name(self) -> str:
        """Its name in the project file."""
        return "kubernetes"

    def guarantees(self) -> Guarantees:
        """What it enforces; of the network only what the pods of all steps so far found to be so.

        Whether policies are in force is up to the cluster. A bucket is reached from a step's pod.
        """
        return Guarantees(
            network_isolated=self._shut == {True} and self._carrier is None,
            memory_limited=True,
            cpu_limited=True,
            survives_caller=True,
            gpus=None,
            elsewhere=True,
        )

    def run(self, spec: ContainerSpec, *, timeout: float | None = None) -> Exit:
        """Run to the end, or find a Job that ran or runs the same; blocks.

        Raises ``StepError`` for a Job that the cluster will not run, or that somebody removed, and
        ``ClusterError`` where the cluster does not answer: then the Job goes on there.
        """
        task = self._task(spec, timeout)
        begin = clock.monotonic()
        try:
            ended = self._ran(task, spec)
        except StepError:
            self._clear(task, well=False)
            raise
        well = ended.status == 0 and not ended.timed_out
        if well:
            self._bring(task, spec)
        self._clear(task, well=well)
        if ended.timed_out:
            self._work.found(task.name)  # it still ran when it was removed
        spent = ended.seconds or clock.monotonic() - begin
        return msgspec.structs.replace(ended, seconds=spent)

    def start(self, spec: ContainerSpec) -> Container:
        """Make the Job; returns once it is there."""
        task = self._task(spec, None)
        return self._container(self._begun(task, spec))

    def stop(self, container: Container, *, grace: float) -> None:
        """Have its Job removed, with its pod, which gets 30 seconds to end; it is not waited for.

        What it wrote to lasting mounts stays. ``grace`` is the cluster's.
        """
        del grace
        for one in self._jobs({}):
            if text(one, "metadata", "uid") == container.id:
                self._cluster.delete(one)

    def find(self, labels: dict[str, str]) -> list[Container]:
        """The containers of all Jobs with these labels.

        One that has ended is among them until its Job is told to go, whenever that is gone; one
        that is stopped runs until its end is noted.
        """
        return [self._container(one) for one in self._jobs(labels)]

    def _jobs(self, labels: dict[str, str]) -> list[Object]:
        wanted = {"app.kubernetes.io/component": STEP, **marks(labels)}
        found = self._cluster.find(JOB, self._place.settings.namespace, wanted).items
        return [one for one in found if _is_step(one) and not (_ended(one) and _leaving(one))]

    def _ran(self, task: Task, spec: ContainerSpec) -> Exit:
        """How the container ended, in as many pods as it took."""
        for _ in range(AGAIN):
            job = self._work.found(task.name)
            if job is None:
                self._told(spec, "sends its inputs")
                job = self._begun(task, spec)
            else:
                self._told(spec, "found in the cluster")
            going = self._work.ended(job, self._watched(task, spec))
            if going.shut is not None:
                self._shut.add(going.shut)
            if going.ended:
                return self._out(going.ended, going.said, spec)
            self._told(spec, "begins again: its pod was taken away")
            self._work.remove(task.name, but=_STAYING)
        raise StepError(
            f"The pod of the step was taken away {AGAIN} times.",
            where=f"job {task.name}",
            remedy="See `kubectl get events` for who takes it away; with checkpoints it goes on.",
        )

    def _begun(self, task: Task, spec: ContainerSpec) -> Object:
        """The Job of a step, made with all that it needs; of one that is refused nothing stays."""
        try:
            return self._work.made(objects(self._pushed(task, spec), self._place))
        except AwayError:
            raise  # nobody knows what was made
        except ClusterError:
            with suppress(ClusterError):
                if self._cluster.get(JOB, task.name, self._place.settings.namespace) is None:
                    self._clear(task, well=False)
            raise

    def _watched(self, task: Task, spec: ContainerSpec) -> Watched:
        def told(word: str) -> None:
            self._told(spec, word)

        return Watched(told, Path(spec.log), STEP, task.seconds, live=_source(spec.live, spec))

    def _out(self, ended: Exit, said: str, spec: ContainerSpec) -> Exit:
        """Where outputs go by a bucket, bring what a step left there that ended well."""
        if self._carrier and said and ended.status == 0 and not ended.timed_out:
            self._carrier.bring(Digest(said), mounts(spec))
        return ended

    def _bring(self, task: Task, spec: ContainerSpec) -> None:
        """Have the outputs sent, and put them where the caller looks for them."""
        if not task.writes or self._carrier:
            return
        job = self._work.found(task.outbound)
        if job is None:
            self._told(spec, "sends its outputs")
            job = self._work.made([sender(self._pushed(task, spec), self._place)])
        log = Path(spec.log).with_suffix(".porter.log")
        told = self._watched(task, spec).told
        going = self._work.ended(job, Watched(told, log, PORTER))
        if going.ended is None or going.ended.status != 0 or not going.said:
            raise self._unsent(task, going, log)
        bring(self._images, task.outbound, Digest(going.said), mounts(spec), self._store)
        log.unlink(missing_ok=True)

    def _unsent(self, task: Task, going: Going, log: Path) -> StepError:
        """The outputs did not come; where that is not their own fault, they are sent again."""
        if going.ended and going.ended.status == DataError.exit_code:
            self._clear(task, well=False)
        else:
            self._work.drop(task.outbound)
        return StepError(
            f"The outputs of the step could not be sent: {going.said or 'it says no more'}",
            where=str(log),
            remedy="See that pods reach the registry, and that push_secret may push there; then "
            "run `sealift train` again: what the step wrote is still in the cluster.",
        )

    def _clear(self, task: Task, *, well: bool) -> None:
        """Take away what is no longer wanted; checkpoints of a step that failed are."""
        lasting = any(one.lasting for one in task.mounts)
        staying = _STAYING if lasting and not well else frozenset()
        self._work.remove(task.name, but=staying)
        if well and lasting and self._carrier and KEY in task.note.labels:
            self._carrier.drop(task.note.labels[KEY])

    def _task(self, spec: ContainerSpec, timeout: float | None) -> Task:
        """What is known of a container before anything is sent anywhere."""
        configured = configuration(self._store, spec.image)
        return Task(
            name=_name(spec),
            project=self._project,
            image="",
            porter="",
            python=self._python,
            repository="",
            plain=self._images.access.network.speaks_plain(self._images.place.server),
            architecture=text(configured, "architecture"),
            argv=spec.argv,
            env=environment(
                of_image(self._store, spec.image), msgspec.structs.replace(spec, secrets={})
            ),
            secrets=spec.secrets,
            mounts=tuple(mounts(spec)),
            scratch=spec.scratch,
            wanted=spec.wanted,
            workdir=spec.workdir,
            hostname=spec.hostname,
            network=spec.network == "host",
            cpus=spec.cpus,
            memory=spec.memory,
            gpus=_cards(spec),
            seconds=timeout,
            note=Note(name=spec.name, image=spec.image, labels=spec.labels),
            live=spec.live,
        )

    def _pushed(self, task: Task, spec: ContainerSpec) -> Task:
        """The same, with its images in the registry, and its inputs there or in the bucket."""
        images = self._images
        image = images.pushed(spec.image)
        if self._carrier:
            trees = self._carrier.sent(mounts(spec))
            porter = images.pushed(images.porter) if task.mounts else ""
            return msgspec.structs.replace(task, image=image, porter=porter, trees=trees)
        return msgspec.structs.replace(
            task,
            image=image,
            porter=images.pushed(images.laden(spec)) if task.mounts else "",
            repository=str(images.outputs(task.outbound)),
        )

    def _container(self, job: Object) -> Container:
        note = msgspec.json.decode(text(job, "metadata", "annotations", NOTE), type=Note)
        return Container(
            id=text(job, "metadata", "uid"),
            name=note.name,
            engine=self.name,
            image=note.image,
            labels=note.labels,
            running=not _ended(job),
            started=instant(job, "metadata", "creationTimestamp"),
        )

    def _told(self, spec: ContainerSpec, word: str) -> None:
        self._progress.step(spec.labels.get("sealift.step", spec.name), word)


_STAYING = frozenset({"PersistentVolumeClaim"})


def _name(spec: ContainerSpec) -> str:
    """The name of a container's Job: the same for what is made of the same in the same place."""
    project = spec.labels.get("sealift.project", "")
    made: Json = [project, spec.labels[KEY]] if KEY in spec.labels else _essence(spec)
    slug = _slug(spec.labels.get("sealift.step", spec.name))[:40].strip("-")
    return f"{slug or 'step'}-{of_json(made)[7:19]}"


def _source(path: str, spec: ContainerSpec) -> Path | None:
    """Where a path of the container is here."""
    for one in mounts(spec):
        if path.startswith(f"{one.target}/"):
            return Path(one.source) / path[len(one.target) + 1 :]
    return None


def _is_step(job: Object) -> bool:
    """Whether this is a step's own Job, not the one that sends its outputs."""
    return text(job, "metadata", "labels", JOB_LABEL) == text(job, "metadata", "name")


def _ended(job: Object) -> bool:
    """Whether its program runs no more."""
    return any(condition(job, kind).get("status") == "True" for kind in ("Complete", "Failed"))


def _leaving(job: Object) -> bool:
    """Whether it was told to go, and goes after its pod."""
    return bool(text(job, "metadata", "deletionTimestamp"))


def _essence(spec: ContainerSpec) -> Json:
    secret: Json = dict.fromkeys(spec.secrets, "")
    return {**msgspec.to_builtins(spec), "secrets": secret}


def _slug(name: str) -> str:
    """A name as a part of an object's.

    >>> _slug("train[depth=4]")
    'train-depth-4'
    """
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:63].strip("-")


def _cards(spec: ContainerSpec) -> int:
    if spec.gpus == "all":
        raise MachineError(
            "A cluster cannot be asked for all cards of a machine.",
            where=f"step {spec.labels.get('sealift.step', spec.name)}",
            remedy="Say how many: gpus = 8, for example.",
        )
    return spec.gpus


__all__ = ["AGAIN", "KubernetesJobs"]
