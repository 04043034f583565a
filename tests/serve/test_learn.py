"""What is learnt from a model and its table, and what is refused with a reason."""

import json

import msgspec
import onnx
import pytest
import toy_models as models
from onnx import TensorProto, helper
from toy_running import learn

from sealift.record.contract import Contract, Golden
from sealift.record.profile import Profile
from sealift.serve.match import plain


def records(folder):
    """The three records that learning wrote."""
    return (
        msgspec.json.decode((folder / "contract.json").read_bytes(), type=Contract),
        msgspec.json.decode((folder / "profile.json").read_bytes(), type=Profile),
        msgspec.json.decode((folder / "golden.json").read_bytes(), type=Golden),
    )


def test_the_contract_of_columns_follows_tensors_and_data(columns_folder):
    """Types from the tensors, ranges and categories from the data, rules from the user."""
    contract, _, _ = records(columns_folder)
    fields = {field.name: field for field in contract.fields}

    assert list(fields) == ["carrier", "hour", "distance", "holiday"]
    assert [field.type for field in contract.fields] == ["string", "int", "float", "bool"]
    assert [field.nullable for field in contract.fields] == [False, False, True, False]
    assert fields["carrier"].categories == models.CARRIERS
    assert fields["carrier"].max_length == 64
    hour = fields["hour"]
    assert (hour.low, hour.high, hour.minimum, hour.maximum) == (5, 23, 0, 41)
    assert (fields["distance"].minimum, fields["distance"].maximum) == (0, 5000)
    assert (contract.task, contract.target, contract.prediction) == ("regression", "delay", "delay")
    assert contract.outputs[0].shape == (-1, 1)


def test_a_range_is_widened_by_itself_on_both_sides(tensor_folder):
    """Negative values were seen, so zero is no bound."""
    contract, _, _ = records(tensor_folder)

    for field in contract.fields:
        span = field.high - field.low
        assert field.minimum == pytest.approx(field.low - span)
        assert field.maximum == pytest.approx(field.high + span)
    assert [(field.tensor, field.column) for field in contract.fields] == [
        ("X", 0),
        ("X", 1),
        ("X", 2),
    ]


def test_classes_are_those_of_model_and_table_in_one_spelling(classes_folder):
    """The table says 3.0, the model 3."""
    contract, profile, golden = records(classes_folder)

    assert contract.classes == ("3", "7")
    assert set(profile.target.categories) == {"3", "7"}
    assert profile.baseline in ("3", "7")
    assert set(golden.outputs) == {"label", "scores"}
    assert {len(scores) for scores in golden.outputs["scores"]} == {2}


def test_truths_in_the_table_are_the_integers_of_the_model(tmp_path):
    """Trained on True and False, the usual export labels 1 and 0."""
    models.save(
        tmp_path / "model" / "model.onnx",
        [
            helper.make_node("Greater", ["p", "zero"], ["above"]),
            helper.make_node("Cast", ["above"], ["label"], to=TensorProto.INT64),
        ],
        [("p", TensorProto.FLOAT, ["N"])],
        [("label", TensorProto.INT64, ["N"])],
        [models.number("zero", 0.0)],
    )
    rows = "".join(f"{value / 10},{value > 0}\n" for value in range(-20, 20))
    (tmp_path / "table").write_text(f"p,late\n{rows}")
    models.settings(tmp_path / "settings.json", target="late", task="classification")

    learn(tmp_path, tmp_path / "out")

    contract, profile, _ = records(tmp_path / "out")
    assert contract.classes == ("0", "1")
    assert profile.target.counts == profile.prediction.counts == (21, 19, 0)
    assert profile.baseline == "0"


def test_the_profile_covers_fields_target_and_predictions(columns_folder):
    """Each counts every row once."""
    _, profile, _ = records(columns_folder)

    assert profile.rows == 200
    assert [field.name for field in profile.fields] == ["carrier", "hour", "distance", "holiday"]
    for field in (*profile.fields, profile.target, profile.prediction):
        assert sum(field.counts) + field.nulls == 200
    assert profile.baseline == pytest.approx(profile.target.mean)


def test_golden_vectors_hold_the_extremes_and_are_bit_exact_here(columns_folder):
    """64 rows with the smallest and largest of each number, each text, and an empty cell."""
    contract, _, golden = records(columns_folder)

    assert len(golden.rows) == 64
    assert golden.tolerance == 0.0
    for field in contract.fields:
        seen = {row[field.name] for row in golden.rows}
        if field.low is not None:
            assert {field.low, field.high} <= seen
        if field.nullable:
            assert None in seen
        if field.categories is not None:
            assert set(field.categories) <= seen


