"""Auctions against the tools others use: assume-framework and pymarket, each on its own ground.

    python benchmarks/auction_rivals.py [ROUNDS]

*A day*: a uniform auction of 100 agents every 15 minutes for 24 hours, without a network (``_auction_day.py``). On both
sides every agent looks, bids, and has its dispatch and its money booked; neither writes a file.

*A clearing*: books of 1000 and 10 000 bids, half of them to sell, all prices different. pymarket has no uniform
auction; nearest to one of ours is its ``huang``, the multi-unit trade reduction that ``mcafee`` also is.

Rivals get a virtual environment each, in ``build/rivals``, made at the first use with the versions below, and run as
processes of their own that time themselves: CPU seconds, no imports, no set-up, on both sides. The sides take turns;
the first round is not counted; volumes and prices must agree in every round.
"""

import gc
import json
import os
import subprocess
import sys
import tempfile
import venv
from dataclasses import asdict
from pathlib import Path
from statistics import median
from time import process_time

import numpy as np
from _auction_day import Cleared, market_alone, open_model, random_day, whole_step, write_scenario

from peerflex.core.streams import stream
from peerflex.core.trade import Orders, Signal, free_terms
from peerflex.core.units import BUY, SELL
from peerflex.markets.mcafee import McAfeeAuction

HERE = Path(__file__).parent
ENVIRONMENTS = HERE.parent / "build" / "rivals"
VERSIONS = {
    "assume_day": ("assume-framework==0.6.0", "mango-agents==2.4.0", "pandas==3.1.1", "numpy==2.4.6"),
    "pymarket_clearing": ("pymarket==0.7.6", "pandas==2.3.3", "numpy==2.4.6"),  # it writes into what pandas 3 protects
}
DAY_REQUIRED, CLEARING_REQUIRED = 20.0, 100.0
AGREE = 1e-9


def environment(rival: str) -> Path:
    """Return the Python of a rival's environment, made if it is not there yet."""
    folder = ENVIRONMENTS / rival
    python, ready = folder / "bin" / "python", folder / "ready"
    wanted = "\n".join(VERSIONS[rival])
    if not (ready.is_file() and ready.read_text() == wanted):
        print(f"setting up {folder} ({', '.join(VERSIONS[rival])}), once", flush=True)
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *VERSIONS[rival]], check=True)
        ready.write_text(wanted)
    return python


def play(rival: str, workload: Path) -> dict[str, float | list[float]]:
    """Return what a rival says of a workload."""
    command = [environment(rival), HERE / "rivals" / f"{rival}.py", workload]
    settings = os.environ | {"OMP_NUM_THREADS": "1"}
    ended = subprocess.run(command, capture_output=True, text=True, env=settings, cwd=workload.parent)
    if ended.returncode:
        raise SystemExit(f"{rival} failed:\n{ended.stderr[-2000:]}")
    return json.loads(ended.stdout.splitlines()[-1])


def compare(what: str, *pairs: tuple[object, object]) -> None:
    for ours, theirs in pairs:
        if np.shape(ours) != np.shape(theirs) or not np.allclose(ours, theirs, rtol=0, atol=AGREE):
            raise SystemExit(f"{what}: the two sides disagree")


def tidy() -> None:
    gc.collect()
    gc.freeze()


