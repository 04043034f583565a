"""The address that a server listens on."""

import os
import socket
import subprocess
import sys

import pytest

from sealift import loopback
from sealift.errors import MachineError, UsageError
from sealift.serve import listening


def test_an_address_is_one_as_it_is_written():
    """Of this machine, with a free port."""
    with listening.claim("127.0.0.1", 0) as claimed:
        assert claimed.getsockname()[1] > 0


def test_a_port_has_one_server():
    """Also before that one listens, and though its workers share it; then the next may have it."""
    with listening.claim("127.0.0.1", 0) as claimed:
        port = claimed.getsockname()[1]
        with pytest.raises(MachineError, match="Address already in use") as refused:
            listening.claim("127.0.0.1", port, "SEALIFT_GRPC_PORT")
        assert "SEALIFT_GRPC_PORT" in refused.value.remedy
        for worker in (
            *listening.bound("127.0.0.1", [port]),
            *listening.bound("127.0.0.1", [port]),
        ):
            with worker:
                worker.listen()
                with pytest.raises(MachineError):
                    listening.claim("127.0.0.1", port)
    listening.claim("127.0.0.1", port).close()


def test_a_port_whose_last_clients_have_just_gone_can_be_had():
    """Connections that this end closed first stand in the way of nobody (TIME_WAIT)."""
    with listening.claim("127.0.0.1", 0) as claimed:
        address = claimed.getsockname()
        (worker,) = listening.bound("127.0.0.1", address[1:])
        with worker:
            worker.listen()
            with socket.create_connection(address) as client:
                worker.accept()[0].close()
                assert client.recv(1) == b""
    listening.claim(*address).close()


def test_two_services_of_a_server_are_not_given_one_port(tensor_folder):
    """Half of the clients of either would be told things that they do not understand."""
    port = loopback.free_port()
    env = {"SEALIFT_PORT": str(port), "SEALIFT_GRPC_PORT": str(port)}
    done = subprocess.run(
        [sys.executable, "-m", "sealift.container", "serve", tensor_folder],
        env=os.environ | env, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "SEALIFT_GRPC_PORT" in done.stdout + done.stderr


@pytest.mark.parametrize(
    "host", ["localhost", "127.1", "010.0.0.1", "127.0.0.1%lo", "::g", "\udcff"]
)
def test_what_is_no_address_is_refused(host):
    """Nothing is looked up, and no short form is guessed at."""
    with pytest.raises(UsageError, match="SEALIFT_HOST must be an IP address"):
        listening.claim(host, 0)
