"""Tables as files that other programs read back."""

import csv
import io

import pyarrow.parquet
import pytest

import sealift
from sealift.cli.columnar import write
from sealift.cli.curves import metrics
from sealift.cli.runs import runs
from sealift.errors import SealiftError

ROWS = [
    {"run": "a", "depth": 4, "rate": 1, "fast": True},
    {"run": "b", "depth": 6, "rate": 0.5, "note": "é,\n"},
]


def test_parquet_keeps_kinds_and_says_what_is_missing(tmp_path):
    """Whole numbers stay whole; a column with both kinds of numbers is one of floats."""
    write(ROWS, tmp_path / "t.parquet", parquet=True)
    table = pyarrow.parquet.read_table(tmp_path / "t.parquet")

    assert [str(one.type) for one in table.schema] == [
        "string",
        "int64",
        "double",
        "bool",
        "string",
    ]
    assert table.to_pylist()[1] == {**ROWS[1], "fast": None}


def test_csv_has_the_same_columns_and_rows(tmp_path):
    """Commas and line ends in values too."""
    write(ROWS, tmp_path / "t.csv", parquet=False, heads=("run",))
    read = list(csv.DictReader(io.StringIO((tmp_path / "t.csv").read_text())))

    assert [row["note"] for row in read] == ["", "é,\n"]
    with pytest.raises(SealiftError):
        write(ROWS, tmp_path / "no" / "t.csv", parquet=False)


def test_runs_and_their_points_are_written_as_parquet(tmp_path, capsys):
    """By the commands, from a run that was recorded."""
    (tmp_path / "sealift.toml").write_text('name = "play"\n')
    with sealift.run("tune", params={"depth": 6}, project=tmp_path) as going:
        going.log_metrics({"loss": 0.5}, step=3)
    context = type("Context", (), {"invoked_subcommand": None})()
    runs(context, tmp_path, parquet_to=tmp_path / "runs.parquet")
    metrics(going.id, None, tmp_path / "points.parquet", tmp_path)

    row = pyarrow.parquet.read_table(tmp_path / "runs.parquet").to_pylist()[0]
    assert (row["run"], row["depth"], row["loss"]) == (going.id, 6, 0.5)
    assert pyarrow.parquet.read_table(tmp_path / "points.parquet").to_pylist() == [
        {"step_of_run": "tune", "metric": "loss", "step": 3, "value": 0.5}
    ]
    assert "1 runs are in" in capsys.readouterr().out
