"""Does a wheel hold every file of the root folders that are packages, and nothing else?

Usage: wheel_is_whole.py SOURCE WHEEL
"""

import sys
import tomllib
import zipfile
from pathlib import Path


def expected_files(source: Path) -> set[str]:
    """Return what each packaged folder holds, under the name it is imported by."""
    folders = tomllib.loads((source / "pyproject.toml").read_text())["tool"]["setuptools"]["package-dir"]
    return {
        f"{package.replace('.', '/')}/{path.relative_to(source / folder).as_posix()}"
        for package, folder in folders.items()
        for path in (source / folder).rglob("*")
        if path.is_file()
    }


def main() -> None:
    source, wheel = Path(sys.argv[1]), Path(sys.argv[2])
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    expected = expected_files(source)
    for complaint, names in (("is missing from", expected - packed), ("does not belong in", packed - expected)):
        for name in sorted(names):
            print(f"{name} {complaint} {wheel.name}")
    sys.exit(packed != expected)


if __name__ == "__main__":
    main()
