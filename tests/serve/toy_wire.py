"""Protocol requests with binary tensors, put together byte by byte as clients do."""

import json
import struct

import numpy as np


def packed(values, dtype):
    """The bytes of a tensor: texts with their lengths, numbers little-endian."""
    if dtype == "BYTES":
        raw = [value if isinstance(value, bytes) else value.encode() for value in values]
        return b"".join(struct.pack("<I", len(one)) + one for one in raw)
    return np.asarray(values, np.dtype(dtype).newbyteorder("<")).tobytes()


def tensor(name, shape, datatype, blob):
    """An input whose data follows in binary."""
    parameters = {"binary_data_size": len(blob)}
    return {"name": name, "shape": shape, "datatype": datatype, "parameters": parameters}


def request(server, message, blobs=(), model="toy", **headers):
    """POST a message with blobs behind it; the answer."""
    text = json.dumps(message).encode()
    return server.post(
        text + b"".join(blobs),
        path=f"/v2/models/{model}/infer",
        **{
            "content-type": "application/octet-stream",
            "inference-header-content-length": str(len(text)),
            **headers,
        },
    )


def taken(answer):
    """The message of an answer, and the bytes of each output by name."""
    length = answer.headers.get("inference-header-content-length")
    if length is None:
        return answer.json(), {}
    message = json.loads(answer.content[: int(length)])
    begin, blobs = int(length), {}
    for output in message["outputs"]:
        if "data" not in output:
            size = output["parameters"]["binary_data_size"]
            blobs[output["name"]] = answer.content[begin : begin + size]
            begin += size
    assert begin == len(answer.content)
    return message, blobs