def test_learning_twice_gives_the_same_bytes(tmp_path, columns_folder):
    """Nothing depends on time or chance."""
    learn(columns_folder.parent / "in", tmp_path)

    for name in ("contract.json", "profile.json", "golden.json"):
        assert (tmp_path / name).read_bytes() == (columns_folder / name).read_bytes()


@pytest.fixture
def source(tmp_path):
    """Inputs for ``tensor_model``, to be changed."""
    models.tensor_model(tmp_path / "model" / "model.onnx")
    models.tensor_table(tmp_path / "table")
    models.settings(tmp_path / "settings.json", target="y")
    return tmp_path


def refused(source, kind, *words):
    """Learning ends with an error of a kind that says these words."""
    status, events = learn(source, source / "out", check=False)
    assert status > 2
    assert events[-1]["kind"] == kind, events
    said = " ".join([events[-1]["error"], events[-1]["where"], events[-1]["remedy"]])
    for word in words:
        assert word in said, said
    assert not (source / "out").exists()


def edit(path, old, new):
    """Replace text in a file."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_a_target_that_is_no_column_is_refused(source):
    """With the nearest name."""
    models.settings(source / "settings.json", target="yy")

    refused(source, "ProjectError", "'yy'", "Did you mean 'y'?", "target")


def test_a_rule_for_a_field_that_is_no_input_is_refused(source):
    """With the place in the project file."""
    models.settings(source / "settings.json", target="y", fields={"aa": {"minimum": 0}})

    refused(source, "ProjectError", "[model.fields.aa]", "Did you mean 'a'?")


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"minimum": 9, "maximum": 8}, "above its maximum"),
        ({"closed": True}, None),
        ({"minimum": 7, "maximum": 8}, "No row of the table fits"),
    ],
)
def test_a_rule_that_cannot_be_kept_is_refused(source, rule, words):
    """Not when the first request comes. A rule that says nothing for numbers is harmless."""
    models.settings(source / "settings.json", target="y", fields={"a": rule})

    status, events = learn(source, source / "out", check=False)

    assert (status == 0) == (words is None)
    if words:
        assert words in events[-1]["error"]


def test_a_table_with_a_column_too_many_is_refused(source):
    """For one tensor the columns must be those of the training, in their order."""
    models.settings(source / "settings.json", target="y", ignore=["c"])

    refused(source, "PackageError", "3 columns", "2 besides", "a, b", "ignore")


def test_inputs_that_are_no_columns_are_refused(source):
    """With the inputs, the columns and the nearest name."""
    models.columns_model(source / "model" / "model.onnx")
    edit(source / "table", "a,b,c", "carier,b,c")

    refused(source, "PackageError", "carrier BYTES", "Did you mean 'carier'?", "carier, b, c, y")


def test_text_in_a_column_of_numbers_is_refused(source):
    """With its row and column."""
    lines = (source / "table").read_text().splitlines()
    lines[4] = "1,two,3,4"
    (source / "table").write_text("\n".join(lines))

    refused(source, "DataError", "Row 5", "'b'", "'two'")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"a,b,c,y\n", "no rows"),
        (b"a,a,c,y\n1,2,3,4\n", "Two columns"),
        (b"a,b,c,y\n1,2,3\n", "Row 2 has 3 cells"),
        (b"a,b,c,y\n1,2,3,\xff\n", "UTF-8"),
        (b'a,b,c,y\n1,2,3,"4\n', "CSV"),
        (b"a,b,c,y\n1,2,inf,4\n", "'inf'"),
        (b"a;b;c;y\n1;2;3;4\n", "';'"),
        (b"a\tb\tc\ty\n1\t2\t3\t4\n", "'\\t'"),
        (b"PAR1\x15\x04\xff\xfe", "no other format"),
    ],
)
def test_a_damaged_table_is_refused(source, content, words):
    """With what is wrong."""
    (source / "table").write_bytes(content)

    refused(source, "DataError", words)


@pytest.mark.parametrize("name", ['a""b', "a\\b", "a\tb"])
def test_a_column_that_no_request_could_name_is_refused(source, name):
    """Before anything is learnt; the remedy says what to leave out."""
    table = source / "table"
    head, _, rest = table.read_text().partition("\n")
    table.write_text(f'{head},"{name}"\n' + "".join(f"{line},1\n" for line in rest.splitlines()))

    refused(source, "DataError", "no request could name", "quotation marks")


def test_an_index_among_the_columns_is_recognised(source):
    """Data frames write theirs first, without a name."""
    lines = (source / "table").read_text().splitlines()
    indexed = [f",{lines[0]}", *(f"{number},{line}" for number, line in enumerate(lines[1:]))]
    (source / "table").write_text("\n".join(indexed))

    refused(source, "PackageError", "the table has 4", "'', a, b, c", "index=False")


def test_a_model_of_another_name_is_named(source):
    """What is there instead of model.onnx stands in the message."""
    (source / "model" / "model.onnx").rename(source / "model" / "forest.onnx")

    refused(source, "PackageError", "no model.onnx, only: forest.onnx")


def test_a_model_may_be_a_file(source):
    """Where the step's output is the ONNX file itself."""
    (source / "model").rename(source / "folder")
    (source / "folder" / "model.onnx").rename(source / "model")

    learn(source, source / "out")

    assert len(records(source / "out")[0].fields) == 3


