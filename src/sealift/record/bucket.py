"""A bucket of objects, and how its server is reached."""

from __future__ import annotations

import msgspec


class BucketPlace(msgspec.Struct, frozen=True, kw_only=True):
    """A bucket of the S3 protocol, such as ``s3://steps/team``; its keys are no part of it.

    Without an ``endpoint`` it is where the variables AWS_ENDPOINT_URL say, else AWS's own; without
    a ``region`` as AWS_REGION says. With ``path_style`` the bucket's name stands in the path of a
    request, else before the host's.
    """

    address: str
    endpoint: str = ""
    region: str = ""
    path_style: bool = True


__all__ = ["BucketPlace"]
