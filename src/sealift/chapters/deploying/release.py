"""A version is brought into service: its servers first, then the requests, on evidence.

Everything is applied and judged by what the cluster says: the next run goes on where one ended.
"""

from __future__ import annotations

import msgspec

from sealift.chapters import compiling, journey, versions
from sealift.chapters.deploying import noted
from sealift.chapters.deploying.driving import Driver, records
from sealift.chapters.deploying.mirror import Mirror, ensure_word
from sealift.chapters.deploying.servers import counted
from sealift.chapters.deploying.waiting import Waiter, failed, standing_of
from sealift.errors import NotFoundError, ReleaseError
from sealift.kubernetes import rollout
from sealift.kubernetes.kinds import DEPLOYMENT, ROUTE, kind_of
from sealift.kubernetes.objects import Object, Place, ours
from sealift.kubernetes.reading import text, title
from sealift.kubernetes.routing import weights
from sealift.ports import Cluster, Progress
from sealift.record.model import Model
from sealift.record.release import Release
from sealift.wiring import Wired


class Released(msgspec.Struct, frozen=True, kw_only=True):
    """How a release ended: what it did with each object, and whether requests go there now.

    ``before`` are the servers that the requests went to until then. ``release`` is its record, None
    where no requests were to be moved.
    """

    environment: str
    cluster: str
    namespace: str
    model: int
    objects: dict[str, str]
    ready: int
    wanted: int
    moved: bool
    before: tuple[str, ...] = ()
    release: Release | None = None


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """How a version is to be released.

    ``strategy`` is None for the project's. While not ``wait`` its servers are asked for and the
    requests stay where they are. With ``force`` fields that others set otherwise are taken over.
    """

    strategy: str | None = None
    comment: str = ""
    wait: bool = True
    force: bool = False


PLAIN = Wish()


def release(
    wired: Wired,
    environment: str,
    version: int | None,
    progress: Progress,
    wish: Wish = PLAIN,
) -> Released:
    """Bring a version (None: the newest) into service in an environment.

    A release of it that is in progress is gone on with. Raises ``ClusterError`` where the cluster
    refuses something, and ``ReleaseError`` where another release is in progress, as soon as it is
    sure that the servers will not be ready, and where somebody else moved the requests: they stay
    where they are then.
    """
    place = compiling.placed(wired, environment)
    objects = compiling.manifests(wired, environment, version)
    model = versions.pick(wired, version).version
    with wired.cluster(place.settings.context) as cluster:
        progress.say(f"cluster {cluster.address}, namespace {place.settings.namespace}")
        work = Work(wired, cluster, place, progress, force=wish.force)
        before = work.looked_at()
        work.require_free(model, before)
        deployment = work.servers([one for one in objects if kind_of(one) != ROUTE])
        ready = work.ready(deployment) if wish.wait else standing_of(cluster, deployment)[0]
        ended = work.moved(model, before, wish) if wish.wait else None
        return Released(
            environment=place.name,
            cluster=cluster.address,
            namespace=place.settings.namespace,
            model=model,
            objects=work.done,
            ready=ready.ready,
            wanted=ready.wanted,
            moved=work.serves(model),
            before=tuple(name for name, weight in weights(before or {}).items() if weight),
            release=ended,
        )


