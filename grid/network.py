"""The front of this room: open a network, solve it, check it."""

import warnings
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from peerflex.core.arrays import Floats
from peerflex.core.network import GridState
from peerflex.core.people import Connections, Profiles
from peerflex.grid import cache, compiled, connections
from peerflex.grid.ac import AcGrid
from peerflex.grid.compile import Origin, bare_network, compile_network
from peerflex.grid.compiled import Arrays, Compiled
from peerflex.grid.connections import Year, base_case, read_connections
from peerflex.grid.factors import AS_IS, Factors
from peerflex.grid.linear import LinearGrid
from peerflex.grid.model_error import misjudge_impedances
from peerflex.grid.newton import Newton
from peerflex.grid.sources import fingerprint, read_network


@dataclass(frozen=True, slots=True)
class Network:
    """A network that was read, compiled and checked.

    ``ac`` solves it, ``connections`` is what its file says is connected, ``year`` the year of profiles it may
    bring. ``deviation_pu`` and ``deviation_loading`` are the largest differences of voltage and loading between
    the engine and ``pandapower.runpp`` with the file's own loads, measured when it was compiled.
    ``fingerprint`` is the SHA-256 of the input. ``dc`` is its lossless linear physics.
    """

    ac: AcGrid
    connections: Connections
    year: Year | None
    deviation_pu: float
    deviation_loading: float
    fingerprint: str
    wires: Compiled
    newton: Newton
    dc: LinearGrid

    def linear(self) -> LinearGrid:
        """Return the lossless linear physics of the same network."""
        return self.dc

    def with_ratings(self, rating_mva: Floats) -> "Network":
        """Return the same network with other branch ratings ``(branches,)``; infinite for none."""
        wires = self.wires.with_ratings(rating_mva)
        newton = self.newton.on(wires)
        return replace(self, ac=self.ac.on(wires, newton), wires=wires, newton=newton, dc=self.dc.on(wires))

    @property
    def slack_bus(self) -> int:
        """The first bus at the upstream grid."""
        return int(np.flatnonzero(self.wires.row == self.wires.slack[0])[0])

    @property
    def profiles(self) -> Profiles | None:
        """The whole year by connection (large: ``year.window`` gives a part), or None if the network has none."""
        return None if self.year is None else self.year.window(0, len(self.year))

    def check(self, state: GridState) -> tuple[float, float]:
        """Return (largest |dv| in pu, largest |dloading|) between a state and ``runpp`` at its injections."""
        return self.newton.deviation(state)


def open_network(
    source: str,
    name: str,
    *,
    base: Path | None = None,
    impedance_error: float = 0.0,
    seed: int = 0,
    factors: Factors = AS_IS,
) -> Network:
    """Return the network ``name`` of ``source`` (see ``grid.sources``), compiled, from the cache if it is there.

    ``impedance_error`` is the relative standard deviation of every branch's impedance, for the model of a DSO
    that does not know its cables well; ``seed`` then says which wrong model. ``factors`` make it another network
    before anybody misjudges it. Raises InputError.
    """
    factors.check(f"grid {source} {name!r}")
    wrong_by = (impedance_error, seed) if impedance_error else (0.0, 0)
    return _opened(source, name, base, *wrong_by, factors, fingerprint(source, name, base))


@lru_cache(maxsize=8)  # a study of network variants, each with the DSO's own model
def _opened(
    source: str, name: str, base: Path | None, impedance_error: float, seed: int, factors: Factors, print_: str
) -> Network:
    """Return a network of this process: an ensemble opens the same one for every run."""
    network = _unrated(source, name, base, impedance_error, seed, factors, print_)
    if factors.line_rating == factors.trafo_rating == 1.0:
        return network
    return network.with_ratings(factors.on_ratings(network.wires.branches))


def _unrated(
    source: str, name: str, base: Path | None, impedance_error: float, seed: int, factors: Factors, print_: str
) -> Network:
    """Return a network of the cache on disk, or build it; ratings are as its file has them."""
    key = cache.cache_key(print_, source, impedance_error, seed if impedance_error else None, factors.line_impedance)
    saved = cache.load(key)
    if saved is not None:
        try:
            return _assemble(saved, print_)
        except (KeyError, ValueError, IndexError):  # damaged: built again
            pass
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what pandapower finds old-fashioned about a file or about pandas
        arrays = _build(source, name, base, impedance_error, seed, factors, print_)
    cache.save(key, arrays)
    return _assemble(arrays, print_)


def _build(
    source: str, name: str, base: Path | None, impedance_error: float, seed: int, factors: Factors, print_: str
) -> Arrays:
    import pandapower

    net = factors.on_lines(read_network(source, name, base))
    if impedance_error:
        net = misjudge_impedances(net, impedance_error, seed)
    bare = bare_network(net)
    wires, origin = compile_network(pandapower.from_json_string(bare, convert=False), net, f"grid {source} {name!r}")
    position = {int(index): row for row, index in enumerate(origin.bus)}
    arrays = compiled.to_arrays(wires) | connections.to_arrays(*read_connections(net, position))
    arrays["bare"] = np.frombuffer(bare.encode(), dtype=np.uint8)
    arrays["origin.bus"], arrays["origin.branch"] = origin.bus, origin.branch
    return arrays | {"deviation": _deviation(arrays, print_)}


def _deviation(arrays: Arrays, print_: str) -> Floats:
    """Return the largest differences between engine and ``runpp`` with the file's loads (those that can be served)."""
    network = _assemble(arrays | {"deviation": np.zeros(2)}, print_)
    state = network.ac.solve(base_case(network.connections, len(network.ac.buses)))
    return np.array(network.check(state))


def _assemble(arrays: Arrays, print_: str) -> Network:
    wires = compiled.from_arrays(arrays)
    newton = Newton(wires, arrays["bare"].tobytes().decode(), Origin(arrays["origin.bus"], arrays["origin.branch"]))
    deviation_pu, deviation_loading = (float(value) for value in arrays["deviation"])
    return Network(
        AcGrid(wires, newton),
        *connections.from_arrays(arrays),
        deviation_pu,
        deviation_loading,
        print_,
        wires,
        newton,
        LinearGrid(wires),
    )
