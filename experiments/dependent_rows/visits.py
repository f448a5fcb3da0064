"""Make visits.csv: each of 40 patients at five visits, with a score of the patient that no measurement explains."""

import csv
from pathlib import Path

import numpy as np

MEASUREMENTS = 20


def rows(n_patients: int = 40, n_visits: int = 5) -> list[list[str]]:
    rng = np.random.default_rng(0)
    found = [["patient", *(f"m{number}" for number in range(MEASUREMENTS)), "score"]]
    for patient in range(n_patients):
        usual, score = rng.normal(size=MEASUREMENTS), rng.normal()
        for _ in range(n_visits):
            measured = usual + 0.1 * rng.normal(size=MEASUREMENTS)
            found.append([f"p{patient}", *(f"{value:.2f}" for value in measured), f"{score + 0.1 * rng.normal():.3f}"])
    return found


if __name__ == "__main__":
    with (Path(__file__).parent / "visits.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows())
