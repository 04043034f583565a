"""The route against the schema of Gateway API, from a package of npm that holds it as JSON."""

import json
import subprocess
import tarfile

import jsonschema
import pytest
from test_manifests import BROUGHT, place, served

from sealift.kubernetes.route import route
from sealift.record.environment import GatewaySettings

PACKAGE = "@kubernetes-models/gateway-api@0.5.1"
MEMBER = "package/gateway.networking.k8s.io/v1/HTTPRoute.js"
GATEWAY = GatewaySettings(name="public", namespace="edge", hosts=["*.example.com"])
FORMS = [
    [(served(), 1000)],
    [(served(version=2), 900), (served(), 100)],
    [(served(own=False, launch=BROUGHT), 1000)],
    [],
]


def closed(schema):
    """A schema that takes no field that it does not name, as the cluster takes none."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: closed(value) for key, value in schema.items()}
    if made.get("type") == "object" and "properties" in made:
        made.setdefault("additionalProperties", False)
    return made


def told(schema, one):
    """What the schema has against an object."""
    return [error.message for error in jsonschema.Draft7Validator(schema).iter_errors(one)]


@pytest.mark.network
def test_the_route_is_valid(tmp_path):
    """In every form; one that is damaged is not, so that the schema says something."""
    packed = subprocess.run(
        ["npm", "pack", "--silent", PACKAGE], cwd=tmp_path, capture_output=True, check=False
    )
    assert packed.returncode == 0, packed.stderr.decode()
    name = packed.stdout.decode().strip().splitlines()[-1]
    with tarfile.open(tmp_path / name) as archive:
        text = archive.extractfile(MEMBER).read().decode()
    start = text.index("schema = {") + len("schema = ")
    schema = closed(json.JSONDecoder().raw_decode(text, start)[0])
    schema["properties"]["metadata"] = {}  # in a file of its own, and checked elsewhere

    for shares in FORMS:
        for gateway in (GATEWAY, GatewaySettings(name="public")):
            for echo in (False, True):
                one = route("delays", shares, gateway, place(), 7, echo=echo)
                assert told(schema, one) == []
    damaged = route("delays", FORMS[0], GATEWAY, place(), 7)
    damaged["spec"]["rules"][0]["wieght"] = 1
    damaged["spec"]["rules"][0]["backendRefs"][0]["port"] = 0
    assert len(told(schema, damaged)) == 2
