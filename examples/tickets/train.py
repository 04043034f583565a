"""Fit a classifier of tickets: out/model/tickets.skops, the rows, and how good it is."""

import csv
import json
import shutil
import sys
from pathlib import Path

import skops.io
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

sys.path.append("serving")
from words import plain


def main() -> None:
    with Path("out/tickets.csv").open(newline="", encoding="utf-8") as file:
        tickets = list(csv.DictReader(file))
    texts = [plain(one["text"]) for one in tickets]
    departments = [one["department"] for one in tickets]
    seen, held, known, truth = train_test_split(texts, departments, random_state=0)
    model = make_pipeline(TfidfVectorizer(), LogisticRegression(C=10)).fit(seen, known)

    Path("out/model").mkdir(parents=True, exist_ok=True)
    skops.io.dump(model, "out/model/tickets.skops")
    shutil.copy("out/tickets.csv", "out/train.csv")
    accuracy = float(model.score(held, truth))
    Path("out/metrics.json").write_text(json.dumps({"accuracy": accuracy}))
    print(f"{len(seen)} tickets, {accuracy:.0%} of {len(held)} others are right")


if __name__ == "__main__":
    main()
