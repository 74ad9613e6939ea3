"""Builds nets with pycaffe and says what came of them: a JSON request on each line in, a JSON answer on each line out.

Run as a script by the Python that has pycaffe, which may be an older one (from 3.6 on) and has no netcompile. Caffe
ends the process where it refuses a net: then there is no answer.
"""

import json
import os
import sys


def main() -> None:
    """Answer until the input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what Caffe and Python layers print must not get between the answers
    sys.path[0:1] = json.loads(sys.argv[1])
    print(json.dumps({"caffe": _find_caffe()}), file=answers, flush=True)
    for line in sys.stdin:
        try:
            answer = _build(json.loads(line))
        except Exception as error:  # noqa: BLE001 - whatever a Python layer raises
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


def _find_caffe() -> "str | None":
    """Import pycaffe, and return its place; None where there is none."""
    try:
        import caffe  # noqa: PLC0415 - told apart from other errors
    except ImportError as error:
        sys.stderr.write(f"{error}\n")
        return None
    caffe.set_mode_cpu()
    return os.path.dirname(str(caffe.__file__))


def _build(request: dict) -> dict:  # type: ignore[type-arg]
    """Build a net, and return the shapes of its blobs and of each layer's learned blobs."""
    import caffe  # noqa: PLC0415 - known to be there by now

    phase = {"TRAIN": caffe.TRAIN, "TEST": caffe.TEST}[request["phase"]]
    state = {}
    if request["level"] or request["stages"]:  # a Caffe of before 2016 takes no such arguments
        state = {"level": request["level"], "stages": request["stages"]}
    net = caffe.Net(request["path"], phase, **state)
    blobs = {name: _shape(blob) for name, blob in net.blobs.items()}
    params = {name: [_shape(blob) for blob in learned] for name, learned in net.params.items()}
    return {"blobs": blobs, "params": params}


def _shape(blob) -> list:  # type: ignore[no-untyped-def, type-arg] # noqa: ANN001
    """Return the dims of a blob."""
    return [int(dim) for dim in (blob.shape if hasattr(blob, "shape") else blob.data.shape)]


if __name__ == "__main__":
    main()
