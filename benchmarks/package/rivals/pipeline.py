"""The model of examples/flights as scikit-learn has it, for packagers that take it so."""

import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

CATEGORIES = ["carrier", "origin", "dest"]
TARGET = "arr_delay"
NUMBERS = [
    *("minute_of_day", "weekday", "distance", "airport_delay", "airport_departures"),
    *("carrier_delay", "temp", "humid", "wind_speed", "precip", "pressure", "visib"),
]


def fitted(features):
    """The same pipeline on the same months."""
    rows = pd.read_csv(features)
    rows = rows[rows["month"] <= 2]
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    model = make_pipeline(
        make_column_transformer((encoder, CATEGORIES), ("passthrough", NUMBERS)),
        HistGradientBoostingRegressor(max_iter=150, learning_rate=0.08, random_state=0),
    )
    return model.fit(rows[CATEGORIES + NUMBERS], rows[TARGET])
