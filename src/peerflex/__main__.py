"""``python -m peerflex`` and the ``peerflex`` command."""

import os

# Before numpy is imported: threads gain nothing on matrices of an hour's size, and fight for the cores of a study.
for _threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")

from peerflex.runs.cli import main  # noqa: E402

if __name__ == "__main__":
    main()
