"""A program of the user's own in place of an ONNX model: learnt, certified, asked, isolated."""

import json
import shutil
import textwrap

import msgspec
import pytest
import toy_models as models
import toy_running as running

from sealift.record.contract import Contract, Golden

TABLE = "word,size,share,odd,length\n" + "".join(
    f"{word},{number},{number / 4},{'true' if number % 2 else 'false'},{len(word) + number}\n"
    for number, word in enumerate(["tide", "harbour", "sea", "lift"] * 10)
)
GOOD = """
    import json
    from helper import lengths

    def load(folder):
        return json.loads((folder / "offsets.json").read_text())

    def predict(model, inputs):
        if (inputs["size"] == 13).any():
            raise ValueError("thirteen")
        if (inputs["size"] == 17).any():
            raise SystemExit("seventeen")
        if (inputs["size"] == 19).any():
            return inputs["size"]
        return lengths(inputs["word"]) + inputs["size"] + model["offset"]
"""
HELPER = """
    import numpy as np

    def lengths(words):
        return np.array([len(word) for word in words], float)
"""


def source(folder, program=GOOD, table=TABLE, **settings):
    """What the learning container gets: the program, what its step wrote, the table."""
    code, files = folder / "in" / "model" / "code", folder / "in" / "model" / "files"
    code.mkdir(parents=True)
    files.mkdir()
    (code / "predict.py").write_text(textwrap.dedent(program))
    (code / "helper.py").write_text(textwrap.dedent(HELPER))
    (files / "offsets.json").write_text('{"offset": 0.5}')
    (folder / "in" / "table").write_text(table)
    models.settings(folder / "in" / "settings.json", target="length", predict="p", **settings)
    return folder / "in"


def learnt(folder, program=GOOD, **more):
    """A model folder as the image has it."""
    given, target = source(folder, program, **more), folder / "model"
    running.learn(given, target)
    shutil.copytree(given / "model", target, dirs_exist_ok=True)
    (target / "model.json").write_text(json.dumps({"name": "toy", "version": 3, "run": "r1"}))
    return target


def refused(folder, program, **more):
    """The error that learning ends with."""
    status, said = running.learn(source(folder, program, **more), folder / "out", check=False)
    assert status != 0
    return said[-1]


@pytest.fixture(scope="module")
def program_folder(tmp_path_factory):
    """A program that reads a file and a module beside it."""
    table = TABLE.replace(",13,", ",113,").replace(",17,", ",117,").replace(",19,", ",119,")
    return learnt(tmp_path_factory.mktemp("program"), table=table)


@pytest.fixture(scope="module")
def server(program_folder, tmp_path_factory):
    """A server of it."""
    scratch = tmp_path_factory.mktemp("served")
    with running.Running(program_folder, scratch / "log") as one:
        yield one.ready()


def row(**more):
    """A row of the table."""
    return {"word": "tide", "size": 3, "share": 0.5, "odd": True} | more


def test_types_follow_the_table_and_the_output_has_the_name_of_the_target(program_folder):
    """Whole numbers, fractions, truths and texts; the tolerance is never zero."""
    contract = msgspec.json.decode((program_folder / "contract.json").read_bytes(), type=Contract)
    golden = msgspec.json.decode((program_folder / "golden.json").read_bytes(), type=Golden)

    assert {one.name: one.dtype for one in contract.fields} == {
        "word": "BYTES",
        "size": "INT64",
        "share": "FP64",
        "odd": "BOOL",
    }
    assert [(one.name, one.dtype, one.shape) for one in contract.outputs] == [
        ("length", "FP64", (-1,))
    ]
    assert contract.prediction == "length"
    assert golden.tolerance > 0


def test_rows_and_tensors_reach_the_program(server):
    """Rows by name, and the same as tensors of the protocol."""
    by_name = server.post({"rows": [row(), row(word="harbour")]}).json()
    tensors = [
        {"name": "word", "shape": [2], "datatype": "BYTES", "data": ["tide", "harbour"]},
        {"name": "size", "shape": [2], "datatype": "INT64", "data": [3, 3]},
        {"name": "share", "shape": [2], "datatype": "FP64", "data": [0.5, 0.5]},
        {"name": "odd", "shape": [2], "datatype": "BOOL", "data": [True, False]},
    ]
    asked = server.post({"inputs": tensors}, path="/v2/models/toy/infer").json()

    assert by_name["predictions"] == [7.5, 10.5]
    assert asked["outputs"][0]["data"] == [7.5, 10.5]
    assert server.client.get("/v2/models/toy").json()["platform"] == "python"


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (13, "predict.py, line 10, in predict: ValueError: thirteen"),
        (17, "predict.py, line 12, in predict: SystemExit: seventeen"),
    ],
)
def test_a_program_that_fails_fails_its_own_request_alone(server, size, said):
    """500 with an incident; the log has the line, and the next request is answered."""
    failed = server.post({"rows": [row(size=size)]})
    after = server.post({"rows": [row()]})

    assert (failed.status_code, failed.json()["code"]) == (500, "incident")
    assert after.json()["predictions"] == [7.5]
    assert said in [one.get("error") for one in server.events()]


