"""Commands with parameters: each value reaches the program as one word, as it is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealift import process
from sealift.record import command

TEXTS = st.text(
    alphabet=st.characters(min_codepoint=32, max_codepoint=126) | st.sampled_from("é\n\t"),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(TEXTS)
def test_a_value_is_literal_outside_and_inside_quotes(value):
    """The shell neither splits nor expands it, whatever characters it holds."""
    line = command.fill("printf '%s|' {x} \"{x}\" '{x}' a{x}b", {"x": value})

    assert process.run(["/bin/sh", "-c", line]).stdout.decode() == (
        f"{value}|{value}|{value}|a{value}b|"
    )


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("echo {{}}", "echo {}"),
        ("echo ${{HOME}}", "echo ${HOME}"),
        ("awk '{{print $1}}'", "awk '{print $1}'"),
        (r"echo \' {x}", r"echo \' 'a b'"),
        (r"echo '\' {x}", r"echo '\' 'a b'"),
        (r'echo "\"{x}"', r'echo "\"a b"'),
        ("echo \\{{{x}", "echo \\{'a b'"),
    ],
)
def test_doubled_braces_and_escaped_quotes_stay_what_they_are(template, filled):
    """Only parameters are replaced."""
    assert command.fill(template, {"x": "a b"}) == filled


@pytest.mark.parametrize("template", ["{", "}", "a {1x}", "{ x }", "{x", "{{{"])
def test_a_single_brace_is_refused(template):
    """It is a slip, or a brace for the shell that must be doubled."""
    with pytest.raises(ValueError, match=r"[{}]"):
        command.names(template)
