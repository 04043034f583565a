"""Images that are checked where they lie: those that cannot be say why."""

import pytest

from sealift.chapters.proving import check_place
from sealift.errors import CheckError, NotFoundError


def test_an_image_of_others_is_no_model_of_ours(newcomer):
    """It came into the store, and what it lacks is named."""
    place, digest = newcomer.image()

    with pytest.raises(CheckError, match="holds no model") as caught:
        check_place(newcomer.wired, place, progress=newcomer.progress)

    assert newcomer.wired.store.has(digest)
    assert caught.value.where == "/model/contract.json"


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("sha256:" + "0" * 64, "no such image in the store"),
        ("oci:nowhere", "no such file or folder"),
    ],
)
def test_an_image_that_is_not_there_is_said(newcomer, place, words):
    """With what to write instead."""
    with pytest.raises(NotFoundError, match=words) as caught:
        check_place(newcomer.wired, place, progress=newcomer.progress)

    assert caught.value.remedy