class Work:
    """What a release does in a cluster; ``done`` is what became of each object."""

    def __init__(
        self, wired: Wired, cluster: Cluster, place: Place, progress: Progress, *, force: bool
    ) -> None:
        self._wired = wired
        self._cluster = cluster
        self._place = place
        self._progress = progress
        self._force = force
        self._waiter = Waiter(cluster, place.settings.namespace, progress)
        self.done: dict[str, str] = {}

    def looked_at(self) -> Object | None:
        """The route as it is; raises ``ReleaseError`` at once where no gateway would take one."""
        gateway = self._place.settings.gateway
        if gateway is None:
            return None
        if found := self._waiter.gateway_trouble(gateway):
            raise failed(found)
        return self.route()

    def require_free(self, version: int, route: Object | None) -> None:
        """Bring the ledger up to date; raises ``ReleaseError`` where another release goes on."""
        busy = noted.stranger(self._wired, route)
        who = noted.holder(route)
        if busy is None:
            noted.learn(self._wired, self._place, route)
            busy = versions.in_progress(self._wired, self._place.name)
            if busy is None or busy.version == version:
                return
        by, env = f" by {who}" if who else "", self._place.name
        raise ReleaseError(
            f"Release {busy.id} of model {busy.version}{by} is in progress in {env}.",
            where=f"httproute {self._wired.project.name}",
            remedy=f"Wait for it, or end it: `sealift promote --env {env}`, or `rollback`.",
        )

    def learn(self) -> None:
        """Bring the ledger up to date."""
        noted.learn(self._wired, self._place, self.route())

    def servers(self, objects: list[Object]) -> Object:
        """Apply what makes the servers; their deployment."""
        ensure_word(self._cluster, self._place, self._wired.project.name, self._progress)
        made = {kind_of(one): self._apply(one) for one in objects}
        return made[DEPLOYMENT]

    def ready(self, deployment: Object) -> rollout.Standing:
        """Wait for the servers."""
        return self._waiter.until_ready(deployment)

    def moved(self, version: int, route: Object | None, wish: Wish) -> Release | None:
        """Move the requests to a version, by the project's plan; the record of that.

        None where no gateway is named, or they go there already.
        """
        if self._place.settings.gateway is None:
            return None
        env = self._place.name
        with self._wired.ledger.exclusive(f"release-{env}"):
            current = versions.in_progress(self._wired, env)
            if current is None:
                if versions.serving(self._wired, env) == version:
                    return None
                self._require_sight(version, wish.strategy)
                current = journey.release(
                    self._wired,
                    version,
                    strategy=wish.strategy,
                    comment=wish.comment,
                    environment=env,
                )
            told = f"release {current.id}: model {current.version}, {current.plan.strategy}"
            self._progress.say(told)
            return self.drive(current, route)

    def _require_sight(self, version: int, strategy: str | None) -> None:
        """Raises ``ReleaseError`` where what is guarded could never be seen from here."""
        before = versions.serving(self._wired, self._place.name)
        if before is None or (strategy or self._wired.project.release.strategy) != "canary":
            return
        for one in self._wired.ledger.all(Model):
            if one.version in (version, before) and one.origin is not None:
                raise ReleaseError(
                    f"Model {one.version} was brought in: its server does not count requests by "
                    "their route, so that a canary in a cluster would see nothing.",
                    where=self._place.name,
                    remedy="Release with --strategy blue-green.",
                )
        self._require_counts(version, before)
        guards = set(self._wired.project.release.guard) - set(journey.SEEN_BY_ROUTER)
        folder = records(self._wired, self._place)
        seen = Mirror(self._cluster, self._place, self._wired.project.name, folder).able
        if guards and not seen:
            raise ReleaseError(
                f"Predictions cannot be read in {self._place.name}, so that "
                f"{' and '.join(sorted(guards))} can never be shown to be well.",
                where="[release.guard]",
                remedy="Have a Role that allows to get and patch Secrets there, or remove them.",
            )

    def _require_counts(self, *of: int) -> None:
        """Raises ``ReleaseError`` where servers are of a Sealift that does not count by route."""
        for version in of:
            if counted(self._cluster, self._place, self._wired.project.name, version):
                continue
            env = self._place.name
            raise ReleaseError(
                f"The image of model {version} is of an older Sealift, whose servers do not count "
                "requests by their route: a canary would never be decided.",
                where=env,
                remedy="Release with --strategy blue-green; or make its image anew first: "
                f"`sealift package --push`, `check` and `release --env {env}`, each with "
                f"--model {version}.",
            )

    def drive(self, one: Release, route: Object | None) -> Release:
        """Carry a release out from where it is; ``route`` is the one that was looked at."""
        driver = Driver(self._wired, self._cluster, self._place, self._progress, one, self._bring)
        return driver.run(route)

    def serves(self, version: int) -> bool:
        """Whether a version gets all requests of the gateway."""
        if self._place.settings.gateway is None:
            return False
        now = {name for name, weight in weights(self.route() or {}).items() if weight}
        return now == {f"{self._wired.project.name}-v{version}"}

    def route(self) -> Object | None:
        """The route as it is now."""
        name, namespace = self._wired.project.name, self._place.settings.namespace
        return self._cluster.get(ROUTE, name, namespace)

    def _bring(self, version: int) -> Object:
        """The servers of a version whose Deployment is gone, anew."""
        try:
            objects = compiling.manifests(self._wired, self._place.name, version)
        except NotFoundError as error:
            raise ReleaseError(
                f"The servers of model {version} are gone, and it is not known here.",
                where=self._place.name,
                remedy="Release another model there.",
            ) from error
        return self.servers([one for one in objects if kind_of(one) != ROUTE])

    def _apply(self, one: Object) -> Object:
        """Apply an object, and tell whether that made or changed it."""
        before = self._get(one)
        if before is not None and not ours(before):
            raise ReleaseError(
                f"There is a {text(one, 'kind')} of this name already that is not Sealift's.",
                where=title(one),
                remedy="Remove it or name it otherwise, or name another namespace.",
            )
        wanted = rollout.numbered(one, before) if kind_of(one) == DEPLOYMENT else one
        after = self._cluster.apply(wanted, force=self._force)
        same = before is not None and _version(before) == _version(after)
        word = "created" if before is None else "unchanged" if same else "changed"
        self.done[title(one)] = word
        self._progress.step(title(one), word)
        return after

    def _get(self, one: Object) -> Object | None:
        name = text(one, "metadata", "name")
        return self._cluster.get(kind_of(one), name, self._place.settings.namespace)


def _version(one: Object) -> str:
    return text(one, "metadata", "resourceVersion")


__all__ = ["PLAIN", "Released", "Wish", "Work", "release"]
