"""The tools of others take what is packaged: each does what people use it for."""

import json
import tarfile
import urllib.error
import urllib.request

import pytest
from interop_image import NAME

from programs import needs
from sealift import clock
from sealift.loopback import free_port

pytestmark = [pytest.mark.network, pytest.mark.engine]
PLAIN = "--tls-verify=false"
COPY = ("--insecure-policy", "copy", "--src-tls-verify=false")
LISTING = "import os; print(sorted(os.listdir('/mnt/model')))"
FILES = "['contract.json', 'golden.json', 'model.json', 'model.onnx', 'profile.json']"


def ready(port):
    """What the server says of itself, once it has certified its model."""
    for _ in range(300):
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{port}/v2/health/ready", timeout=5
            ) as it:
                return json.load(it)
        except OSError:
            clock.sleep(0.1)
    return None


def child(made, face):
    """The descriptors of a face in the index of all."""
    with made.store.open(made.faces.index.digest) as stream:
        entries = json.load(stream)["manifests"]
    return [one for one in entries if one["annotations"]["sealift.face"] == face]


def test_skopeo_sees_the_image_that_serves(made, repository, tool):
    """In the registry by platform, and in the store as it lies on the disk."""
    there = json.loads(tool("skopeo", "inspect", PLAIN, f"docker://{repository}:3"))
    config = json.loads(tool("skopeo", "inspect", "--config", PLAIN, f"docker://{repository}:3"))
    here = json.loads(tool("skopeo", "inspect", f"oci:{made.store.root}:sums:3"))

    assert there["Digest"] == made.faces.index.digest
    assert here["Digest"] == made.image.digest
    layers = [layer.digest for layer in made.manifest.layers]
    assert there["Layers"] == here["Layers"] == layers
    assert config["config"]["User"] == "65532:65532"
    assert there["Labels"]["sealift.model.version"] == "3"


def test_skopeo_sees_the_volume_by_platform(made, repository, tool):
    """The same layers for every processor."""
    seen = [
        json.loads(
            tool(
                "skopeo",
                f"--override-arch={arch}",
                "inspect",
                PLAIN,
                f"docker://{repository}:3-volume",
            )
        )
        for arch in ("amd64", "arm64")
    ]

    artifact = made.store.manifest(made.faces.model.digest)
    for one, arch in zip(seen, ("amd64", "arm64"), strict=True):
        assert one["Architecture"] == arch
        assert one["Layers"] == [layer.digest for layer in artifact.layers]


def test_skopeo_copies_everything_byte_by_byte(made, repository, tool, tmp_path):
    """The whole index with every face, into a layout of its own."""
    source, target = f"docker://{repository}:3", f"oci:{tmp_path / 'copy'}:3"

    tool("skopeo", *COPY, "--all", "--preserve-digests", source, target)

    blobs = {path.name for path in (tmp_path / "copy" / "blobs" / "sha256").iterdir()}
    named = [one["digest"] for face in ("serving", "volume", "model") for one in child(made, face)]
    assert {one[7:] for one in (made.faces.index.digest, *named)} <= blobs
    assert {layer.digest[7:] for layer in made.manifest.layers} <= blobs


def test_podman_loads_the_archive_and_runs_it(made, tool):
    """Until the server has certified itself."""
    tool("podman", "load", "--input", made.archive)
    port = free_port()
    words = ["--network=host", "--read-only", "--cap-drop=all", f"--env=SEALIFT_PORT={port}"]
    name = tool("podman", "run", "--detach", *words, NAME)

    answer = ready(port)
    logs = tool("podman", "logs", name)
    tool("podman", "rm", "--force", "--time=0", name)

    assert answer == {"ready": True}, logs
    seen = json.loads(tool("podman", "image", "inspect", NAME))[0]
    assert seen["Id"] == made.manifest.config.digest[7:]


def test_podman_pulls_the_image_and_mounts_the_volume(made, repository, tool):
    """By tags of one index each; the weights come as they are."""
    image, volume = f"{repository}:3", f"{repository}:3-volume"
    for one in (image, volume):
        tool("podman", "pull", "--quiet", PLAIN, one)

    mount = f"--mount=type=image,source={volume},destination=/mnt"
    python = ["--entrypoint=/usr/bin/python3", image, "-c"]
    listing = tool("podman", "run", "--rm", "--network=none", mount, *python, LISTING)

    assert listing == FILES
    assert (
        json.loads(tool("podman", "image", "inspect", image))[0]["Id"]
        == (made.manifest.config.digest[7:])
    )


def test_buildah_builds_upon_the_image(repository, tool, tmp_path):
    """A file more, a label, and a command inside."""
    (tmp_path / "motto").write_text("hello")

    name = tool("buildah", "from", "--quiet", PLAIN, f"docker://{repository}:3")
    tool("buildah", "copy", "--quiet", name, tmp_path / "motto", "/opt/motto")
    program = "import onnxruntime; print(open('/opt/motto').read())"
    inside = tool("buildah", "run", name, "--", "/usr/bin/python3", "-c", program)
    tool("buildah", "config", "--label", "motto=hello", name)
    tool("buildah", "commit", "--quiet", name, "localhost/sums:with-motto")

    assert inside == "hello"
    seen = json.loads(tool("buildah", "inspect", "--type=image", "localhost/sums:with-motto"))
    config = seen["OCIv1"]["config"]
    assert config["Labels"]["motto"] == "hello"
    assert config["Labels"]["sealift.model.version"] == "3"
    assert config["Entrypoint"][-1] == "serve"


def test_umoci_unpacks_the_archive(made, tool, tmp_path):
    """It reads OCI layouts; those of Debian know no zstd, and the archive has none."""
    needs("umoci")
    with tarfile.open(made.archive) as tar:
        tar.extractall(tmp_path / "layout", filter="data")

    tool("umoci", "unpack", "--rootless", "--image", f"{tmp_path / 'layout'}:3", tmp_path / "it")

    assert (tmp_path / "it" / "rootfs" / "model" / "model.onnx").read_bytes() == made.weights
    process = json.loads((tmp_path / "it" / "config.json").read_text())["process"]
    assert process["args"][-2:] == ["sealift.container", "serve"]


def test_containerd_imports_the_archive_and_runs_it(made, ctr):
    """Under the name that is in it, until the server has certified itself."""
    port = free_port()
    ctr("images", "import", made.archive)
    env = f"--env=SEALIFT_PORT={port}"

    ctr("run", "--detach", "--net-host", "--read-only", env, NAME, "sums")
    answer = ready(port)
    ctr("tasks", "kill", "--signal=SIGKILL", "sums")
    for _ in range(100):
        if "STOPPED" in ctr("tasks", "list"):
            break
        clock.sleep(0.05)
    ctr("tasks", "delete", "sums", check=False)
    ctr("containers", "delete", "sums", check=False)

    assert answer == {"ready": True}


def test_containerd_pulls_by_platform_and_mounts_the_volume(made, repository, ctr, tmp_path):
    """The index gives what runs; the volume holds the very bytes of the weights."""
    for tag in ("3", "3-volume"):
        ctr("images", "pull", "--plain-http", f"{repository}:{tag}")
    place = tmp_path / "mounted"
    place.mkdir()

    ctr("images", "mount", f"{repository}:3-volume", place)
    found = (place / "model" / "model.onnx").read_bytes()
    ctr("images", "unmount", place)

    assert found == made.weights
    assert made.faces.index.digest in ctr("images", "list")
    pulled = ctr("content", "list", "--quiet").split()
    assert child(made, "serving")[0]["digest"] in pulled
    assert made.faces.model.digest not in pulled
