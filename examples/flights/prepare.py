"""Join flights and weather; keep only what is known ten minutes before the planned departure.

Reads data/flights.csv and data/weather.csv, writes out/features.csv: one row a flight that
arrived, in the order of planned departure.
"""

from pathlib import Path

import numpy as np
import pandas as pd

WEATHER = ["temp", "humid", "wind_speed", "precip", "pressure", "visib"]
NOTICE = 10  # minutes before the planned departure at which the prediction is made


def scheduled(flights: pd.DataFrame) -> pd.Series:
    """The planned departure as minutes since 1970, local time."""
    day = pd.to_datetime(flights[["year", "month", "day"]]).astype("datetime64[s]").astype("int64")
    clock = flights["sched_dep_time"] // 100 * 60 + flights["sched_dep_time"] % 100
    return day // 60 + clock


def recent_delay(flights: pd.DataFrame, by: list[str], window: int) -> tuple[np.ndarray, ...]:
    """Mean departure delay of the flights that left in the last ``window`` minutes, and how many.

    Only departures that had happened by the time of the prediction count.
    """
    mean = np.zeros(len(flights))
    number = np.zeros(len(flights), dtype=int)
    for _, group in flights.groupby(by):
        left = group.dropna(subset=["dep_delay"]).sort_values("departed", kind="stable")
        total = np.concatenate([[0.0], np.cumsum(left["dep_delay"].to_numpy())])
        times = left["departed"].to_numpy()
        asked = group["scheduled"].to_numpy() - NOTICE
        last = np.searchsorted(times, asked, "right")
        first = np.searchsorted(times, asked - window, "left")
        count = last - first
        mean[group.index] = (total[last] - total[first]) / np.maximum(count, 1)
        number[group.index] = count
    return mean, number


def with_weather(flights: pd.DataFrame, weather: pd.DataFrame) -> pd.DataFrame:
    """The weather at the airport in the hour of departure; gaps take the last value known."""
    hourly = weather.drop_duplicates(["origin", "time_hour"]).sort_values(["origin", "time_hour"])
    joined = flights.merge(
        hourly[["origin", "time_hour", *WEATHER]], on=["origin", "time_hour"], how="left"
    )
    joined[WEATHER] = joined.groupby("origin")[WEATHER].ffill().bfill()
    return joined


def main() -> None:
    flights = pd.read_csv("data/flights.csv")
    flights["scheduled"] = scheduled(flights)
    flights["departed"] = flights["scheduled"] + flights["dep_delay"]
    flights = flights.sort_values(["scheduled", "carrier", "flight"]).reset_index(drop=True)
    flights = with_weather(flights, pd.read_csv("data/weather.csv"))

    airport, departures = recent_delay(flights, ["origin"], window=120)
    carrier, _ = recent_delay(flights, ["origin", "carrier"], window=180)
    table = pd.DataFrame(
        {
            "month": flights["month"],
            "day": flights["day"],
            "carrier": flights["carrier"],
            "origin": flights["origin"],
            "dest": flights["dest"],
            "minute_of_day": flights["scheduled"] % 1440,
            "weekday": (flights["scheduled"] // 1440 + 3) % 7,
            "distance": flights["distance"],
            "airport_delay": airport.round(2),
            "airport_departures": departures,
            "carrier_delay": carrier.round(2),
            **{name: flights[name] for name in WEATHER},
            "arr_delay": flights["arr_delay"],
        }
    )
    Path("out").mkdir(exist_ok=True)
    table.dropna(subset=["arr_delay"]).to_csv("out/features.csv", index=False)
    print(f"{len(table):,} flights, {table['arr_delay'].notna().sum():,} of them arrived")


if __name__ == "__main__":
    main()
