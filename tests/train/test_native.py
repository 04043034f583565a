"""Converting as it happens in the container, with models of ONNX's own in the place of others'."""

import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from sealift.train.native import served
from sealift.train.native.graph import WHOLE, columns
from sealift.train.native.model import chosen
from sealift.train.native.parity import TOLERANCE, Answers, compare
from sealift.train.native.said import Failure, need
from sealift.train.native.table import read
from sealift.train.native.trial import convert, hold

TABLE = (
    "bill,size,late,day,tip\n10.5,2,true,Thu,1\n20,3,false,Fri,2\n,4,true,,3\n40.25,5,false,Sat,4\n"
)


@pytest.fixture
def table(tmp_path):
    """Four rows, one of them with gaps."""
    path = tmp_path / "table.csv"
    path.write_text(TABLE)
    return read(path, ["tip"])


def weighted(weights, real, name=WHOLE, output="variable"):
    """A model that multiplies columns with weights, as a converter would give it."""
    kind = getattr(TensorProto, real)
    array = np.array(weights).reshape(-1, 1)
    graph = helper.make_graph(
        [helper.make_node("MatMul", [name, "weights"], [output])],
        "random",
        [helper.make_tensor_value_info(name, kind, [None, len(weights)])],
        [helper.make_tensor_value_info(output, kind, [None, 1])],
        [helper.make_tensor("weights", kind, array.shape, array.ravel())],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)


class Weighted:
    """A model of another framework: it calculates in double precision."""

    columns = ("size", "late")

    def __init__(self, weights, **converted):
        self.weights, self.converted = weights, converted

    def answers(self, rows):
        """The weighted sums."""
        return Answers(
            [
                sum(w * row[c] for w, c in zip(self.weights, self.columns, strict=True))
                for row in rows
            ]
        )

    def convert(self, numbers):
        """What the converter makes of it; an error where it cannot."""
        made = self.converted[numbers]
        if isinstance(made, Exception):
            raise made
        real = "FLOAT" if numbers == "OWN" else numbers
        return weighted(made, real), dict.fromkeys(self.columns, real)


def test_columns_have_the_types_of_their_cells(table):
    """A gap makes a number of whole numbers; empty texts are texts."""
    assert table.kinds == {"bill": "float", "size": "int", "late": "bool", "day": "string"}
    assert [number for number, _ in table.sample(3)] == [0, 1, 3]
    (_, first), *_ = table.sample(1)
    assert first == {"bill": 10.5, "size": 2, "late": True, "day": "Thu"}


def test_a_graph_gets_an_input_for_each_column_that_it_reads(table):
    """Whole numbers and truth values as such, in the order of the table."""
    kinds = {name: table.kinds[name] for name in ("bill", "size", "late")}
    made = columns(weighted([1, 10, 100], "FLOAT"), kinds, dict.fromkeys(kinds, "FLOAT"))
    types = {one.name: one.type.tensor_type.elem_type for one in made.graph.input}

    assert types == {
        "bill": TensorProto.FLOAT,
        "size": TensorProto.INT64,
        "late": TensorProto.BOOL,
    }
    asked = [{"bill": 0.5, "size": 2, "late": True}]
    assert served.answers(made.SerializeToString(), asked, classify=False).values == [120.5]


def test_a_column_that_the_graph_does_not_read_is_no_input(table):
    """Nobody has to send what changes nothing."""
    graph = weighted([2], "FLOAT", name="size")
    graph.graph.input.append(helper.make_tensor_value_info("late", TensorProto.FLOAT, [None, 1]))
    kinds = {"size": "int", "late": "bool"}
    made = columns(graph, kinds, dict.fromkeys(kinds, "FLOAT"))

    assert [one.name for one in made.graph.input] == ["size"]


def test_a_column_may_be_called_as_something_inside_the_graph_is():
    """What is inside gets another name, the column keeps its own."""
    made = columns(
        weighted([2, 1], "FLOAT"),
        {"variable": "int", "weights": "float"},
        {"variable": "FLOAT", "weights": "FLOAT"},
    )
    asked = [{"variable": 3, "weights": 0.5}]

    assert [one.name for one in made.graph.input] == ["variable", "weights"]
    assert served.answers(made.SerializeToString(), asked, classify=False).values == [6.5]


def test_the_same_model_gives_the_same_bytes(table):
    """Names that converters draw by lot do not stay."""
    kinds = {"size": "int"}
    one, other = (
        columns(weighted([2], "FLOAT"), kinds, {"size": "FLOAT"}).SerializeToString() for _ in "ab"
    )

    assert one == other
    assert onnx.load_from_string(one).graph.name == "model"


def attempt(model, table, tmp_path, classify=False):
    """Convert it, and the events that were said."""
    convert(model, table, classify=classify, target=tmp_path / "m.onnx", requirements="r.txt")