@pytest.mark.parametrize(
    "content", [b"", b"{", b'{"from": 1}', b'{"from": "a.b", "nmae": 1}', b"\xff"]
)
def test_damaged_settings_are_refused(source, content):
    """With the file."""
    (source / "settings.json").write_bytes(content)

    refused(source, "ProjectError", "settings")


def test_a_missing_model_is_refused(source):
    """With the name it must have."""
    (source / "model" / "model.onnx").unlink()

    refused(source, "PackageError", "model.onnx")


def test_an_empty_cell_for_an_input_without_null_is_refused(tmp_path):
    """A whole number has no value that says nothing."""
    models.columns_model(tmp_path / "model" / "model.onnx")
    models.columns_table(tmp_path / "table")
    models.settings(tmp_path / "settings.json", target="delay", ignore=["tail"])
    lines = (tmp_path / "table").read_text().splitlines()
    cells = lines[1].split(",")
    lines[1] = ",".join([*cells[:2], "", *cells[3:]])
    (tmp_path / "table").write_text("\n".join(lines))

    refused(tmp_path, "DataError", "Row 2", "'hour'", "empty cell")


def test_a_model_that_gives_no_number_for_an_empty_cell_is_refused(source):
    """The linear model answers NaN for NaN; the field and the remedy are named."""
    lines = (source / "table").read_text().splitlines()
    lines[3] = "1,,0.5,0"
    (source / "table").write_text("\n".join(lines))

    refused(source, "PackageError", "where b is empty", "nullable = false")


def test_nullable_false_keeps_rows_with_empty_cells_out(source):
    """They are counted in the profile, and are no golden vectors."""
    lines = (source / "table").read_text().splitlines()
    lines[3] = "1,,0.5,0"
    (source / "table").write_text("\n".join(lines))
    models.settings(source / "settings.json", target="y", fields={"b": {"nullable": False}})

    learn(source, source / "out")

    contract, profile, golden = records(source / "out")
    assert not contract.fields[1].nullable
    assert profile.fields[1].nulls == 1
    assert all(row["b"] is not None for row in golden.rows)


def test_a_closed_field_takes_only_what_was_seen(tmp_path):
    """The rule is in the contract, and its categories."""
    models.columns_model(tmp_path / "model" / "model.onnx")
    models.columns_table(tmp_path / "table")
    models.settings(
        tmp_path / "settings.json", target="delay", fields={"carrier": {"closed": True}}
    )

    learn(tmp_path, tmp_path / "out")

    contract, _, _ = records(tmp_path / "out")
    assert contract.fields[0].closed


def test_a_constant_column_leaves_room_of_its_own_size(source):
    """Its spread is unknown: 2013 may become 2014, and zero may become one."""
    lines = (source / "table").read_text().splitlines()
    lines[1:] = [f"2013,0,{cells.split(',')[2]},1" for cells in lines[1:]]
    (source / "table").write_text("\n".join(lines))

    learn(source, source / "out")

    year, zero, _ = records(source / "out")[0].fields
    assert (year.minimum, year.low, year.high, year.maximum) == (0, 2013, 2013, 4026)
    assert (zero.minimum, zero.maximum) == (0, 1)


def test_probabilities_as_maps_become_a_tensor(source):
    """The usual export of a classifier is served as it is; the columns follow the classes."""
    models.zipmap_model(source / "model" / "model.onnx")
    models.labelled_table(source / "table")
    models.settings(source / "settings.json", target="y", task="classification")

    learn(source, source / "out")
    contract, _, golden = records(source / "out")
    probabilities = golden.outputs["maps"]

    assert [(one.name, one.dtype, one.shape) for one in contract.outputs] == [
        ("label", "INT64", (-1,)),
        ("maps", "FP32", (-1, 2)),
    ]
    assert contract.classes == ("0", "1")
    assert [one.index(max(one)) for one in probabilities] == golden.outputs["label"]


def test_a_map_is_no_answer_to_a_regression(source):
    """A classifier under the task of a regression."""
    models.zipmap_model(source / "model" / "model.onnx")

    refused(source, "PackageError", "'maps' has 2 values a row")


