"""A flow that fans out: ``pipeline.py run --work noop --steps 100``."""

import work as work_of_a_step
from metaflow import FlowSpec, Parameter, step


class Fan(FlowSpec):
    """One task a number."""

    work = Parameter("work", default="noop")
    steps = Parameter("steps", default=100)

    @step
    def start(self):
        """Fan out."""
        self.numbers = list(range(1, self.steps + 1))
        self.next(self.one, foreach="numbers")

    @step
    def one(self):
        """A step."""
        getattr(work_of_a_step, self.work)(self.input)
        self.next(self.join)

    @step
    def join(self, inputs):
        """Wait for all."""
        self.next(self.end)

    @step
    def end(self):
        """Nothing is left to do."""


if __name__ == "__main__":
    Fan()
