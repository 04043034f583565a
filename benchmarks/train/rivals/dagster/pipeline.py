"""A job that fans out, a process a step, two at a time: ``pipeline.py WORK STEPS``."""

import sys

import work
from dagster import DagsterInstance, DynamicOut, DynamicOutput, job, op, reconstructable
from dagster import execute_job as execute


@op(out=DynamicOut(), config_schema={"steps": int})
def numbers(context):
    """Fan out."""
    for number in range(1, context.op_config["steps"] + 1):
        yield DynamicOutput(number, mapping_key=str(number))


@op(config_schema={"work": str})
def one(context, number):
    """A step."""
    getattr(work, context.op_config["work"])(number)


@job
def fan():
    """One step a number."""
    numbers().map(one)


if __name__ == "__main__":
    config = {
        "ops": {
            "numbers": {"config": {"steps": int(sys.argv[2])}},
            "one": {"config": {"work": sys.argv[1]}},
        },
        "execution": {"config": {"multiprocess": {"max_concurrent": 2}}},
    }
    with DagsterInstance.get() as instance:
        done = execute(reconstructable(fan), instance=instance, run_config=config)
    sys.exit(0 if done.success else 1)
