"""Plain requests that were answered together are counted, and some of their rows recorded."""

from __future__ import annotations

import functools

from sealift import clock
from sealift.record.contract import Contract
from sealift.serve.company import Company
from sealift.serve.metrics import Metrics
from sealift.serve.native import Express as Code
from sealift.serve.predict import logged
from sealift.serve.protocol import Protocol
from sealift.serve.recorder import Answered, Recorder
from sealift.serve.statistics import Statistics
from sealift.serve.tensors import Row, cells


class Noting:
    """What is noted of requests for one model; ``recorder`` is where predictions are logged."""

    def __init__(
        self,
        contract: Contract,
        protocol: Protocol,
        statistics: Statistics,
        metrics: Metrics,
        recorder: Recorder | None,
    ) -> None:
        self._prediction = contract.prediction
        self._labels = contract.task == "classification"
        self._protocol = protocol
        self._statistics = statistics
        self._metrics = metrics
        self._recorder = recorder

    def note(self, code: Code, company: Company) -> None:
        """Count requests, and record some of their rows, whose inputs and outputs are in memory."""
        now, at = clock.monotonic(), clock.now()
        ran, requests = company.ran, company.requests
        self._statistics.answered(
            company.rows,
            at,
            joined=ran.rows,
            requests=requests,
            read=company.reading,
            waited=(ran.started - company.read) * requests,
            computed=(ran.ended - ran.started) * requests,
            wrote=now - ran.ended,
        )
        self._metrics.given(company.rows)
        recorder = self._recorder
        if recorder is None or not (kept := recorder.chosen(company.rows)):
            return
        seconds = now - company.came
        for member, numbers in company.members(kept):
            inputs = [member.first + number for number in numbers]
            outputs = [place - company.begin for place in inputs]
            said = code.said[self._prediction].copied(outputs)
            recorder.add(
                Answered(
                    id=member.id,
                    at=at,
                    generation=member.generation,
                    seconds=seconds,
                    count=member.rows,
                    kept=numbers,
                    rows=functools.partial(self._rows, code, code.copied(inputs), len(inputs)),
                    outputs=functools.partial(self._outputs, code, said, len(outputs)),
                    flags={},
                    trace=member.trace.id if member.trace else "",
                )
            )

    def _rows(self, code: Code, copied: dict[str, bytes], rows: int) -> list[Row]:
        """Rows of the inputs as they are recorded."""
        return self._protocol.spelled(
            {name: code.tensors[name].read(data, rows) for name, data in copied.items()}
        )

    def _outputs(self, code: Code, copied: bytes, rows: int) -> list[float | str | None]:
        """Predictions as they are recorded."""
        said = code.said[self._prediction].read(copied, rows)
        return logged(cells(said), labels=self._labels)


__all__ = ["Noting"]
