"""The packages of an image: versions, relations, alternatives, what is left out."""

import itertools

import pytest

from sealift.errors import PackageError
from sealift.package import control, resolve
from sealift.package.release import Catalogue

# from the lowest to the highest; Debian Policy 5.6.12
ASCENDING = (
    "1.0~~", "1.0~~a", "1.0~", "1.0~rc1-1", "1.0", "1.0-1~bpo1", "1.0-1", "1.0-1+b1", "1.0-2",
    "1.0-10", "1.0a", "1.0+dfsg-1", "1.0.1", "1.1", "1.10", "1:0.1", "2:0",
)  # fmt: skip


@pytest.mark.parametrize(("low", "high"), [*itertools.combinations(ASCENDING, 2)])
def test_versions_are_ordered_as_debian_orders_them(low, high):
    """Each pair of a list that is known to ascend."""
    assert control.order(low) < control.order(high)


def test_versions_that_mean_the_same_are_equal():
    """Leading zeros, epoch 0 and revision 0 do not count."""
    for same in (("1.02", "1.2"), ("0:1.0", "1.0"), ("1.0-0", "1.0")):
        assert control.order(same[0]) == control.order(same[1])


def test_a_relation_accepts_what_its_operator_says():
    """For all five."""
    versions = ("0.9", "1.0", "1.1")
    accepted = {"<<": "100", "<=": "110", "=": "010", ">=": "011", ">>": "001", "": "111"}
    for operator, expected in accepted.items():
        relation = control.Relation("x", operator, "1.0")
        assert "".join(str(int(relation.accepts(version))) for version in versions) == expected


def catalogue(*stanzas, arch="amd64"):
    """A catalogue of packages given as (name, version, further lines)."""
    made = Catalogue(arch)
    for name, version, *lines in stanzas:
        fields = [f"Package: {name}", f"Version: {version}", "Architecture: amd64", *lines]
        fields += [f"Filename: pool/{name}_{version}.deb", "SHA256: 00", "Size: 1"]
        made.add("main", "\n".join(fields))
    return made


def chosen(offers, *seeds, **how):
    """The names and versions of the closure."""
    return [f"{deb.name} {deb.version}" for deb in resolve.closure(seeds, offers, **how)]


def test_the_closure_follows_both_kinds_of_dependency_and_circles():
    """Sorted by name, each once."""
    offers = catalogue(
        ("a", "1", "Depends: c (>= 1), b", "Pre-Depends: d"),
        ("b", "1", "Depends: a"),
        ("c", "1", "Recommends: nothing"),
        ("d", "1"),
    )
    assert chosen(offers, "a") == ["a 1", "b 1", "c 1", "d 1"]


def test_the_newest_version_wins_wherever_it_comes_from():
    """Updates and security updates are further lists of the same catalogue."""
    assert chosen(catalogue(("a", "1.9"), ("a", "1.10"), ("a", "1.2")), "a") == ["a 1.10"]


def test_an_alternative_that_is_there_already_will_do():
    """Else the first that can be had, else a package that provides it."""
    offers = catalogue(
        ("a", "1", "Depends: absent | b (>= 2) | c"),
        ("b", "1"),
        ("c", "1", "Depends: virtual"),
        ("p", "1", "Provides: virtual (= 1)"),
    )
    assert chosen(offers, "a") == ["a 1", "c 1", "p 1"]
    assert chosen(offers, "b", "c", "p") == ["b 1", "c 1", "p 1"]


def test_what_a_running_image_does_not_need_is_left_out():
    """Each exclusion has its reason written beside it."""
    offers = catalogue(("a", "1", "Depends: debconf (>= 0.5) | debconf-2.0, dpkg"))
    assert chosen(offers, "a") == ["a 1"]
    assert all(len(reason) > 10 for reason in resolve.LEFT_OUT.values())


def test_a_layer_above_has_only_what_the_one_below_lacks():
    """Versions count."""
    offers = catalogue(("a", "1", "Depends: b (>= 1), c"), ("b", "1"), ("c", "1"))
    below = resolve.closure(["b"], offers)
    assert chosen(offers, "a", without=below) == ["a 1", "c 1"]


def test_a_package_that_cannot_be_had_is_named_with_who_needs_it():
    """So that a person can act."""
    with pytest.raises(PackageError, match=r"b >= 2, which a needs"):
        chosen(catalogue(("a", "1", "Depends: b (>= 2)"), ("b", "1")), "a")
    with pytest.raises(PackageError, match="the image needs"):
        chosen(catalogue(), "a")