def wide_model(path):
    """Two values a row."""
    models.save(
        path,
        [helper.make_node("MatMul", ["X", "W"], ["y"])],
        [("X", TensorProto.FLOAT, ["N", 3])],
        [("y", TensorProto.FLOAT, ["N", 2])],
        [helper.make_tensor("W", TensorProto.FLOAT, [3, 2], [1.0] * 6)],
    )


def fixed_model(path):
    """One row at a time."""
    models.save(
        path,
        [helper.make_node("ReduceSum", ["X"], ["y"], keepdims=1)],
        [("X", TensorProto.FLOAT, [1, 3])],
        [("y", TensorProto.FLOAT, [1, 1])],
    )


def summed_model(path):
    """One answer for all rows."""
    models.save(
        path,
        [helper.make_node("ReduceSum", ["X"], ["y"], keepdims=1)],
        [("X", TensorProto.FLOAT, ["N", 3])],
        [("y", TensorProto.FLOAT, [1, 1])],
    )


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (wide_model, ["2 values a row"]),
        (fixed_model, ["takes 1 row at a time", "first dimension"]),
        (summed_model, ["shape [1, 1] for 3 rows", "first dimension"]),
    ],
)
def test_outputs_that_are_not_one_value_a_row_are_refused(source, model, words):
    """With what to export instead."""
    model(source / "model" / "model.onnx")

    refused(source, "PackageError", *words)


def test_a_task_that_the_model_does_not_do_is_refused(source):
    """A classification needs labels."""
    models.settings(source / "settings.json", target="y", task="classification")

    refused(source, "PackageError", "class labels", "y FP32")


def test_sums_that_depend_on_the_batch_get_a_small_tolerance(source):
    """An output that differs in its last bits with the number of rows is still certified."""
    models.save(
        source / "model" / "model.onnx",
        [
            helper.make_node("Shape", ["X"], ["shape"]),
            helper.make_node("Gather", ["shape", "zero"], ["rows"]),
            helper.make_node("Cast", ["rows"], ["count"], to=TensorProto.FLOAT),
            helper.make_node("Mul", ["count", "tiny"], ["noise"]),
            helper.make_node("MatMul", ["X", "W"], ["m"]),
            helper.make_node("Add", ["m", "noise"], ["y"]),
        ],
        [("X", TensorProto.FLOAT, ["N", 3])],
        [("y", TensorProto.FLOAT, ["N", 1])],
        [
            helper.make_tensor("W", TensorProto.FLOAT, [3, 1], [1.0, 2.0, 3.0]),
            helper.make_tensor("zero", TensorProto.INT64, [], [0]),
            models.number("tiny", 1e-8),
        ],
    )

    learn(source, source / "out")

    assert records(source / "out")[2].tolerance == 1e-5


def test_a_single_file_may_be_the_model(source):
    """Where the step wrote a file instead of a folder."""
    content = (source / "model" / "model.onnx").read_bytes()
    (source / "model" / "model.onnx").unlink()
    (source / "model").rmdir()
    (source / "model").write_bytes(content)

    status, events = learn(source, source / "out")

    assert status == 0
    assert events[-1]["event"] == "learnt"
    assert json.loads((source / "out" / "contract.json").read_text())["target"] == "y"


def renamed(source, **names):
    """The inputs of the model of columns under the names of a converter, the table's as given."""
    models.columns_model(source / "model" / "model.onnx")
    models.columns_table(source / "table")
    models.settings(source / "settings.json", target="delay")
    model = onnx.load(source / "model" / "model.onnx")
    for old, new in names.items():
        edit(source / "table", old, new)
        for tensor in model.graph.input:
            tensor.name = plain(new) if tensor.name == old else tensor.name
        for node in model.graph.node:
            for place, name in enumerate(node.input):
                node.input[place] = plain(new) if name == old else name
    onnx.save(model, source / "model" / "model.onnx")


def test_columns_have_their_own_names_where_a_converter_changed_them(source):
    """Clients write the column's name, whatever marks it holds."""
    renamed(source, hour="Hour (UTC)", distance="Länge.in km")

    learn(source, source / "out")

    fields = {field.name: field.tensor for field in records(source / "out")[0].fields}
    assert fields == {
        "carrier": "carrier",
        "Hour (UTC)": "Hour__UTC_",
        "Länge.in km": "Länge_in_km",
        "holiday": "holiday",
    }


def test_a_name_that_two_columns_could_have_is_refused(source):
    """It is not guessed which of them was meant."""
    renamed(source, hour="hour-utc")
    edit(source / "table", "tail", "hour utc")

    refused(source, "PackageError", "do not fit", "hour_utc")
