"""Images as others build them: perl from this machine, a server, and no trace of Sealift."""

import gzip
import hashlib
import io
import json
import platform
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

SERVER = Path(__file__).parent / "foreign_server.pl"
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
STATUS = """Package: perl-base
Status: install ok installed
Architecture: amd64
Source: perl
Version: 5.40.1-6
Depends: libc6

Package: removed
Status: deinstall ok config-files
Architecture: all
Version: 1
"""


def sha256(content):
    """A digest as OCI writes it."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def layer(files, links=()):
    """A plain tar of files (name to bytes or path) and symbolic links."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in sorted(files.items()):
            data = content if isinstance(content, bytes) else content.read_bytes()
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o755
            tar.addfile(entry, io.BytesIO(data))
        for name, target in links:
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            tar.addfile(entry)
    return whole.getvalue()


def system_layer():
    """Perl with the modules of its base, and what it is linked to; a file that goes again."""
    perl = Path(shutil.which("perl")).resolve()
    words = subprocess.run(["ldd", str(perl)], capture_output=True, text=True, check=True).stdout
    files = {"usr/bin/perl": perl, "var/lib/dpkg/status": STATUS.encode(), "opt/gone": b"x"}
    for library in re.findall(r"(?:=> )?(/\S+) \(0x", words):
        files[library.lstrip("/")] = Path(library).resolve()
    shown = subprocess.run(
        ["perl", "-e", 'print join "\n", grep { m(perl-base|/perl/) && -d } @INC'],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for folder in [one for one in shown.split("\n") if "perl-base" in one] or shown.split("\n"):
        for path in Path(folder).rglob("*"):
            if path.is_file() and "unicore" not in path.parts:
                files[str(path).lstrip("/")] = path
    release = b'ID=debian\nVERSION_ID="13"\nVERSION_CODENAME=trixie\n'
    return layer({**files, "usr/lib/os-release": release})


class Foreign:
    """Builds images of the perl server, with ``faults`` for its arguments."""

    def __init__(self):
        self.system = system_layer()
        self.packed = gzip.compress(self.system, 1, mtime=0)

    def parts(self, *faults, architecture=ARCHITECTURE, extra=()):
        """The blobs of an image in Docker's form, and its manifest."""
        upper = layer(
            {"srv/server.pl": SERVER, "opt/.wh.gone": b"", "var/cache/prices/.keep": b""}, extra
        )
        config = {
            "architecture": architecture,
            "os": "linux",
            "config": {
                "Entrypoint": ["/usr/bin/perl", "/srv/server.pl"],
                "Cmd": list(faults) or None,
                "Env": ["PORT=8080"],
                "ExposedPorts": {"8080/tcp": {}},
                "User": "root",
            },
            "rootfs": {"type": "layers", "diff_ids": [sha256(self.system), sha256(upper)]},
        }
        config = json.dumps(config).encode()
        blobs = [self.packed, gzip.compress(upper, 1, mtime=0)]
        manifest = {
            "schemaVersion": 2,
            "mediaType": DOCKER,
            "config": described(config, DOCKER_CONFIG),
            "layers": [described(one, DOCKER_LAYER) for one in blobs],
        }
        return json.dumps(manifest).encode(), config, [self.system, upper], blobs

    def index(self, folder, *architectures):
        """An image layout with a Docker list of images for these processors; their digests."""
        found, blobs, entries = {}, [], []
        for name in architectures:
            manifest, config, _, layers = self.parts(architecture=name)
            blobs += [manifest, config, *layers]
            entries.append(
                described(manifest, DOCKER, platform={"os": "linux", "architecture": name})
            )
            found[name] = sha256(manifest)
        content = {"schemaVersion": 2, "mediaType": DOCKER_LIST, "manifests": entries}
        listed = json.dumps(content).encode()
        write_layout(folder, [*blobs, listed], [described(listed, DOCKER_LIST)])
        return found

    def layout(self, folder, *faults, **more):
        """An image layout in a folder; the digest of the image's manifest."""
        manifest, config, _, blobs = self.parts(*faults, **more)
        write_layout(folder, [manifest, config, *blobs], [described(manifest, DOCKER)])
        return sha256(manifest)

    def archive(self, path, *faults, tag="prices:1"):
        """What `docker save` of old writes."""
        _, config, plain, _ = self.parts(*faults)
        names = [f"{number}/layer.tar" for number in range(len(plain))]
        table = [{"Config": "config.json", "RepoTags": [tag], "Layers": names}]
        files = {"manifest.json": json.dumps(table).encode(), "config.json": config}
        path.write_bytes(layer({**files, **dict(zip(names, plain, strict=True))}))


def described(content, kind, **more):
    """A descriptor."""
    return {"mediaType": kind, "digest": sha256(content), "size": len(content), **more}


def write_layout(folder, blobs, entries):
    """Write an image layout."""
    place = folder / "blobs" / "sha256"
    place.mkdir(parents=True, exist_ok=True)
    for blob in blobs:
        (place / sha256(blob).removeprefix("sha256:")).write_bytes(blob)
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    index = {"schemaVersion": 2, "manifests": entries}
    (folder / "index.json").write_text(json.dumps(index))
