"""MATPOWER case files, version 2: the tables, and the unit conversions that may stand behind them."""

import re
from pathlib import Path
from typing import Any

import numpy as np

from peerflex.core.arrays import Floats
from peerflex.core.errors import InputError

_COMMENT = re.compile(r"%.*")
_TABLE = re.compile(r"mpc\.(\w+)\s*=\s*\[([^\]]*)\]\s*;?")
_CELLS = re.compile(r"mpc\.\w+\s*=\s*\{[^}]*\}\s*;?")
_SCALAR = re.compile(r"mpc\.(\w+)\s*=\s*('?[\w.+-]*'?)\s*;?")
_COLUMN_NAMES = re.compile(r"\[[A-Z0-9_,\s]*\]\s*=\s*idx_(?:bus|brch|gen)\s*;?")
_BASE_VOLTAGE = "Vbase=mpc.bus(1,BASE_KV)*1e3"
_BASE_POWER = "Sbase=mpc.baseMVA*1e6"
_OHM_TO_PU = "mpc.branch(:,[BR_RBR_X])=mpc.branch(:,[BR_RBR_X])/(Vbase^2/Sbase)"
_KW_TO_MW = "mpc.bus(:,[PD,QD])=mpc.bus(:,[PD,QD])/1e3"
_NO_LIMIT_KA = 99999.0


def read_case(path: Path, where: str) -> dict[str, Any]:
    """Return ``baseMVA`` and the tables ``bus``, ``gen``, ``branch`` of a ``.m`` file, in MW, Mvar and per unit.

    Many distribution cases give ohm and kW and end in code that converts them: the two usual conversions are
    done here, any other statement is refused, since its effect is not known.
    """
    text = _COMMENT.sub("", path.read_text(encoding="utf-8", errors="replace")).replace("...", " ")
    text = re.sub(r"^\s*function\s+mpc\s*=\s*\w+\s*;?", "", text)
    case: dict[str, Any] = {name: _table(name, body, where) for name, body in _TABLE.findall(text)}
    text = _CELLS.sub("", _TABLE.sub("", text))
    case |= {name: float(value) for name, value in _SCALAR.findall(text) if name == "baseMVA"}
    missing = sorted({"baseMVA", "bus", "gen", "branch"} - set(case))
    if missing:
        raise InputError(where, f"no mpc.{missing[0]} found", "Give a MATPOWER case file of version 2.")
    _convert(case, _COLUMN_NAMES.sub("", _SCALAR.sub("", text)), where)
    return case


def _table(name: str, body: str, where: str) -> Floats:
    rows = [row.replace(",", " ").split() for row in re.split(r"[;\n]", body)]
    try:
        return np.array([[float(cell) for cell in row] for row in rows if row], dtype=np.float64)
    except ValueError as error:
        raise InputError(
            f"{where}: mpc.{name}", f"not a table of numbers ({error})", "Write plain numbers, rows of equal length."
        ) from None


def _convert(case: dict[str, Any], code: str, where: str) -> None:
    bases = set()
    for raw in re.split(r"[;\n]", code):
        statement = re.sub(r"\s+", "", raw)
        if statement in (_BASE_VOLTAGE, _BASE_POWER):
            bases.add(statement)
        elif statement == _OHM_TO_PU and len(bases) == 2:
            case["branch"][:, 2:4] /= case["bus"][0, 9] ** 2 / case["baseMVA"]
        elif statement == _KW_TO_MW:
            case["bus"][:, 2:4] /= 1e3
        elif statement:
            raise InputError(
                where,
                f"code that peerflex does not interpret: {raw.strip()!r}",
                "Do its work in the tables (per unit, MW, Mvar) and remove it.",
            )


def read_matpower(path: Path, where: str) -> Any:
    """Return the pandapower network of a MATPOWER ``.m`` or ``.mat`` file; a rating of 0 means no limit."""
    from pandapower.converter.matpower.from_mpc import _adjust_ppc_indices, _change_ppc_TAP_value, _mat2ppc
    from pandapower.converter.pypower import from_ppc

    if path.suffix == ".mat":
        case = _mat2ppc(str(path), "mpc")
    else:
        case = read_case(path, where)
        _adjust_ppc_indices(case)
        _change_ppc_TAP_value(case)
    net = from_ppc(case, f_hz=50, validate_conversion=False)
    net.line.loc[net.line.max_i_ka >= _NO_LIMIT_KA, "max_i_ka"] = np.nan
    return net
