"""Where the tests on a real cluster run: what ``SEALIFT_TEST_...`` variables say of it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

REAL = os.environ.get("SEALIFT_TEST_KUBECONFIG", "")
"""The kubeconfig; empty where there is no real cluster."""
NEEDED = {
    "SEALIFT_TEST_NAMESPACE": "a namespace of the cluster for what the tests make",
    "SEALIFT_TEST_REGISTRY": "[http://]HOST[:PORT]/PATH, for this machine, the nodes and pods",
    "SEALIFT_TEST_GATEWAY": "NAMESPACE/NAME of a Gateway that takes routes of that namespace",
    "SEALIFT_TEST_DOMAIN": "a domain whose names the Gateway listens to, such as example.com",
    "SEALIFT_TEST_ADDRESS": "the URL at which this machine reaches the Gateway by HTTP",
}


class MissingError(Exception):
    """A variable is not set, or not as it must be."""


@dataclass(frozen=True)
class Place:
    """A namespace, a registry and a gateway for the tests."""

    namespace: str
    registry: str
    gateway: tuple[str, str]
    domain: str
    address: str

    @classmethod
    def named(cls, variables: Mapping[str, str]) -> "Place":
        """The place that variables name; raises ``MissingError`` with what is to be set."""
        lacking = [f"{name} ({what})" for name, what in NEEDED.items() if not variables.get(name)]
        if lacking:
            raise MissingError(f"The tests on a real cluster need {'; '.join(lacking)}.")
        namespace, registry, gateway, domain, address = (variables[name] for name in NEEDED)
        where, slash, name = gateway.partition("/")
        if not slash:
            raise MissingError(f"SEALIFT_TEST_GATEWAY is {NEEDED['SEALIFT_TEST_GATEWAY']}.")
        return cls(namespace, registry, (where, name), domain, address.rstrip("/"))

    def environment(self, project: str) -> str:
        """The part of a project file that names the place, with a host name of its own."""
        where, name = self.gateway
        plain = self.registry.startswith("http://")
        registry = self.registry.removeprefix("http://")
        open_to = [registry.partition("/")[0]] if plain else []
        return f"""
[environments.production]
engine = "kubernetes"
namespace = "{self.namespace}"
registry = "{registry}/{project}"
replicas = 2
cpus = 0.2
memory = "384MiB"
patience = 120
store = {{ size = "64MiB" }}
gateway = {{ name = "{name}", namespace = "{where}", hosts = ["{self.host(project)}"], \
address = "{self.address}" }}

[network]
insecure = {open_to}
"""

    def host(self, project: str) -> str:
        """The host name that a project's service answers to."""
        return f"{project}.{self.domain}"
