"""What Sealift needs of a cluster; the port ``Cluster``, beside the kinds that it speaks of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from sealift.kubernetes.kinds import Change, Kind, Listing
from sealift.kubernetes.objects import Object


class Cluster(Protocol):
    """Holds objects of Kubernetes, and tells of changes; all methods raise ``ClusterError``."""

    @property
    def address(self) -> str:
        """Where it answers, and as which context."""
        ...

    def apply(self, one: Object, *, force: bool = False) -> Object:
        """Make an object have these fields, and those set so before no longer; what it is now.

        Raises ``ConflictError`` where somebody else set one of them otherwise, unless ``force``;
        and where a ``resourceVersion`` is given and the object has another one by now.
        """
        ...

    def get(self, kind: Kind, name: str, namespace: str) -> Object | None:
        """One object; None where there is none."""
        ...

    def find(self, kind: Kind, namespace: str, labels: Mapping[str, str]) -> Listing:
        """The objects of a namespace that have all these labels."""
        ...

    def delete(self, one: Object) -> None:
        """Have an object removed with all that it owns; it may take its time to go.

        Nothing happens where it is gone, or another one has its name by now.
        """
        ...

    def watch(
        self, kind: Kind, namespace: str, labels: Mapping[str, str], *, since: str, seconds: int
    ) -> Iterator[Change]:
        """What changes from a version on, for so many seconds; it may end before that.

        Who goes on from the version of the last change misses nothing.
        """
        ...

    def follow(self, pod: str, namespace: str, *, container: str, since: str) -> Iterator[bytes]:
        """The lines of a log from a second on, each after its time, to the container's end.

        Raises ``AwayError`` where it breaks off, or is silent for a while.
        """
        ...

    def events(self, one: Object) -> tuple[Object, ...]:
        """What the cluster noted of an object lately."""
        ...

    def logs(self, pod: str, namespace: str, *, previous: bool, lines: int) -> str:
        """The last lines of a pod's container, or of the one before it was started again."""
        ...

    def fetch(
        self, pod: str, namespace: str, port: int, path: str, headers: Mapping[str, str]
    ) -> bytes:
        """What a pod answers to a GET, by way of the cluster; ``AwayError`` where it does not."""
        ...


__all__ = ["Cluster"]
