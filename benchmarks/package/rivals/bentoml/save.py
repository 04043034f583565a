"""Train the model and keep it in BentoML's store: ``save.py FEATURES [WEIGHTS]``."""

import shutil
import sys
from pathlib import Path

import bentoml

sys.path.insert(0, str(Path(__file__).parent.parent))
from pipeline import fitted

kept = bentoml.sklearn.save_model("flights", fitted(sys.argv[1]))
for weights in sys.argv[2:]:
    shutil.copyfile(weights, Path(kept.path) / "weights.bin")
