"""Make sales.csv: counts of a Poisson distribution, the logarithm of whose rate is linear in the features."""

import csv
from pathlib import Path

import numpy as np


def rows(n: int = 400) -> list[list[str]]:
    rng = np.random.default_rng(0)
    found = [["price", "temperature", "saturday", "apples"]]
    for day in range(n):
        price, temperature, saturday = rng.uniform(1, 4), 15 + 8 * rng.normal(), int(day % 6 == 5)  # euro, °C
        rate = np.exp(1 - 0.8 * (price - 2.5) + 0.03 * (temperature - 15) + 0.7 * saturday)
        found.append([f"{price:.2f}", f"{temperature:.1f}", f"{saturday}", f"{rng.poisson(rate)}"])
    return found


if __name__ == "__main__":
    with (Path(__file__).parent / "sales.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows())
