"""Write the table of wines that comes with scikit-learn: out/wines.csv."""

from pathlib import Path

from sklearn.datasets import load_wine


def main() -> None:
    wines = load_wine(as_frame=True)
    table = wines.data.rename(columns=lambda name: name.replace("/", "_"))
    table["cultivar"] = [f"cultivar_{number}" for number in wines.target]
    Path("out").mkdir(exist_ok=True)
    table.sample(frac=1, random_state=0).to_csv("out/wines.csv", index=False)


if __name__ == "__main__":
    main()
