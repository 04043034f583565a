"""The columns that the model sees, in the order of its table."""

CATEGORIES = ["carrier", "origin", "dest"]
NUMBERS = [
    "minute_of_day",
    "weekday",
    "distance",
    "airport_delay",
    "airport_departures",
    "carrier_delay",
    "temp",
    "humid",
    "wind_speed",
    "precip",
    "pressure",
    "visib",
]
FEATURES = CATEGORIES + NUMBERS
TARGET = "arr_delay"
