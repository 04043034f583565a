"""Train a network; everything that decides how it goes on is in its checkpoint.

That is: the weights, the state of the optimiser and of the schedule, the state of random numbers
(of dropout and of the order of the rows), and how many epochs are done.
"""

import argparse
import json
import os
from pathlib import Path

import numpy as np
import torch
from torch import nn

import sealift

KEPT = Path(os.environ["SEALIFT_CHECKPOINTS"])


def rows(count, seed):
    """A table with a target that a small network can learn."""
    chance = torch.Generator().manual_seed(seed)
    table = torch.randn(count, 12, generator=chance)
    return table, torch.sin(table[:, :1]) * table[:, 1:2]


class Training:
    """A training, at the beginning of an epoch."""

    def __init__(self):
        torch.manual_seed(int(os.environ["SEALIFT_SEED"]))
        self.network = nn.Sequential(
            nn.Linear(12, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 64), nn.ReLU(),
            nn.Linear(64, 1),
        )  # fmt: skip
        self.optimiser = torch.optim.AdamW(self.network.parameters(), lr=0.003)
        self.schedule = torch.optim.lr_scheduler.StepLR(self.optimiser, 4, 0.5)
        self.done = 0

    def keep(self):
        """Write all of it, then give it its name: a file of that name is always a whole one."""
        parts = {name: part.state_dict() for name, part in self.parts().items()}
        torch.save(parts | {"chance": torch.get_rng_state(), "done": self.done}, KEPT / "new.pt")
        (KEPT / "new.pt").replace(KEPT / "last.pt")

    def go_on(self):
        """Be as the last checkpoint says."""
        kept = torch.load(KEPT / "last.pt", weights_only=True)
        for name, part in self.parts().items():
            part.load_state_dict(kept[name])
        torch.set_rng_state(kept["chance"])
        self.done = kept["done"]

    def parts(self):
        return {name: getattr(self, name) for name in ("network", "optimiser", "schedule")}

    def epoch(self, table, target):
        """One pass over all rows, in an order of its own; the mean loss."""
        self.network.train()
        losses = []
        for chosen in torch.randperm(len(table)).split(128):
            loss = nn.functional.mse_loss(self.network(table[chosen]), target[chosen])
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()
            losses.append(loss.item())
        self.schedule.step()
        self.done += 1
        return sum(losses) / len(losses)


def main():
    words = argparse.ArgumentParser()
    words.add_argument("--epochs", type=int, required=True)
    epochs = words.parse_args().epochs
    torch.use_deterministic_algorithms(True)
    training = Training()
    if (KEPT / "last.pt").exists():
        training.go_on()
    print(f"goes on from epoch {training.done}", flush=True)
    data = rows(20_000, 1)
    while training.done < epochs:
        sealift.log_metric("loss", training.epoch(*data), step=training.done)
        sealift.flush()
        training.keep()
    weights = {name: value.numpy() for name, value in training.network.state_dict().items()}
    np.savez("out/model.npz", **weights)
    training.network.eval()
    table, target = rows(5_000, 2)
    with torch.no_grad():
        error = nn.functional.mse_loss(training.network(table), target).item()
    Path("out/metrics.json").write_text(json.dumps({"mse": error}))


if __name__ == "__main__":
    main()
