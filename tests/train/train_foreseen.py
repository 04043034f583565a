"""What the next run of the small project would do."""

from sealift import clock
from sealift.data.snapshot import Files
from sealift.record.image import Image
from sealift.record.parse import parse
from sealift.train.foresee import foresee


def ahead(small, **params):
    """What the next run would do, by step."""
    small.write("sealift.toml", small.text)
    image = Image(
        digest=small.image, platform="linux/amd64", layers=(), lock=None, model=None,
        created=clock.now(),
    )  # fmt: skip
    found = foresee(
        parse(small.text, where="sealift.toml"),
        small.folders,
        engine=small.engine,
        store=small.store,
        ledger=small.ledger,
        lake=Files(small.root),
        image=image,
        images=small.images,
        shared=small.cache,
        params=params,
    )
    return {one.name: one for one in found}
