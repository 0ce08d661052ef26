"""Compiled networks on disk, so that opening one again takes neither pandapower nor patience."""

import hashlib
import os
import tempfile
import zipfile
from importlib.metadata import version
from pathlib import Path

import numpy as np

from peerflex.grid.compiled import Arrays

_BUILDERS = ("peerflex", "pandapower", "simbench", "numpy", "scipy")


def cache_key(*parts: object) -> str:
    """Return the name of what was built from these parts by this code of ours and these versions of others'."""
    versions = [f"{name} {version(name)}" for name in _BUILDERS]
    digest = hashlib.sha256(repr((versions, parts)).encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()


def cache_folder() -> Path:
    """Return ``$PEERFLEX_CACHE``, or ``~/.cache/peerflex``."""
    return Path(os.environ.get("PEERFLEX_CACHE") or Path.home() / ".cache" / "peerflex")


def load(key: str) -> Arrays | None:
    """Return the arrays saved under a key, or None if there are none or the file is damaged."""
    try:
        with np.load(cache_folder() / f"{key}.npz", allow_pickle=False) as saved:
            return {name: saved[name] for name in saved.files}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def save(key: str, arrays: Arrays) -> None:
    """Save arrays under a key, whole or not at all; a cache that cannot be written is done without."""
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=f"{key}-", delete=False) as draft:
            np.savez(draft, allow_pickle=False, **arrays)
        os.replace(draft.name, folder / f"{key}.npz")
    except OSError:
        return