def test_an_answer_that_is_not_as_it_was_learnt_is_an_incident(server, program_folder, tmp_path):
    """Whole numbers fit floats, but a shape that another program gives does not."""
    assert server.post({"rows": [row(size=19)]}).json()["predictions"] == [19.0]
    folder = tmp_path / "model"
    shutil.copytree(program_folder, folder)
    path = folder / "code" / "predict.py"
    path.write_text(path.read_text().replace('return inputs["size"]', 'return inputs["size"][:0]'))
    with running.Running(folder, tmp_path / "log") as other:
        failed = other.ready().post({"rows": [row(size=19)]})
        errors = [one.get("error") for one in other.events()]

    assert failed.status_code == 500
    wanted = "The output 'length' of predict.py has shape [0] for 1 row; it must be [1]."
    assert wanted in errors


def test_a_program_that_does_not_load_is_never_ready(program_folder, tmp_path):
    """The log has the place and the last line of the traceback."""
    folder = tmp_path / "model"
    shutil.copytree(program_folder, folder)
    (folder / "files" / "offsets.json").unlink()
    with running.Running(folder, tmp_path / "log") as server:
        server.wait_for(
            lambda: (
                server.client.get("/v2/health/ready").status_code == 503
                and any("error" in one for one in server.events())
            )
        )
        error = next(one["error"] for one in server.events() if "error" in one)

    assert "predict.py, line 6, in load: FileNotFoundError" in error


@pytest.mark.parametrize(
    ("program", "said", "remedy"),
    [
        ("def load(folder):\n    return 1\n", "predict.py has no function 'predict'", "Define"),
        ("import nowhere\n", "predict.py, line 1, in <module>: Module", "holds 'nowhere'"),
        ("def load(:\n", "predict.py, line 1: SyntaxError", "Mend"),
        (
            "def load(folder):\n    return 1\ndef predict(model, inputs):\n    return 1.0\n",
            "has shape [] for 1 row",
            "first dimension",
        ),
        (
            (
                "import numpy as np\ndef load(folder):\n    return np.random.default_rng()\n"
                "def predict(model, inputs):\n    return model.normal(size=len(inputs['size']))\n"
            ),
            "gives other answers when it is asked again",
            "seeds",
        ),
        (
            (
                "def load(folder):\n    return 1\n"
                "def predict(model, inputs):\n    inputs['share'] += 1\n    return 1\n"
            ),
            "predict.py, line 4, in predict: ValueError: output array is read-only",
            "Mend",
        ),
        (
            (
                "def load(folder):\n    return 1\ndef predict(model, inputs):\n"
                "    assert len(inputs['size']) > 1 or inputs['size'][0] < 30\n"
                "    return inputs['share']\n"
            ),
            "asked for a few rows alone: predict.py, line 4, in predict: AssertionError",
            "any number of rows",
        ),
        (
            (
                "INPUTS = {'sise': 'FP32'}\ndef load(folder):\n    return 1\n"
                "def predict(model, inputs):\n    return inputs['share']\n"
            ),
            "names 'sise', which is no input. Did you mean 'size'?",
            "Name columns",
        ),
        (
            (
                "def load(folder):\n    return 1\n"
                "def predict(model, inputs):\n    return [{} for _ in inputs['share']]\n"
            ),
            "is of type dict",
            "Mend",
        ),
    ],
)
def test_what_a_program_must_not_do_is_told_when_it_is_learnt(tmp_path, program, said, remedy):
    """Each with the line where it is, or with what to do instead."""
    told = refused(tmp_path, program)

    assert said in told["error"]
    assert remedy in told["remedy"]
    assert told["where"] == "predict.py"


def test_a_program_may_ask_for_other_datatypes_and_give_several_outputs(tmp_path):
    """INPUTS names them; the first output of floats is the prediction."""
    folder = learnt(
        tmp_path,
        """
        import numpy as np
        INPUTS = {"size": "BYTES", "share": "FP32"}

        def load(folder):
            return folder

        def predict(model, inputs):
            assert inputs["share"].dtype == np.float32
            return {
                "spelled": [text + "!" for text in inputs["size"]],
                "share": inputs["share"] * 2,
                "both": np.stack([inputs["share"], inputs["share"]], axis=1),
            }
        """,
    )
    contract = msgspec.json.decode((folder / "contract.json").read_bytes(), type=Contract)

    assert contract.prediction == "share"
    assert [(one.name, one.dtype, one.shape) for one in contract.outputs] == [
        ("spelled", "BYTES", (-1,)),
        ("share", "FP32", (-1,)),
        ("both", "FP32", (-1, 2)),
    ]
