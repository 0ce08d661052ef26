"""A run of a clone says which commit made it."""

import subprocess
from pathlib import Path

import pytest

from peerflex.runs.log.manifest import commit

pytestmark = pytest.mark.tree

ROOT = Path(__file__).parents[1]


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="this tree is no clone")
def test_a_run_names_the_commit_of_its_clone() -> None:
    head = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    assert (commit() or "").removesuffix("-dirty") == head.stdout.strip()
