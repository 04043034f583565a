"""Write MLServer's settings and become it: ``serve.py FOLDER``.

One worker is the server's own process, which is its faster way; more are further processes.
"""

import json
import os
import sys
from pathlib import Path

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
workers = int(os.environ["WORKERS"])
server = {
    "host": "127.0.0.1",
    "http_port": int(os.environ["PORT"]),
    "grpc_port": int(os.environ["GRPC_PORT"]),
    "metrics_port": int(os.environ["OTHER_PORT"]),
    "parallel_workers": 0 if workers == 1 else workers,
    "debug": False,
    "access_log": False,
}
(folder / "settings.json").write_text(json.dumps(server))
model = {"name": "digits", "implementation": "runtime.Runtime", "parameters": {"version": "1"}}
(folder / "model-settings.json").write_text(json.dumps(model))
os.environ["PYTHONPATH"] += f":{Path(__file__).parent}"
os.execv(str(Path(sys.executable).with_name("mlserver")), ["mlserver", "start", str(folder)])
