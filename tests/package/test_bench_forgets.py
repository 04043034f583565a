"""What the benchmarks call a cold build is one."""

from test_images import builder

from benchmarks.package.ours import Ours
from benchmarks.package.soundness import faults


def test_a_forgotten_image_is_built_anew_with_the_same_digest(world):
    """No layer is found again, and the store is whole before and after."""
    (world / "sealift.toml").write_text('name = "flights"\n')
    build, store, _ = builder(world)
    first = build.serving_image(None)
    assert faults(store.root) == []

    Ours(world).forget()

    assert faults(store.root) == []
    assert not (store.root / "index.json").exists()
    again = builder(world)[0].serving_image(None)
    assert again.digest == first.digest
    assert not any(layer.reused for layer in again.layers)
    assert Ours(world).lock == build.lock()
