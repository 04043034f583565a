"""``sealift keys``: what a person does with keys, from the command line."""

FIRST = "-----BEGIN PUBLIC KEY-----"


def test_keys_are_made_exported_trusted_and_distrusted(tiny, tmp_path):
    """Between two projects, by files; nothing secret is in any answer."""
    assert tiny("keys", "list", "--json").value == []
    assert tiny("keys", "export").code == 10
    made = tiny("keys", "make", "--json").value
    name, file = made["key"]["fingerprint"], tmp_path / "ours.pub"
    assert (made["made"], made["before"]) == (True, None)

    assert tiny("keys", "export", str(file), "--json").value["fingerprint"] == name
    assert file.read_text() == tiny("keys", "export").answer
    assert file.read_text().startswith(FIRST)

    replaced = tiny("keys", "make", "--replace", "--json").value
    assert replaced["before"]["fingerprint"] == name
    assert tiny("keys", "trust", str(file), "--json").value["new"] is False
    listed = tiny("keys", "list", "--json").value
    assert [one["role"] for one in listed] == ["own", "trusted"]
    assert tiny("keys", "distrust", name[:12]).code == 0
    assert tiny("keys", "trust", str(file), "--json").value["new"] is True
    for words in (("list",), ("make",)):
        assert "PRIVATE" not in tiny("keys", *words).answer


def test_a_password_is_taken_from_the_environment(tiny):
    """Listing and exporting need none; what is wrong is said, not the password."""
    made = tiny("keys", "make", "--json", SEALIFT_KEY_PASSWORD="hunter2").value

    assert made["key"]["encrypted"]
    assert tiny("keys", "list", "--json").value == [made["key"]]
    assert tiny("keys", "export").answer.startswith(FIRST)
    (tiny.folder / ".sealift" / "keys" / "key.pub").unlink()
    assert "no password is given" in tiny("keys", "list").talk
    wrong = tiny("keys", "list", SEALIFT_KEY_PASSWORD="hunter3")
    assert (wrong.code, "does not open" in wrong.talk) == (4, True)
    assert "hunter" not in wrong.talk + wrong.answer


def test_what_is_no_public_key_is_refused_with_what_to_do(tiny, tmp_path):
    """A private key, a missing file, a file without end and an empty stream."""
    tiny("keys", "make")
    private = tiny("keys", "trust", str(tiny.folder / ".sealift" / "keys" / "key.pem"))
    assert private.code == 2
    assert "PRIVATE key" in private.talk
    assert "next:" in private.talk
    for file, code in (
        (str(tmp_path / "absent"), 4),
        ("/dev/zero", 2),
        ("-", 2),
    ):
        said = tiny("keys", "trust", file)
        assert said.code == code, file
        assert "error:" in said.talk
    assert len(tiny("keys", "list", "--json").value) == 1
