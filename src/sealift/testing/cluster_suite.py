"""What every cluster does. An adapter joins with a class and one fixture:

class TestKubernetes(ClusterSuite):
    @pytest.fixture
    def bench(self): return ClusterBench(cluster=..., other=..., namespace=...)
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from sealift import clock
from sealift.errors import ClusterError, ConflictError
from sealift.kubernetes.kinds import Kind
from sealift.kubernetes.objects import Object
from sealift.kubernetes.reading import entries, managers, part, text
from sealift.ports import Cluster
from sealift.types import Json

MAP = Kind("v1", "ConfigMap")
ADDRESS = Kind("v1", "Service")
RULES = Kind("networking.k8s.io/v1", "NetworkPolicy")
PATIENCE = 30.0


@dataclass
class ClusterBench:
    """A cluster twice, as two managers of fields; the namespace is there, and empties itself."""

    cluster: Cluster
    other: Cluster
    namespace: str

    def __post_init__(self) -> None:
        self.mark = clock.token(8)

    def made(self, name: str, data: Json, **metadata: Json) -> Object:
        """A map with labels of this bench alone."""
        labels: Json = {"sealift.test": self.mark}
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": f"{name}-{self.mark}",
                "namespace": self.namespace,
                "labels": labels,
                **metadata,
            },
            "data": data,
        }

    def another(self, kind: Kind, spec: Json) -> Object:
        """An object of another kind, with the labels of this bench."""
        bare = self.made("a", {})
        del bare["data"]
        return {**bare, "apiVersion": kind.api, "kind": kind.name, "spec": spec}

    def now(self, name: str) -> Object | None:
        """A map as it is."""
        return self.cluster.get(MAP, f"{name}-{self.mark}", self.namespace)

    def wait_for_the_end_of(self, name: str) -> None:
        """Wait until a map is gone: what is removed may go slowly."""
        ends = clock.monotonic() + PATIENCE
        while self.now(name) is not None:
            assert clock.monotonic() < ends, f"{name} is still there"
            clock.sleep(0.05)

    @property
    def labels(self) -> dict[str, str]:
        """The labels of this bench's maps."""
        return {"sealift.test": self.mark}

    def end(self) -> None:
        """Remove all that is there."""
        for kind in (MAP, ADDRESS, RULES):
            for one in self.cluster.find(kind, self.namespace, self.labels).items:
                self.cluster.delete(one)


