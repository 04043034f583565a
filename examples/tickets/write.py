"""Make up tickets, as customers write them: out/tickets.csv with text, words and department."""

import argparse
import csv
import random
from pathlib import Path

ABOUT = {
    "billing": ["the invoice", "a refund", "my payment", "the price of my order"],
    "delivery": ["my parcel", "the courier", "the shipment", "a late delivery"],
    "returns": ["the broken lamp", "a wrong size", "sending it back", "the return label"],
}
OPENINGS = ["Hello, I write about", "Please help me with", "Third mail now about", "Question on"]
ENDINGS = [
    "it is urgent!!!",
    "see order {number}.",
    "write to {name}@example.com",
    "Thanks, {name}",
    "NOBODY ANSWERS",
]
UNCLEAR = 0.06
"""The share of tickets whose department nobody could tell from the text."""

NAMES = ["Ada", "Björn", "Chiara", "Dmitri"]


def ticket(chance: random.Random) -> tuple[str, str]:
    """A text, and the department that it belongs to."""
    department = chance.choice(sorted(ABOUT))
    about = chance.choice(ABOUT[department])
    if chance.random() < UNCLEAR:
        about = "something that I cannot describe"
    ending = chance.choice(ENDINGS).format(
        number=chance.randint(10_000, 99_999), name=chance.choice(NAMES)
    )
    text = f"{chance.choice(OPENINGS)} {about}, {ending}"
    return text, department


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tickets", type=int)
    parser.add_argument("--seed", type=int)
    wanted = parser.parse_args()
    chance = random.Random(wanted.seed)
    Path("out").mkdir(exist_ok=True)
    with Path("out/tickets.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "premium", "department"])
        for _ in range(wanted.tickets):
            text, department = ticket(chance)
            writer.writerow([text, str(chance.random() < 0.2).lower(), department])


if __name__ == "__main__":
    main()