def a_day(rounds: int, folder: Path) -> bool:
    """Print the contest of a day; True if it is won by as much as is required."""
    day, workload = random_day(), folder / "day.npz"
    np.savez(workload, **asdict(day))
    scenario = write_scenario(folder, day)
    market_s, step_s, rival_s = [], [], []
    for _ in range(rounds + 1):
        model = open_model(scenario, day)
        tidy()
        market: Cleared = market_alone(model)
        whole = whole_step(model)
        model.close()
        rival = play("assume_day", workload)
        for mine in (market, whole):
            compare(
                "a day", (mine.volume_mw, rival["volume_mw"]), (mine.highest_eur_per_mwh, rival["price_eur_per_mwh"])
            )
        market_s.append(market.seconds)
        step_s.append(whole.seconds)
        rival_s.append(rival["seconds"])
    print(f"workload   uniform auction, 100 agents, 96 steps of 15 minutes; the sides in turn, median of {rounds}")
    print(f"peerflex   {1e3 * median(market_s[1:]):8.0f} ms CPU, the market alone, no network")
    print(f"peerflex   {1e3 * median(step_s[1:]):8.0f} ms CPU, whole steps, with meters, ledger and the flow of a wire")
    print(f"rival      {1e3 * median(rival_s[1:]):8.0f} ms CPU, assume-framework 0.6.0, pay-as-clear, naive strategies")
    ratio = median(theirs / mine for theirs, mine in zip(rival_s[1:], market_s[1:], strict=True))
    whole_ratio = median(theirs / mine for theirs, mine in zip(rival_s[1:], step_s[1:], strict=True))
    print(f"ratio      {ratio:.0f} times (required: {DAY_REQUIRED:g}); {whole_ratio:.0f} times with whole steps")
    return ratio >= DAY_REQUIRED


def random_book(n: int) -> Orders:
    """Return bids of up to 10 kW: costs of 40 to 120 EUR/MWh, values of 60 to 140, no two prices alike."""
    rng = stream(1, "benchmark", n)
    side = np.where(np.arange(n) % 2 == 0, SELL, BUY)
    price = (np.where(side == SELL, 40, 60) + 80 * rng.permutation(n) / n).round(4)
    return Orders.plain(
        np.arange(n),
        side,
        rng.uniform(0.001, 0.01, n),
        price + np.where(side == SELL, 0.0, 5e-5),
        np.ones(n, dtype=np.bool_),
        np.zeros(n, dtype=np.int64),
        np.full(n, 3600),
    )


def a_clearing(n: int, rounds: int, folder: Path) -> bool:
    """Print the contest of a clearing; True if it is won by as much as is required."""
    orders, workload = random_book(n), folder / f"book-{n}.npz"
    np.savez(
        workload,
        quantity_mw=orders.quantity_mw,
        price_eur_per_mwh=orders.price_eur_per_mwh,
        buys=orders.side == BUY,
    )
    signal, rng, market = (
        Signal(np.zeros(1), np.zeros(1, dtype=np.bool_), free_terms(n)),
        stream(1, "b"),
        McAfeeAuction(),
    )
    ours_s, rival_s = [], []
    for _ in range(rounds + 1):
        tidy()
        start = process_time()
        result = market.clear(orders, signal, rng)
        ours_s.append(process_time() - start)
        rival = play("pymarket_clearing", workload)
        rival_s.append(rival["seconds"])
        trades = result.trades
        compare(
            f"{n} bids",
            (trades.quantity_mw.sum(), rival["volume_mw"]),
            (trades.price_eur_per_mwh[0], rival["sellers_get"]),
            ((trades.price_eur_per_mwh + trades.fee_eur_per_mwh)[0], rival["buyers_pay"]),
        )
    ratio = median(theirs / mine for theirs, mine in zip(rival_s[1:], ours_s[1:], strict=True))
    print(f"workload   one clearing of {n} bids; the sides in turn, median of {rounds}")
    print(f"peerflex   {1e3 * median(ours_s[1:]):8.2f} ms CPU, mcafee (multi-unit trade reduction)")
    print(f"rival      {1e3 * median(rival_s[1:]):8.0f} ms CPU, pymarket 0.7.6, huang (multi-unit trade reduction)")
    print(f"ratio      {ratio:.0f} times (required: {CLEARING_REQUIRED:g})")
    return ratio >= CLEARING_REQUIRED


def main(rounds: int) -> int:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        won = [a_day(rounds, folder), *(a_clearing(n, rounds, folder) for n in (1000, 10_000))]
    return int(not all(won))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