class ClusterSuite:
    """Applying, finding, watching and removing objects."""

    def test_what_is_applied_is_there(self, bench: ClusterBench) -> None:
        """With who set it; applied again it does not change."""
        first = bench.cluster.apply(bench.made("a", {"x": "1"}))
        again = bench.cluster.apply(bench.made("a", {"x": "1"}))
        now = bench.now("a")

        assert part(now, "data") == {"x": "1"}
        assert managers(now) == ["sealift"]
        version = text(first, "metadata", "resourceVersion")
        assert version == text(again, "metadata", "resourceVersion")
        assert bench.now("b") is None

    def test_a_field_that_is_no_longer_applied_goes(self, bench: ClusterBench) -> None:
        """Unless somebody else set it too, or alone."""
        bench.cluster.apply(bench.made("a", {"x": "1", "shared": "1", "old": "1"}))
        bench.other.apply(bench.made("a", {"shared": "1", "theirs": "1"}))
        bench.cluster.apply(bench.made("a", {"x": "2"}))

        assert part(bench.now("a"), "data") == {"x": "2", "shared": "1", "theirs": "1"}

    def test_entries_of_a_list_are_merged_by_their_keys(self, bench: ClusterBench) -> None:
        """Each manager has its own; who no longer applies one loses it alone."""
        http: Json = {"name": "http", "port": 80, "targetPort": "web"}
        more: Json = {"name": "more", "port": 81}
        theirs: Json = {"name": "theirs", "port": 82, "protocol": "TCP"}
        bench.cluster.apply(bench.another(ADDRESS, {"ports": [http, more]}))
        both = bench.other.apply(bench.another(ADDRESS, {"ports": [theirs]}))
        left = bench.cluster.apply(bench.another(ADDRESS, {"ports": [http]}))
        held = [one for one in entries(left, "metadata", "managedFields") if _of(one, "sealift")]

        names = [
            [text(one, "name") for one in entries(now, "spec", "ports")] for now in (both, left)
        ]
        assert [sorted(one) for one in names] == [["http", "more", "theirs"], ["http", "theirs"]]
        assert part(held[0], "fieldsV1", "f:spec", "f:ports") == {
            'k:{"port":80,"protocol":"TCP"}': {
                ".": {},
                "f:name": {},
                "f:port": {},
                "f:targetPort": {},
            }
        }

    def test_a_conflict_in_a_list_names_the_entry(self, bench: ClusterBench) -> None:
        """By its keys."""
        bench.other.apply(bench.another(ADDRESS, {"ports": [{"port": 80, "targetPort": "web"}]}))
        wanted = bench.another(ADDRESS, {"ports": [{"port": 80, "targetPort": "other"}]})
        told = r"'other'.*\.spec\.ports\[port=80,protocol=\"TCP\"\]\.targetPort"
        with pytest.raises(ConflictError, match=told):
            bench.cluster.apply(wanted)

    def test_a_selector_is_one_value(self, bench: ClusterBench) -> None:
        """Who sets another one sets all of it."""
        ports: Json = [{"port": 80}]
        bench.cluster.apply(bench.another(ADDRESS, {"ports": ports, "selector": {"a": "1"}}))
        with pytest.raises(ConflictError, match=r": \.spec\.selector \("):
            bench.other.apply(bench.another(ADDRESS, {"ports": ports, "selector": {"b": "1"}}))

    def test_a_list_without_entries_is_news_each_time(self, bench: ClusterBench) -> None:
        """It is not kept, so that the same object counts as changed."""
        bare: Object = {"podSelector": {}, "policyTypes": ["Egress"]}
        first, same = (bench.cluster.apply(bench.another(RULES, bare)) for _ in range(2))
        empty, again = (
            bench.cluster.apply(bench.another(RULES, {**bare, "egress": []})) for _ in range(2)
        )

        versions = [text(one, "metadata", "resourceVersion") for one in (first, same, empty, again)]
        assert versions[0] == versions[1]
        assert len(set(versions)) == 3
        assert part(again, "spec", "egress") is None

    def test_a_field_that_another_set_otherwise_is_a_conflict(self, bench: ClusterBench) -> None:
        """Which names the other and the field, and changes nothing; by force it is taken over."""
        bench.other.apply(bench.made("a", {"x": "1"}))
        with pytest.raises(ConflictError, match=r"'other'.*\.data\.x") as caught:
            bench.cluster.apply(bench.made("a", {"x": "2"}))
        kept = bench.now("a")
        taken = bench.cluster.apply(bench.made("a", {"x": "2"}), force=True)

        assert "--force-conflicts" in caught.value.remedy
        assert part(kept, "data") == {"x": "1"}
        assert part(taken, "data") == {"x": "2"}

    def test_what_changed_in_the_meantime_is_not_overwritten(self, bench: ClusterBench) -> None:
        """Compare and swap, by the version that was read."""
        read = bench.cluster.apply(bench.made("a", {"x": "1"}))
        version = text(read, "metadata", "resourceVersion")
        bench.other.apply(bench.made("a", {"y": "1"}))
        with pytest.raises(ConflictError, match="Somebody else changed it"):
            bench.cluster.apply(bench.made("a", {"x": "2"}, resourceVersion=version))

        assert part(bench.now("a"), "data") == {"x": "1", "y": "1"}

    def test_objects_are_found_by_their_labels(self, bench: ClusterBench) -> None:
        """All of them, and no other's; each says what it is."""
        for name in ("a", "b", "c"):
            bench.cluster.apply(bench.made(name, {}))
        found = bench.cluster.find(MAP, bench.namespace, bench.labels)
        none = bench.cluster.find(MAP, bench.namespace, {**bench.labels, "more": "yes"})

        names = [text(one, "metadata", "name").partition("-")[0] for one in found.items]
        assert sorted(names) == ["a", "b", "c"]
        assert {(text(one, "apiVersion"), text(one, "kind")) for one in found.items} == {
            ("v1", "ConfigMap")
        }
        assert not none.items

    def test_what_is_removed_is_gone(self, bench: ClusterBench) -> None:
        """Removing it once more does nothing, nor to another one of its name."""
        before = bench.cluster.apply(bench.made("a", {"x": "1"}))
        bench.cluster.delete(before)
        bench.wait_for_the_end_of("a")
        bench.cluster.delete(before)
        bench.cluster.apply(bench.made("a", {"x": "2"}))
        bench.cluster.delete(before)

        assert part(bench.now("a"), "data") == {"x": "2"}

    def test_one_with_a_finalizer_goes_slowly(self, bench: ClusterBench) -> None:
        """It says since when it is going, until the finalizer is taken away."""
        held = bench.cluster.apply(bench.made("a", {}, finalizers=["sealift.test/held"]))
        bench.cluster.delete(held)
        going = bench.now("a")
        bench.cluster.apply(bench.made("a", {}))
        bench.wait_for_the_end_of("a")

        assert text(going, "metadata", "deletionTimestamp")

    def test_a_watch_tells_all_that_changed(self, bench: ClusterBench) -> None:
        """From the version of a list on; who goes on from the last change misses nothing.

        What is to go after all that it owns is marked first.
        """
        start = bench.cluster.find(MAP, bench.namespace, bench.labels).version
        made = bench.cluster.apply(bench.made("a", {"x": "1"}))
        bench.cluster.apply(bench.made("a", {"x": "2"}))
        first = self._told(bench, start, 2)
        bench.cluster.delete(made)
        rest = self._told(bench, first[-1][2], 2)

        assert [(what, data) for what, data, _ in first] == [
            ("added", {"x": "1"}),
            ("modified", {"x": "2"}),
        ]
        assert [what for what, _, _ in rest] == ["modified", "deleted"]

    def _told(self, bench: ClusterBench, since: str, number: int) -> list[tuple[str, Json, str]]:
        """So many changes, bookmarks aside."""
        told: list[tuple[str, Json, str]] = []
        ends = clock.monotonic() + PATIENCE
        while len(told) < number and clock.monotonic() < ends:
            changes = bench.cluster.watch(
                MAP, bench.namespace, bench.labels, since=since, seconds=2
            )
            for one in changes:
                since = one.version
                if one.what != "bookmark":
                    told.append((one.what, part(one.item, "data"), one.version))
                if len(told) == number:
                    break
        return told

    def test_a_kind_that_is_not_there_is_named(self, bench: ClusterBench) -> None:
        """As is its API."""
        with pytest.raises(ClusterError, match=r"no Unicorn \(sealift.test/v1\)"):
            bench.cluster.get(Kind("sealift.test/v1", "Unicorn"), "a", bench.namespace)

    def test_a_namespace_that_is_not_there_is_named(self, bench: ClusterBench) -> None:
        """With how to make it."""
        one = bench.made("a", {}, namespace=f"nowhere-{bench.mark}")
        with pytest.raises(ClusterError, match=f"no namespace 'nowhere-{bench.mark}'") as caught:
            bench.cluster.apply(one)
        assert "kubectl create namespace" in caught.value.remedy

    def test_an_invalid_object_is_refused(self, bench: ClusterBench) -> None:
        """Nothing of it is kept."""
        with pytest.raises(ClusterError):
            bench.cluster.apply(bench.made("a", {"x": 1}))
        assert bench.now("a") is None


def _of(one: Object, manager: str) -> bool:
    return text(one, "manager") == manager


__all__ = ["ClusterBench", "ClusterSuite"]
