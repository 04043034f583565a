"""What the user writes of images: the table ``[image]`` of ``sealift.toml``."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from sealift.record.lock import Accelerator
from sealift.record.section import Section, Text

DebianName = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9][a-z0-9+.-]+$",
        extra={"write": "the name of a Debian package, such as 'libgl1'"},
    ),
]
"""The name of a Debian package (Debian Policy 5.6.1)."""

PackageName = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$",
        extra={
            "write": "the name of a package, such as 'treelib'; its version is chosen by the "
            "requirements"
        },
    ),
]
"""The name of a package of an index (PyPA, "Names")."""

Platform = Literal["linux/amd64", "linux/arm64"]
"""What an image runs on, in the words of OCI: system and architecture."""


class Interpreter(Section, frozen=True):
    """An interpreter from an archive, for one platform."""

    archive: Annotated[
        str,
        Meta(
            min_length=1,
            description="The archive: a file, relative to the project's folder, or an address "
            "that begins with https://.",
            extra={
                "write": "a file or an address, such as "
                "'cpython-3.13.9-x86_64-unknown-linux-gnu-install_only.tar.gz'"
            },
        ),
    ]
    sha256: Annotated[
        str,
        Meta(
            pattern=r"^[0-9a-f]{64}$",
            description="Its digest, as its builders publish it.",
            extra={"write": "the 64 digits that `sha256sum` prints for it"},
        ),
    ]


class ImageSettings(Section, frozen=True):
    """What is in the images that train and serve."""

    python: Annotated[
        str,
        Meta(
            pattern=r"^3\.[0-9]{1,2}$",
            description="Version of the interpreter.",
            extra={"write": "a version such as '3.13'"},
        ),
    ] = "3.13"
    requirements: Annotated[
        Text, Meta(description="File of the packages that the steps need; locked with hashes.")
    ] = "requirements.txt"
    debian: Annotated[
        list[DebianName],
        Meta(
            description="Further Debian packages of both images, with all that these need; "
            "for shared libraries that wheels expect on the machine, such as libgl1."
        ),
    ] = field(default_factory=list)
    build: Annotated[
        list[PackageName],
        Meta(
            description="Packages that are built from their source distributions, in a container "
            "without a network; all others come as wheels."
        ),
    ] = field(default_factory=list)
    build_debian: Annotated[
        list[DebianName],
        Meta(
            description="Debian packages, such as compilers, of the images that build those; no "
            "other image has them."
        ),
    ] = field(default_factory=list)
    absent: Annotated[
        list[Text],
        Meta(
            description="File names of shared libraries that may be missing or unfit, because "
            "what needs them is never loaded."
        ),
    ] = field(default_factory=list)
    platforms: Annotated[
        list[Platform],
        Meta(
            description="What the serving image is made for: 'linux/amd64', 'linux/arm64' or both; "
            "by default this machine's platform. The steps run on this machine's."
        ),
    ] = field(default_factory=list)
    accelerators: Annotated[
        list[Accelerator],
        Meta(
            description="What computes the model where it is served: 'cpu', 'cuda' or both, each "
            "an image of its own; by default 'cpu'."
        ),
    ] = field(default_factory=list)
    bytecode: Annotated[
        bool,
        Meta(
            description="Whether serving images bring the bytecode of what a server loads at its "
            "start: without, the image is some megabytes smaller, and each start takes several "
            "times as long."
        ),
    ] = True
    suite: Annotated[str, Meta(description="Debian release that the base comes from.")] = "trixie"
    base: Annotated[
        str,
        Meta(
            description="An image to stand on instead of Debian's packages, with the interpreter: "
            "HOST/REPOSITORY:TAG, oci:FOLDER, oci-archive:FILE or docker-archive:FILE."
        ),
    ] = ""
    interpreter: Annotated[
        dict[Platform, Interpreter],
        Meta(
            description="The interpreter from an archive of python-build-standalone, or of a "
            "prefix that was packed, instead of Debian's package; one for each platform."
        ),
    ] = field(default_factory=dict)
    registry: Annotated[
        str,
        Meta(
            description="Where images are pushed: HOST/REPOSITORY; the tag is the model's version."
        ),
    ] = ""


__all__ = ["DebianName", "ImageSettings", "Interpreter", "PackageName", "Platform"]
