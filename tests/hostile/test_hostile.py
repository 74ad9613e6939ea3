"""Each hostile input gets one clear error, which a terminal can show, and leaves earlier files as they were."""

import os
import signal

import pytest
from cases import CASES
from running import EARLIER

from netcompile.cli import main

SIZE = 100_000
SECONDS = 60  # no time to keep to: an input that takes for ever must not hold up the tests


def _too_late(_signal, _frame):
    message = f"still running after {SECONDS} s"
    raise TimeoutError(message)


@pytest.fixture
def alarm():
    """Ends what takes for ever."""
    before = signal.signal(signal.SIGALRM, _too_late)
    signal.alarm(SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="needs an alarm that ends what takes for ever")
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.area}: {case.what}")
@pytest.mark.usefixtures("alarm")
def test_hostile_input(case, tmp_path, monkeypatch, capfdbinary):
    folder = tmp_path / "folder"
    folder.mkdir()
    monkeypatch.chdir(folder)
    output = folder / "out.prototxt"
    output.write_bytes(EARLIER)
    arguments = case.make(folder, SIZE)
    files = sorted(os.listdir(folder))
    code = main(arguments)
    out, err = capfdbinary.readouterr()
    text = (err + out).decode()
    assert code == case.exit, text[:2000]
    assert case.says in text
    assert "fault of netcompile" not in text
    assert text.replace("\n", "").isprintable()
    if case.exit:
        complaints = [
            line for line in text.split("\n") if ": error[" in line or line.startswith(("error[", "netcompile: "))
        ]
        assert len(complaints) <= case.count, text[:2000]
        assert output.read_bytes() == EARLIER
        assert sorted(os.listdir(folder)) == files


def test_the_cases_have_names_of_their_own():
    names = [(case.area, case.what) for case in CASES]
    assert len(names) == len(set(names)) > 100
