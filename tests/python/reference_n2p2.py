"""Slow NumPy reference for folders of n2p2: what input.nn, scaling.data and weights.*.data mean.

Everything happens in the units of the folder, and step by step as in n2p2: with mean_energy,
conv_energy and conv_length, lengths are multiplied by conv_length, symmetry functions are changed
accordingly and sorted, and the outputs of the networks are changed back in the end. Only open
clusters; forces by derivatives with a complex step, which have no error but rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase.data import atomic_numbers, chemical_symbols
from reference_symmetry_functions import CUTOFF_FUNCTIONS, symmetry_function

ACTIVATIONS = {
    "c": np.cos,
    "e": lambda x: np.exp(-x),
    "g": lambda x: np.exp(-(x**2) / 2),
    "h": lambda x: x**2,
    "l": lambda x: x,
    "p": lambda x: np.log(1 + np.exp(x)),
    "s": lambda x: 1 / (1 + np.exp(-x)),
    "S": lambda x: 1 - 1 / (1 + np.exp(-x)),
    "t": np.tanh,
}

TYPES = {
    2: "radial",
    3: "angular_narrow",
    9: "angular_wide",
    12: "weighted_radial",
    13: "weighted_angular",
    20: "compact_radial",
    21: "compact_angular_narrow",
    22: "compact_angular_wide",
    23: "compact_weighted_radial",
    24: "compact_weighted_angular_narrow",
    25: "compact_weighted_angular_wide",
}


@dataclass(order=True)
class Function:
    """One symmetry function; n2p2 sorts those of an element by these numbers."""

    type: int
    cutoff: float
    eta: float
    rs: float
    zeta: float
    lambda_: float
    neighbors: list[int]  # atomic numbers

    @classmethod
    def from_words(cls, words: list[str], scale: float) -> Function:
        """From a line of input.nn without its first two words; lengths are multiplied by scale."""
        kind, rest = int(words[0]), words[1:]
        count = {2: 1, 3: 2, 9: 2}.get(kind, 0)
        neighbors = sorted(atomic_numbers[name] for name in rest[:count])
        numbers = [float(word) for word in rest[count:]]
        rs = zeta = lambda_ = 0.0
        if kind in (2, 12):
            eta, rs, cutoff = numbers
        elif kind == 13:
            eta, rs, lambda_, zeta, cutoff = numbers
        else:
            eta, lambda_, zeta, cutoff = numbers[:4]
            rs = numbers[4] if len(numbers) > 4 else 0.0
        return cls(kind, cutoff * scale, eta / scale**2, rs * scale, zeta, lambda_, neighbors)

    def as_dictionary(self) -> dict:
        """As in a potential file."""
        return {
            **{"type": TYPES[self.type], "cutoff": self.cutoff, "eta": self.eta, "rs": self.rs},
            **{"lambda": self.lambda_, "zeta": self.zeta},
            "neighbors": [chemical_symbols[number] for number in self.neighbors],
        }


@dataclass(order=True)
class CompactFunction:
    """One compact function; they come after the others."""

    type: int
    subtype: str
    neighbors: list[int]
    cutoff: float
    rl: float
    angles: list[float]  # left and right, in degrees

    @classmethod
    def from_words(cls, words: list[str], scale: float) -> CompactFunction:
        kind, *rest, subtype = words
        count = {20: 1, 21: 2, 22: 2}.get(int(kind), 0)
        neighbors = sorted(atomic_numbers[name] for name in rest[:count])
        rl, cutoff, *angles = (float(word) for word in rest[count:])
        return cls(int(kind), subtype, neighbors, cutoff * scale, rl * scale, angles)

    def as_dictionary(self) -> dict:
        return {
            **{"type": TYPES[self.type], "cutoff": self.cutoff, "rl": self.rl},
            **dict(zip(("angle_left", "angle_right"), self.angles, strict=False)),
            **{"subtype": self.subtype},
            "neighbors": [chemical_symbols[number] for number in self.neighbors],
        }


def functions_of(lines: list[list[str]], scale: float) -> list[Function | CompactFunction]:
    """Those of an element in n2p2's order; lines without their first word."""
    kinds = [
        sorted(
            kind.from_words(words, scale) for words in lines if (int(words[0]) >= 20) == is_compact
        )
        for kind, is_compact in ((Function, False), (CompactFunction, True))
    ]
    return kinds[0] + kinds[1]