def test_the_first_way_that_gives_the_same_answers_is_taken(table, tmp_path, capsys):
    """Single precision is not enough for these weights; double is."""
    model = Weighted([1e9, 1], FLOAT=[1.001e9, 1], OWN=RuntimeError("no"), DOUBLE=[1e9, 1])
    attempt(model, table, tmp_path)
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert [one["event"] for one in said] == ["different", "unable", "converted"]
    assert said[-1]["numbers"] == "DOUBLE"
    assert said[-1]["rows"] == 4
    made = onnx.load(tmp_path / "m.onnx")
    assert {one.name for one in made.graph.input} == {"size", "late"}


def test_a_model_that_answers_otherwise_is_refused_with_the_worst_row(table, tmp_path):
    """With both values, and how many rows differ."""
    model = Weighted([1, 0], FLOAT=[1.5, 0], OWN=[1.25, 0], DOUBLE=[2, 0])
    with pytest.raises(Failure) as told:
        attempt(model, table, tmp_path)

    assert "row 1 of the table the original says 2, and ONNX 2.5" in told.value.what
    assert "4 of 4 rows differ" in told.value.what
    assert "size = 2" in told.value.what
    assert not (tmp_path / "m.onnx").exists()


def test_a_model_that_no_converter_takes_is_refused_with_what_it_said(table, tmp_path):
    """The first way's words, since it is the usual one."""
    errors = {way: RuntimeError(f"no {way}") for way in ("FLOAT", "OWN", "DOUBLE")}
    with pytest.raises(Failure, match="RuntimeError: no FLOAT") as told:
        attempt(Weighted([1, 0], **errors), table, tmp_path)

    assert "export the model to ONNX itself" in told.value.remedy


def test_a_task_that_is_not_the_models_is_told(table, tmp_path):
    """Before anything is compared."""
    with pytest.raises(Failure) as told:
        attempt(Weighted([1, 0], FLOAT=[1, 0]), table, tmp_path, classify=True)

    assert told.value.where == "[model] task"


def test_golden_vectors_are_held_to_the_original(table):
    """Columns that the graph does not read are not in them."""
    golden = {"rows": [{"size": 2}, {"size": 7}], "outputs": {"variable": [2.0, 7.00001]}}
    hold(Weighted([1, 0]), table, golden, classify=False)

    golden["outputs"]["variable"][1] = 7.1
    with pytest.raises(Failure, match=r"golden vector 1 the original says 7, and ONNX 7\.1"):
        hold(Weighted([1, 0]), table, golden, classify=False)


def test_labels_must_be_equal_but_where_the_original_cannot_tell_two_apart():
    """Half a tolerance between two classes is no answer."""
    sure = Answers(["a", "b"], [[0.9, 0.1], [0.2, 0.8]])
    close = Answers(["a"], [[0.5 + TOLERANCE / 4, 0.5 - TOLERANCE / 4]])

    assert compare(sure, sure).size == 0
    assert compare(sure, Answers(["a", "a"], sure.chances)).place == 1
    assert compare(sure, Answers(["a", "a"], sure.chances)).size > 1
    assert compare(close, Answers(["b"], [[0.5, 0.5]])).size <= 1
    assert compare(Answers(["a"]), Answers(["b"])).size > 1


def test_numbers_are_compared_on_the_scale_of_the_answers():
    """Small targets do not hide behind an absolute tolerance, gaps are equal to gaps."""
    small = Answers([1e-6, 3e-6])
    gap = float("nan")

    assert compare(small, Answers([1e-6, 3.01e-6])).size > 1
    assert compare(Answers([1e6]), Answers([1e6 + 1])).size <= 1
    assert compare(Answers([gap]), Answers([gap])).size == 0
    assert compare(Answers([1.0, 2.0]), Answers([1.0, gap])).size > 1


@pytest.mark.parametrize(
    ("names", "width", "taken"),
    [
        (["late", "size"], 2, ["late", "size"]),
        (["f0", "f1", "f2", "f3"], 4, ["bill", "size", "late", "day"]),
        (None, 4, ["bill", "size", "late", "day"]),
    ],
)
def test_a_model_takes_columns_by_its_names_or_by_position(table, names, width, taken):
    """Names that a framework numbered itself say nothing."""
    assert chosen(names, width, table) == taken


@pytest.mark.parametrize(("names", "width"), [(["fare"], 1), (None, 3), (["f0"], 1)])
def test_columns_that_the_table_does_not_have_are_told(table, names, width):
    """With those that it has."""
    with pytest.raises(Failure, match="bill, size, late, day"):
        chosen(names, width, table)


def test_a_package_that_is_not_there_is_told_with_the_line_to_add():
    """And in which file."""
    with pytest.raises(Failure) as told:
        need("no_such_tool", "no-such-tool", why="Converting", requirements="needs.txt")

    assert "Add to needs.txt: no-such-tool" in told.value.remedy
