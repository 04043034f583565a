"""A flow that maps a task, with results kept and cached by inputs: ``pipeline.py WORK STEPS``."""

import sys

import work
from prefect import flow, task
from prefect.cache_policies import INPUTS
from prefect.task_runners import ThreadPoolTaskRunner


@task(cache_policy=INPUTS, persist_result=True)
def one(kind, number):
    """A step."""
    getattr(work, kind)(number)
    return number


@flow(task_runner=ThreadPoolTaskRunner(max_workers=2))
def fan(kind, steps):
    """One task a number."""
    return one.map([kind] * steps, list(range(1, steps + 1))).result()


if __name__ == "__main__":
    fan(sys.argv[1], int(sys.argv[2]))
