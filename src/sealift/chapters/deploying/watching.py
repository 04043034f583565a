"""What happened in an environment since it was last looked at, brought here."""

from __future__ import annotations

from sealift.adapters.routers.gateway import GatewayRouter
from sealift.chapters import compiling
from sealift.chapters.deploying import noted
from sealift.chapters.deploying.driving import MANY, collector, records
from sealift.chapters.deploying.mirror import Mirror
from sealift.errors import UsageError
from sealift.kubernetes.kinds import ROUTE
from sealift.ports import Observations, Progress
from sealift.wiring import Wired


def collect(wired: Wired, environment: str, progress: Progress) -> Observations:
    """Read what the servers counted and recorded; the observations of the environment.

    Raises ``UsageError`` where no gateway is named: requests belong to no release then.
    """
    place = compiling.placed(wired, environment)
    if place.settings.gateway is None:
        raise UsageError(
            "Without a gateway it is not seen which version gets which requests.",
            where=f"sealift.toml: [environments.{place.name}]",
            remedy="Name a gateway there.",
        )
    seen = wired.seen_in(place.name)
    service = wired.project.name
    with wired.cluster(place.settings.context) as cluster:
        noted.learn(wired, place, cluster.get(ROUTE, service, place.settings.namespace))
        router = GatewayRouter(cluster, place, service, progress, notes=dict, settle=lambda _: None)
        reading = collector(wired, place, router, seen)
        Mirror(cluster, place, service, records(wired, place)).tick()
        while reading.tick() >= MANY:
            pass
    return seen


__all__ = ["collect"]
