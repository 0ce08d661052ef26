"""One clearing of Huang's auction in pymarket 0.7: python pymarket_clearing.py BOOK.npz, prints a line of JSON.

Timed is the mechanism on a frame of bids that exists already, in CPU seconds, after a small book that warms it up.
"""

import json
import sys
import warnings
from time import process_time

import numpy as np
import pandas as pd
from pymarket.mechanisms import HuangAuction


def main(path: str) -> None:
    warnings.simplefilter("ignore")
    book = np.load(path)
    bids = pd.DataFrame(
        {
            "quantity": book["quantity_mw"],
            "price": book["price_eur_per_mwh"],
            "user": np.arange(len(book["buys"])),
            "buying": book["buys"],
            "time": 0,
            "divisible": True,
        }
    )
    HuangAuction(bids.iloc[:50].copy()).run()
    start = process_time()
    transactions, extra = HuangAuction(bids).run()
    seconds = process_time() - start
    answer = {
        "seconds": seconds,
        "volume_mw": float(extra["quantity_traded"]),
        "sellers_get": float(extra["price_sell"]),
        "buyers_pay": float(extra["price_buy"]),
        "trades": len(transactions.get_df()),
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1])
