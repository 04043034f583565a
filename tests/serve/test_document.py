"""The OpenAPI document and the page made from it."""

import re

import jsonschema
import pytest

from sealift.serve.page import PAGE

GOOD = {"carrier": "UA", "hour": 9, "distance": 100.0, "holiday": False}


@pytest.fixture(scope="module")
def document(columns_server):
    """The document of the model with one input a column."""
    answer = columns_server.client.get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def schema(document, name):
    """A validator of one of its schemas."""
    whole = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    return jsonschema.Draft202012Validator(whole)


def test_the_document_tells_the_contract(document):
    """Types, bounds, what the training data held, and a row that can be sent."""
    assert document["openapi"] == "3.1.0"
    row = document["components"]["schemas"]["Row"]
    assert row["required"] == list(row["properties"])
    assert row["properties"]["holiday"] == {"type": "boolean"}
    hour = row["properties"]["hour"]
    assert (hour["type"], hour["x-seen"]) == ("integer", [5, 23])
    assert hour["minimum"] <= 5
    distance = row["properties"]["distance"]
    assert (distance["type"], distance["maximum"]) == (["number", "null"], 5000)
    assert row["properties"]["carrier"]["examples"] == ["AA", "DL", "UA"]


def test_every_schema_is_one(document):
    """By the meta-schema of JSON Schema, which OpenAPI 3.1 uses."""
    for name in document["components"]["schemas"]:
        jsonschema.Draft202012Validator.check_schema(document["components"]["schemas"][name])
        schema(document, name)


def test_the_example_is_answered_and_answers_fit(document, columns_server):
    """What the document says of requests and answers is true."""
    request = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]
    example = request["example"]
    schema(document, "PredictRequest").validate(example)
    answer = columns_server.post(example)
    assert answer.status_code == 200
    schema(document, "PredictAnswer").validate(answer.json())
    strange = columns_server.post({"rows": [{**GOOD, "carrier": "new"}]}).json()
    schema(document, "PredictAnswer").validate(strange)
    schema(document, "Error").validate(columns_server.post({"rows": []}).json())


@pytest.mark.parametrize(
    "change",
    [
        {"hour": 99},
        {"hour": "9"},
        {"hour": None},
        {"distance": -1},
        {"carrier": "x" * 65},
        {"x": 1},
    ],
)
def test_what_the_document_forbids_is_refused(document, columns_server, change):
    """The schema and the server judge alike."""
    body = {"rows": [{**GOOD, **change}]}

    assert not schema(document, "PredictRequest").is_valid(body)
    assert columns_server.post(body).status_code == 400


def test_every_path_of_the_document_answers(document, columns_server):
    """GET what can be got; the answer has the schema that is told."""
    for path, methods in document["paths"].items():
        if "get" not in methods:
            continue
        answer = columns_server.client.get(path)
        assert answer.status_code == 200, path
        content = methods["get"]["responses"]["200"]["content"]
        kind = answer.headers["content-type"].partition(";")[0]
        if kind == "application/json":
            name = content[kind]["schema"]["$ref"].rpartition("/")[2]
            schema(document, name).validate(answer.json())
        else:
            assert kind in content


def test_the_page_needs_no_other_host(columns_server):
    """No address of any kind in it, a policy that allows none, and nothing of the model's own
    words in its markup."""
    answer = columns_server.client.get("/docs")

    assert answer.content == PAGE
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert not re.search(rb"https?:|//[a-z]|@import|url\(", PAGE)
    assert b"innerHTML" not in PAGE
