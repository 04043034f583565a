"""Build the model of the server's tests in FOLDER, with a field of each type: ``folder.py FOLDER``.

Needs ``tests/serve`` on the path.
"""

import sys
from pathlib import Path

import toy_models as models
from toy_running import build

build(
    Path(sys.argv[1]),
    models.columns_model,
    models.columns_table,
    target="delay",
    ignore=["tail"],
    fields={"distance": {"maximum": 5000}},
)
