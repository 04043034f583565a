"""Whatever people write and registries answer: an answer or an error of ours, never a crash."""

import contextlib
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from sealift import digest
from sealift.adapters.registries.auth import challenges
from sealift.adapters.registries.manifests import links
from sealift.adapters.registries.pull import pull
from sealift.adapters.registries.reference import parse
from sealift.adapters.registries.referrers import tag
from sealift.adapters.registries.retry import Retry, retry_after
from sealift.adapters.registries.session import Access
from sealift.errors import IntegrityError, SealiftError, UsageError
from sealift.record.image import INDEX, MANIFEST
from sealift.testing.registry import RegistryServer
from sealift.testing.store import MemoryStore

DIGESTS = st.sampled_from(["sha256:" + "0" * 64, "sha256:" + "1" * 64, "sha512:00", "../x", ""])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64) | st.text(max_size=5) | DIGESTS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["mediaType", "digest", "size", "config", "layers", "manifests", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)
MANIFESTS = st.fixed_dictionaries(
    {},
    optional={
        "schemaVersion": st.sampled_from([1, 2, "2"]),
        "mediaType": st.sampled_from([MANIFEST, INDEX, "x/y", 3]),
        "config": JSON,
        "layers": JSON,
        "manifests": JSON,
        "subject": JSON,
        "annotations": JSON,
    },
)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="abAB01./:@_-[] sha256", max_size=60) | st.text(max_size=30))
def test_any_text_is_a_reference_or_refused(text):
    """And what is one reads the same when written out."""
    with contextlib.suppress(UsageError):
        found = parse(text)
        assert parse(str(found)) == found
        assert "/../" not in f"/{found.repository}/"


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet='Basicer =",\\realm:/ x²5', max_size=60) | st.text(max_size=30))
def test_any_header_is_read(text):
    """Challenges, and the wish to be asked later."""
    for one in challenges([text]):
        assert one.scheme == one.scheme.lower()
    assert (retry_after(text, 0.0) or 0.0) >= 0.0


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=40) | st.just(b"[]"))
def test_any_bytes_are_a_manifest_or_refused(content):
    """With the error for content that is not what it claims."""
    with contextlib.suppress(IntegrityError):
        links(content, "here")


def test_any_manifest_of_a_registry_is_pulled_or_refused(tmp_path):
    """Nothing that it says makes a pull crash, loop or write outside of the store."""
    access = Access(retry=Retry(attempts=1))
    with RegistryServer() as server:

        @settings(max_examples=60, deadline=None)
        @given(MANIFESTS, MANIFESTS)
        def told(manifest, listing):
            store = MemoryStore(tmp_path)
            server.manifests.clear()
            for name, value in (("1", manifest), (tag("sha256:" + "0" * 64), listing)):
                content = json.dumps(value).encode()
                address = digest.of_bytes(content)
                server.manifests["m", address] = (content, str(value.get("mediaType", MANIFEST)))
                server.tags["m", name] = address
            with contextlib.suppress(SealiftError):
                pull(f"{server.host}/m:1", store, access=access)

        server.faults.referrers = False
        told()
    assert {path.name for path in tmp_path.iterdir()} <= {"partial"}
