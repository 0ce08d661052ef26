"""Where networks come from: bundled, SimBench, pandapower JSON, MATPOWER."""

import csv
import hashlib
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from peerflex.core.errors import InputError
from peerflex.grid import rbts2

BUNDLED = ("case69", "case33bw", "cigre-mv", "cigre-lv", "rbts2")
SOURCES = ("bundled", "simbench", "pandapower", "matpower")
_CASE69 = "case69.csv"
_CASE69_KV = 12.66
_TABLES = {"case69": _CASE69, "rbts2": rbts2.DATA}


def read_network(source: str, name: str, base: Path | None = None) -> Any:
    """Return the pandapower network ``name`` of ``source``; InputError if there is none or it cannot be read.

    source: 'bundled' (one of BUNDLED), 'simbench' (a SimBench code), 'pandapower' (a JSON file), 'matpower'
    (a ``.m`` or ``.mat`` file). Files are relative to the folder ``base`` and may not lie outside it.
    """
    where = f"grid {source} {name!r}"
    if source == "bundled":
        return _read_bundled(name, where)
    if source == "simbench":
        return _read_simbench(name, where)
    path = _file(source, name, base)
    try:
        return _read_pandapower(path, where) if source == "pandapower" else _read_matpower(path, where)
    except InputError:
        raise
    except Exception as error:  # readers of other projects fail in their own ways
        raise InputError(
            where, f"not a readable {source} file ({type(error).__name__}: {error})", "Save the network again."
        ) from None


def fingerprint(source: str, name: str, base: Path | None = None) -> str:
    """Return the SHA-256 of what the network is read from: the file, or its name and the version that holds it."""
    if source == "bundled":
        table = _TABLES.get(name)
        content = (files("peerflex.grid") / "data" / table).read_bytes() if table else _versioned(name)
    elif source == "simbench":
        content = f"{name} of simbench {version('simbench')}".encode()
    else:
        content = _file(source, name, base).read_bytes()
    return hashlib.sha256(content).hexdigest()


def _versioned(name: str) -> bytes:
    return f"{name} of pandapower {version('pandapower')}".encode()


def _file(source: str, name: str, base: Path | None) -> Path:
    where = f"grid {source} {name!r}"
    if source not in SOURCES:
        raise InputError(where, f"unknown source {source!r}", f"Use one of: {', '.join(SOURCES)}.")
    folder = (base or Path.cwd()).resolve()
    path = (folder / name).resolve()
    if base is not None and not path.is_relative_to(folder):
        raise InputError(where, "the file lies outside the scenario's folder", "Copy it beside the scenario.")
    if not path.is_file():
        raise InputError(where, f"there is no file {path}", "Give the path relative to the scenario file.")
    return path


def _read_bundled(name: str, where: str) -> Any:
    if name == "case69":
        return case69()
    if name == "rbts2":
        return rbts2.rbts2()
    from pandapower import networks

    builders = {
        "case33bw": networks.case33bw,
        "cigre-mv": networks.create_cigre_network_mv,
        "cigre-lv": networks.create_cigre_network_lv,
    }
    if name not in builders:
        raise InputError(where, "there is no bundled network of this name", f"Use one of: {', '.join(BUNDLED)}.")
    return builders[name]()


def case69() -> Any:
    """Return the 69-bus feeder, 12.66 kV, with its published constant loads.

    Branches and loads: M. E. Baran and F. F. Wu, "Optimal capacitor placement on radial distribution systems",
    IEEE Trans. Power Delivery 4(1), 725-734, 1989, as tabulated by D. Das, Int. J. Electrical Power & Energy
    Systems 30(6-7), 361-367, 2008. Ratings are not in either table; those used with this feeder since J. S.
    Savier and D. Das, IEEE Trans. Power Delivery 22(4), 2007: branches 1-9 400 A, 46-49 and 52-64 300 A,
    all others 200 A.
    """
    import pandapower

    lines = (files("peerflex.grid") / "data" / _CASE69).read_text(encoding="utf-8").splitlines()
    net = pandapower.create_empty_network(name="case69", f_hz=60.0)
    supply = pandapower.create_bus(net, vn_kv=_CASE69_KV, name="1")
    pandapower.create_ext_grid(net, supply, vm_pu=1.0)
    buses = {"1": supply}
    for row in csv.DictReader(lines):
        start, end = row["from_bus"], row["to_bus"]
        buses[end] = pandapower.create_bus(net, vn_kv=_CASE69_KV, name=end)
        pandapower.create_line_from_parameters(
            net,
            buses[start],
            buses[end],
            length_km=1.0,
            r_ohm_per_km=float(row["r_ohm"]),
            x_ohm_per_km=float(row["x_ohm"]),
            c_nf_per_km=0.0,
            max_i_ka=float(row["max_i_ka"]),
            name=f"{start}-{end}",
        )
        p_mw, q_mvar = float(row["p_kw"]) / 1e3, float(row["q_kvar"]) / 1e3
        if p_mw or q_mvar:
            pandapower.create_load(net, buses[end], p_mw=p_mw, q_mvar=q_mvar, name=f"load {end}")
    return net


def _read_simbench(code: str, where: str) -> Any:
    import simbench

    if code not in simbench.collect_all_simbench_codes():
        raise InputError(where, "SimBench has no such code", "Codes look like 1-LV-semiurb5--2-sw.")
    return simbench.get_simbench_net(code)


def _read_pandapower(path: Path, where: str) -> Any:
    import pandapower

    net = pandapower.from_json(str(path))
    if not isinstance(net, pandapower.pandapowerNet):
        raise InputError(where, "the file holds something else than a network", "Save one with pandapower.to_json.")
    return net


def _read_matpower(path: Path, where: str) -> Any:
    from peerflex.grid.matpower import read_matpower

    return read_matpower(path, where)