class Folder:
    def __init__(self, folder: Path):
        self.folder = folder
        self.keys: dict[str, list[list[str]]] = {}
        for line in (folder / "input.nn").read_text().splitlines():
            key, *words = line.split("#")[0].split("!")[0].split() or [""]
            self.keys.setdefault(key, []).append(words)
        elements = self.keys["elements"][0]
        self.elements = sorted(elements, key=lambda name: atomic_numbers[name])
        self.conv_length = self._number("conv_length", 1.0)
        self.functions = {
            element: functions_of(
                [words[1:] for words in self.keys["symfunction_short"] if words[0] == element],
                self.conv_length,
            )
            for element in self.elements
        }

    def _number(self, key: str, default: float) -> float:
        return float(self.keys[key][0][0]) if key in self.keys else default

    def _table(self, name: str) -> list[list[str]]:
        lines = (self.folder / name).read_text().splitlines()
        return [line.split() for line in lines if not line.startswith("#")]

    def values(self, center: int, symbols: list[str], positions: np.ndarray) -> np.ndarray:
        """The symmetry functions of one atom, in n2p2's order."""
        kind, *alpha = self.keys["cutoff_type"][0]
        others = [i for i in range(len(symbols)) if i != center]
        neighbors = [symbols[i] for i in others]
        return np.array(
            [
                symmetry_function(
                    f.as_dictionary(),
                    neighbors,
                    positions[others] - positions[center],
                    CUTOFF_FUNCTIONS[int(kind) - 1],
                    float(alpha[0]) if alpha else 0.0,
                )
                for f in self.functions[symbols[center]]
            ]
        )

    def scaled(self, element: str, values: np.ndarray) -> np.ndarray:
        """What the network sees."""
        scale, center, by_sigma = (
            f"{name}_symmetry_functions{end}" in self.keys
            for name, end in (("scale", ""), ("center", ""), ("scale", "_sigma"))
        )
        if not (scale or center or by_sigma):
            return values
        index = str(self.elements.index(element) + 1)
        table = np.array([row[2:] for row in self._table("scaling.data") if row[0] == index], float)
        low, high, mean = table[:, :3].T
        least = self._number("scale_min_short", 0.0)
        span = self._number("scale_max_short", 1.0) - least
        if scale:
            return least + span * (values - (mean if center else low)) / (high - low)
        return values - mean if center else least + span * (values - mean) / table[:, 3]

    def network(self, element: str, inputs: np.ndarray) -> complex:
        words = self.keys["global_nodes_short"][0]
        words = {w[0]: w[1:] for w in self.keys.get("element_nodes_short", [])}.get(element, words)
        letters = self.keys["global_activation_short"][0][: len(words)] + ["l"]
        name = f"weights.{atomic_numbers[element]:03d}.data"
        numbers = iter([float(row[0]) for row in self._table(name)])
        for size, letter in zip([*map(int, words), 1], letters, strict=True):
            weights = np.array([[next(numbers) for _ in range(size)] for _ in inputs])
            biases = np.array([next(numbers) for _ in range(size)])
            sums = inputs @ weights + biases
            if "normalize_nodes" in self.keys:
                sums = sums / len(inputs)
            inputs = ACTIVATIONS[letter](sums)
        assert next(numbers, None) is None
        return inputs[0]

    def offset(self, symbols: list[str]) -> float:
        """What does not depend on positions."""
        energies = {words[0]: float(words[1]) for words in self.keys.get("atom_energy", [])}
        return sum(self._number("mean_energy", 0.0) + energies.get(name, 0.0) for name in symbols)

    def energy(self, symbols: list[str], positions: np.ndarray) -> complex:
        """Without offsets."""
        total = 0.0
        for center, element in enumerate(symbols):
            values = self.values(center, symbols, positions * self.conv_length)
            total += self.network(element, self.scaled(element, values))
        return total / self._number("conv_energy", 1.0)

    def forces(self, symbols: list[str], positions: np.ndarray) -> np.ndarray:
        step = 1e-30
        forces = np.zeros(positions.shape)
        for at in np.ndindex(positions.shape):
            moved = positions.astype(complex)
            moved[at] += 1j * step
            forces[at] = -self.energy(symbols, moved).imag / step
        return forces
