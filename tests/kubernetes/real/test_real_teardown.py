"""A service is taken out of a real cluster."""

LABELS = {
    "app.kubernetes.io/component": "model-server",
    "app.kubernetes.io/managed-by": "sealift",
}


def test_a_service_is_taken_down_and_what_is_not_its_own_stays(serving, cluster):
    """Though it has the labels of Sealift's."""
    name = f"{serving.name}-others"
    cluster.stranger(name, {**LABELS, "app.kubernetes.io/name": serving.name})
    ended = serving.answer("down", "--env", "production")

    assert f"service {name}" in ended["left"]
    assert cluster.left(serving.name) == [f"Service {name}"]
