"""``python -m peerflex`` and the ``peerflex`` command."""

from peerflex.runs.cli import main

if __name__ == "__main__":
    main()
