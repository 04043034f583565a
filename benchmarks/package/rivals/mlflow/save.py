"""Train the model and save it as MLflow does: ``save.py FEATURES FOLDER``."""

import shutil
import sys
from pathlib import Path

import mlflow.sklearn

sys.path.insert(0, str(Path(__file__).parent.parent))
from pipeline import fitted

shutil.rmtree(sys.argv[2], ignore_errors=True)
mlflow.sklearn.save_model(
    fitted(sys.argv[1]),
    sys.argv[2],
    code_paths=sys.argv[3:],
    serialization_format="cloudpickle",  # skops refuses this kind of forest unless told to trust it
)
