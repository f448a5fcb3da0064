"""Make houses.csv: prices whose logarithm is linear in the features, with normal noise of standard deviation 0.3."""

import csv
from pathlib import Path

import numpy as np

DISTRICTS = {"north": 0.0, "east": -0.2, "south": 0.1, "old town": 0.5}


def rows(n: int = 500) -> list[list[str]]:
    rng = np.random.default_rng(0)
    found = [["area", "age", "distance", "garden", "district", "price", "log_price"]]
    for _ in range(n):
        area, age, distance = 40 + 60 * rng.gamma(2), rng.uniform(0, 100), rng.exponential(5)  # m², years, km
        garden, district = rng.random() < 0.4, str(rng.choice([*DISTRICTS]))
        log_price = 11.6 + 0.007 * (area - 100) - 0.004 * age - 0.04 * distance + 0.15 * garden + DISTRICTS[district]
        price = round(float(np.exp(log_price + 0.3 * rng.normal())), -2)
        found.append([f"{area:.0f}", f"{age:.0f}", f"{distance:.1f}", "yes" if garden else "no", district,
                      f"{price:.0f}", f"{np.log(price):.4f}"])  # fmt: skip
    return found


if __name__ == "__main__":
    with (Path(__file__).parent / "houses.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows())
