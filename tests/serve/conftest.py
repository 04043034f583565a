"""Models that were learnt from their tables, and servers of them, one of each a worker."""

import pytest
import toy_models as models
import toy_peers as peers
import toy_running as running
from toy_running import build


@pytest.fixture(scope="session")
def columns_folder(tmp_path_factory):
    """A regression with one input a column: text, whole number, float with nulls, truth."""
    return build(
        tmp_path_factory.mktemp("columns"),
        models.columns_model,
        models.columns_table,
        target="delay",
        ignore=["tail"],
        fields={"distance": {"maximum": 5000}},
    )


@pytest.fixture(scope="session")
def tensor_folder(tmp_path_factory):
    """A regression with one tensor."""
    return build(
        tmp_path_factory.mktemp("tensor"), models.tensor_model, models.tensor_table, target="y"
    )


@pytest.fixture(scope="session")
def classes_folder(tmp_path_factory):
    """A classification with one tensor and probabilities."""
    return build(
        tmp_path_factory.mktemp("classes"),
        models.classes_model,
        models.classes_table,
        target="kind",
        task="classification",
    )


def served(folder, tmp_path_factory, **settings):
    """A running server of a model folder."""
    scratch = tmp_path_factory.mktemp("served")
    return running.Running(folder, scratch / "log", records=scratch / "records", **settings)


@pytest.fixture(scope="session")
def columns_server(columns_folder, tmp_path_factory):
    """A server that many tests ask."""
    with served(columns_folder, tmp_path_factory, grpc=True) as server:
        yield server.ready()


@pytest.fixture(scope="session")
def tensor_server(tensor_folder, tmp_path_factory):
    """A server that many tests ask."""
    with served(tensor_folder, tmp_path_factory, grpc=True) as server:
        yield server.ready()


@pytest.fixture(scope="session")
def classes_server(classes_folder, tmp_path_factory):
    """A server that many tests ask."""
    with served(classes_folder, tmp_path_factory, grpc=True) as server:
        yield server.ready()


@pytest.fixture(scope="session")
def simple_server(tmp_path_factory):
    """Two tensors of sixteen whole numbers each, to be loaded and unloaded by clients."""
    folder = peers.simple(tmp_path_factory.mktemp("simple"))
    with served(folder, tmp_path_factory, grpc=True, SEALIFT_MODEL_CONTROL="explicit") as server:
        yield server.ready()


@pytest.fixture(scope="session")
def texts_server(tmp_path_factory):
    """A tensor of sixteen texts that comes back."""
    folder = peers.simple_identity(tmp_path_factory.mktemp("texts"))
    with served(folder, tmp_path_factory, grpc=True) as server:
        yield server.ready()
