"""Streams that close, full disks, signals, other writers: earlier files stay whole, and nothing is left behind."""

import os
import sys

import pytest
from running import play
from scenes import SCENES, can_mount

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the devices, limits and namespaces are Linux's")


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: f"{scene.area}: {scene.what}")
def test_scene(scene, tmp_path):
    if scene.what == "a full disk" and not can_mount():
        pytest.skip("the system lets nobody mount a small file system")
    if "full disk" in scene.what and not os.path.exists("/dev/full"):
        pytest.skip("the system has no /dev/full")
    outcome = play(scene, tmp_path, 0)
    assert outcome.exit == scene.exit, outcome.text
    assert scene.says in outcome.text
    assert "Traceback" not in outcome.text
    assert "fault of netcompile" not in outcome.text
    assert len(outcome.findings) <= scene.count
    assert bool(scene.says) <= bool(outcome.findings)
