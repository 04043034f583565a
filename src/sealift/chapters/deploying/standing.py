"""What of a project is in a cluster: its versions, how they are, and where requests go."""

from __future__ import annotations

import msgspec

from sealift.chapters import compiling
from sealift.chapters.deploying import noted
from sealift.chapters.deploying.waiting import standing_of
from sealift.errors import KindError
from sealift.kubernetes.kinds import DEPLOYMENT, ROUTE
from sealift.kubernetes.objects import Object, service_labels
from sealift.kubernetes.reading import entries, part, text
from sealift.kubernetes.routing import accepted, refused, weights
from sealift.ports import Cluster
from sealift.record.release import Release
from sealift.wiring import Wired


class Deployed(msgspec.Struct, frozen=True, kw_only=True):
    """A version in a cluster; ``weight`` is its part of the requests in 1000, if there is a route.

    ``trouble`` says what keeps its servers from being ready, and is empty else.
    """

    model: int
    name: str
    image: str
    ready: int
    wanted: int
    weight: int
    trouble: str


class There(msgspec.Struct, frozen=True, kw_only=True):
    """A service in a cluster; ``route`` says how its route is.

    ``release`` is the last one that moved requests, as the route or the ledger here tells it;
    ``holder`` who moved them.
    """

    environment: str
    cluster: str
    namespace: str
    versions: tuple[Deployed, ...]
    route: str
    hosts: tuple[str, ...]
    release: Release | None = None
    holder: str = ""


def status(wired: Wired, environment: str) -> There:
    """What of a project is in the cluster of an environment. Raises ``ClusterError``."""
    place = compiling.placed(wired, environment)
    service, namespace = wired.project.name, place.settings.namespace
    with wired.cluster(place.settings.context) as cluster:
        try:
            route = cluster.get(ROUTE, service, namespace) or {}
        except KindError:
            route = {}
        shares = weights(route)
        hosts = part(route, "spec", "hostnames")
        return There(
            environment=place.name,
            cluster=cluster.address,
            namespace=namespace,
            versions=_versions(cluster, service, namespace, shares),
            route=_told(route),
            hosts=tuple(map(str, hosts)) if isinstance(hosts, list) else (),
            release=_release(wired, route),
            holder=noted.holder(route),
        )


def _release(wired: Wired, route: Object) -> Release | None:
    """The release that the route tells of; as the ledger here knows it, where that knows more."""
    there = noted.noted(route)
    if there is None:
        return None
    ours = [one for one in wired.ledger.all(Release) if one.id == there.id]
    return there if not ours or noted.later(there, ours[0]) else ours[0]


def _versions(
    cluster: Cluster, service: str, namespace: str, shares: dict[str, int]
) -> tuple[Deployed, ...]:
    found = []
    whole = sum(shares.values()) or 1
    for one in cluster.find(DEPLOYMENT, namespace, service_labels(service)).items:
        standing, _ = standing_of(cluster, one)
        name = text(one, "metadata", "name")
        servers = entries(one, "spec", "template", "spec", "containers")
        found.append(
            Deployed(
                model=int(text(one, "metadata", "labels", "sealift.version") or 0),
                name=name,
                image=text(servers[0], "image") if servers else "",
                ready=standing.ready,
                wanted=standing.wanted,
                weight=round(1000 * shares.get(name, 0) / whole),
                trouble=standing.trouble.what if standing.trouble else "",
            )
        )
    return tuple(sorted(found, key=lambda one: one.model))


def _told(route: Object) -> str:
    if not route:
        return "none"
    if found := refused(route):
        return found.what
    return "in force" if accepted(route) else "not taken by the gateway yet"


__all__ = ["Deployed", "There", "status"]
