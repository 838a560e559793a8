"""Input scripts of LAMMPS for conditions: to be read, and to be run by hand.

A run starts from `start.data`. What is uncertain goes to `candidates.extxyz` (grades) or
`uncertain.dump` (committees), the last configuration that was certain to `safe.data`, and what came
last to `recent.dump`. Dynamics are looked at every ten steps, or as often as `-var every` says.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from forcesmith.learning.conditions import CHECK_STEPS, Condition

SEGMENT_STEPS = 100  # between two safe configurations, at least
MOST_SEGMENTS = 2000
MOST_CANDIDATES = 100
MOST_CANDIDATE_ATOMS = 1_000_000  # in all candidates of a run together
FEWEST_CANDIDATES = 5
BAR_PER_GPA = 1e4
THERMOSTAT_STEPS, BAROSTAT_STEPS = 100, 1000  # time constants
SAFE_TEMPERATURE = 1.5, 4.0, 500.0
"""Above the temperature times the first of them, plus so many standard deviations of what it
fluctuates by, plus so many K, nothing is safe."""
HIGHEST_TEMPERATURE = 3.0, 10.0, 1000.0
"""Likewise, and a run has failed."""
SAFE_VOLUME_FACTOR, VOLUME_FACTOR = 1.5, 2.0  # of the first volume; and the inverses
Quantity = Literal["grade", "deviation"]
EVERY = "${every}"
"""Steps between two looks."""
ENOUGH = "Enough candidates"
"""What a script prints when it ends because of them."""


@dataclass(frozen=True)
class Uncertainty:
    """What tells that a potential does not know a configuration, and its limits."""

    quantity: Quantity
    """"grade", or "deviation" of the forces of a committee (eV/angstrom)."""
    select: float
    """What is above it becomes a candidate."""
    stop: float
    """Above it the run ends."""
    relative_to: float | None = None
    """eV/angstrom: deviations are divided by this plus the force on the atom."""

    @property
    def of_atoms(self) -> str:
        """LAMMPS' name of what every atom has."""
        return f"f_{self.quantity}s" if self.relative_to is None else "v_relative"


@dataclass(frozen=True)
class Body:
    """Of a script: what comes after the potential."""

    check_steps: int
    """Between two looks, unless the script is told otherwise."""
    commands: Callable[[Condition, Uncertainty, int, bool], str]
    has_images: bool = False
    """Every partition of the processes has one."""


def input_script(
    condition: Condition,
    uncertainty: Uncertainty,
    potentials: Sequence[str],
    *,
    done: int = 0,
    has_velocities: bool = False,
    remarks: Sequence[str] = (),
) -> str:
    """The whole script.

    Parameters
    ----------
    condition
        What is run.
    uncertainty
        What is looked at meanwhile.
    potentials
        Their files; several are a committee.
    done
        Steps that count as done at the beginning.
    has_velocities
        `start.data` holds velocities.
    remarks
        Comment lines.

    Returns
    -------
    str
        Commands of LAMMPS.
    """
    body = BODIES[condition.run]
    comments = [condition.name, *remarks, f"By hand: {_command(condition)}"]
    if condition.run == "dynamics":
        comments.append("From another beginning: ... -var start safe.data -var done STEPS")
        comments.append("Looked at in every step, up to LAST: ... -var every 1 -var last LAST")
    return (
        "".join(f"# {line}\n" for line in comments) + "\n"
        "variable        start index start.data\n"
        f"variable        done index {done}\n"
        f"variable        every index {body.check_steps}\n\n"
        "units           metal\n"
        f"boundary        {boundary(condition)}\n"
        "atom_modify     map yes\n"
        "box             tilt large\n"
        "read_data       ${start}\n"
        "reset_timestep  ${done}\n\n"
        + _potential(condition, uncertainty, potentials)
        + "\n"
        + body.commands(condition, uncertainty, done, has_velocities)
    )


def boundary(condition: Condition) -> str:
    """As LAMMPS has it. Open directions keep the vacuum of the data file, and grow with the atoms:
    a box no wider than a molecule could not be divided for neighbors."""
    return " ".join("p" if periodic else "m" for periodic in condition.structure.pbc)


def _command(condition: Condition) -> str:
    if condition.run != "neb":
        return "lmp -in in.lammps"
    return f"mpiexec -n {condition.images} lmp -in in.lammps -partition {condition.images}x1"


def segment_steps(condition: Condition) -> int:
    """Of dynamics, between two safe configurations; a multiple of CHECK_STEPS."""
    rounded = CHECK_STEPS * math.ceil(condition.steps / MOST_SEGMENTS / CHECK_STEPS)
    return max(SEGMENT_STEPS, rounded)


def most_candidates(n_atoms: int) -> int:
    """Of one run."""
    return max(FEWEST_CANDIDATES, min(MOST_CANDIDATES, MOST_CANDIDATE_ATOMS // n_atoms))


# ---- what all scripts have ----


def _potential(condition: Condition, uncertainty: Uncertainty, potentials: Sequence[str]) -> str:
    """Commands that declare it, and v_uncertainty: the largest of all atoms."""
    quantity, select, stop = uncertainty.quantity, uncertainty.select, uncertainty.stop
    elements, body = condition.elements, BODIES[condition.run]
    files = " ".join(f'"{path}"' for path in potentials)
    if quantity == "grade":
        keywords, number = f"grade {EVERY} select {select:g} candidates.extxyz break {stop:g}", 3
    else:
        keywords, number = f"grade off deviation {EVERY}", 4
    text = (
        f"pair_style      forcesmith {keywords}\n"
        f"pair_coeff      * * {files} {' '.join(elements)}\n"
        "compute         ex all pair forcesmith\n"
        f"fix             {quantity}s all pair {EVERY} forcesmith {quantity} 1\n"
    )
    if uncertainty.relative_to is None:
        text += f"variable        uncertainty equal c_ex[{number}]\n"
    else:
        text += (
            f"variable        relative atom f_{quantity}s/(sqrt(fx^2+fy^2+fz^2)+"
            f"{uncertainty.relative_to:g})\n"
            "compute         largest all reduce max v_relative\n"
            "variable        uncertainty equal c_largest\n"
        )
    if quantity == "grade":
        return text
    file = "uncertain.${image}.dump" if body.has_images else "uncertain.dump"
    dump, layout = _dump("uncertain", file, uncertainty, elements, EVERY)
    if body.has_images:
        text += f"variable        image world {' '.join(map(str, range(condition.images)))}\n"
    text += (
        f"variable        certain equal v_uncertainty<={select:g}\n"
        f"{dump}\n{layout} append yes skip v_certain\n"
    )
    if not body.has_images:  # one of them would halt alone
        text += f"fix             uncertain all halt {EVERY} v_uncertainty > {stop:g} error soft\n"
    return text


def _dump(
    name: str, file: str, uncertainty: Uncertainty, elements: Sequence[str], every: int | str
) -> tuple[str, str]:
    """Two commands."""
    return (
        f"dump            {name} all custom {every} {file} id element x y z {uncertainty.of_atoms}",
        f"dump_modify     {name} element {' '.join(elements)} sort id format float %.10g",
    )


KEEP = '"write_data safe.new.data nocoeff" "shell mv safe.new.data safe.data"'
"""Commands; the file is there as a whole or not at all."""


# ---- dynamics ----


def _dynamics(
    condition: Condition, uncertainty: Uncertainty, done: int, has_velocities: bool
) -> str:
    (start, end), steps = condition.temperature, condition.steps
    beginning = 2 * start if condition.ensemble == "nve" else start
    segment, most = segment_steps(condition), most_candidates(len(condition.structure))
    recent = _dump("recent", "recent.dump", uncertainty, condition.elements, EVERY)
    text = f"variable        last index {steps}\ntimestep        {condition.timestep:g}\n"
    if not has_velocities:
        text += (
            f'if "${{done}} == {done}" then &\n  "velocity all create {beginning:g} '
            f'{condition.seed} mom yes rot no dist gaussian loop geom"\n'
        )
    text += (
        f"fix             ensemble all {_ensemble(condition)}\n"
        + _bounds(condition, uncertainty, max(beginning, end))
        + "thermo_style    custom step time temp pe press vol v_uncertainty\n"
        f"thermo          {segment}\n" + "\n".join(recent) + "\n\n"
        "# After every segment: keep what is safe, count what is uncertain, renew recent.dump\n"
        "variable        n_uncertain equal 0\n"
    )
    commands = [
        f'if "${{safe}}" then {KEEP}',
        f'if "${{uncertainty}} > {uncertainty.select:g}" then '
        '"variable n_uncertain equal $(v_n_uncertain+1)"',
    ]
    if uncertainty.quantity == "deviation":
        commands.append(f'if "${{uncertainty}} > {uncertainty.stop:g}" then quit')
    commands.append(f'if "${{n_uncertain}} >= {most}" then "print \'{ENOUGH}\'" quit')
    commands += ["undump recent", *(" ".join(command.split()) for command in recent)]
    quoted = " &\n".join(f'  """{command} """' for command in commands)
    return text + (
        f"run             ${{last}} upto start 0 stop {steps} post no every {segment} &\n{quoted}\n"
    )


def _ensemble(condition: Condition) -> str:
    if condition.ensemble == "nve":
        return "nve"
    start, end = condition.temperature
    text = f"{condition.ensemble} temp {start:g} {end:g} {THERMOSTAT_STEPS * condition.timestep:g}"
    if condition.pressure is None:
        return text
    start, end = (BAR_PER_GPA * value for value in condition.pressure)
    time = BAROSTAT_STEPS * condition.timestep
    return f"{text} {_coupling(condition)} {start:g} {end:g} {time:g}"


def _coupling(condition: Condition) -> str:
    """Cells with right angles keep them."""
    angles = condition.structure.cell.angles()
    return "aniso" if np.allclose(angles, 90.0, atol=1e-3) else "tri"


def _bounds(condition: Condition, uncertainty: Uncertainty, hottest: float) -> str:
    """Of temperature and volume: v_safe, and what ends a run."""
    volume = condition.structure.cell.volume
    fluctuation = math.sqrt(2 / (3 * len(condition.structure) - 3))

    def limit(factor: float, deviations: float, offset: float) -> float:
        return hottest * (factor + deviations * fluctuation) + offset

    safe = [
        f"(v_uncertainty<={uncertainty.select:g})",
        f"(v_temperature<{limit(*SAFE_TEMPERATURE):g})",
    ]
    ends = [("too_hot", f"v_temperature > {limit(*HIGHEST_TEMPERATURE):g}")]
    text = "variable        temperature equal temp\n"
    if condition.ensemble == "npt":
        text += "variable        volume equal vol\n"
        safe += [
            f"(v_volume<{volume * SAFE_VOLUME_FACTOR:.6g})",
            f"(v_volume>{volume / SAFE_VOLUME_FACTOR:.6g})",
        ]
        ends += [
            ("too_large", f"v_volume > {volume * VOLUME_FACTOR:.6g}"),
            ("too_small", f"v_volume < {volume / VOLUME_FACTOR:.6g}"),
        ]
    text += "".join(
        f"fix             {name} all halt {CHECK_STEPS} {limit} error hard\n"
        for name, limit in ends
    )
    return text + f'variable        safe equal "{"&&".join(safe)}"\n'


# ---- minimization ----

FORCE_TOLERANCE = 0.01  # eV/angstrom
MINIMIZE = f"minimize        0.0 {FORCE_TOLERANCE} 1000 10000"
END = "end.dump"
"""The last configuration of a minimization, which is a candidate, however certain it is."""
LOOK = "run             0   # the last configuration is looked at anew, and selected if uncertain\n"


def _minimization(
    condition: Condition, uncertainty: Uncertainty, done: int, has_velocities: bool
) -> str:
    dump = "\n".join(_dump("recent", "recent.dump", uncertainty, condition.elements, 100))
    text = (
        f"thermo_style    custom step pe press vol fmax v_uncertainty\nthermo          10\n{dump}\n"
    )
    if condition.pressure is not None:
        _, end = condition.pressure
        text += (
            f"fix             pressure all box/relax {_coupling(condition)} "
            f"{BAR_PER_GPA * end:g} vmax 0.001\n{MINIMIZE}\n"
            "# once more: strains were measured from the first cell\n"
        )
    certain = f"${{uncertainty}} <= {uncertainty.select:g}"
    keep_end = (
        f"write_dump      all custom {END} id element x y z {uncertainty.of_atoms} modify element "
        f"{' '.join(condition.elements)} sort id format float %.10g"
    )
    return f'{text}{MINIMIZE}\n{LOOK}{keep_end}\nif "{certain}" then {KEEP}\n'


# ---- paths ----


def _path(condition: Condition, uncertainty: Uncertainty, done: int, has_velocities: bool) -> str:
    return (
        "fix             path all neb 1.0\n"
        "min_style       quickmin\n"
        "timestep        0.01\n"
        "thermo_style    custom step pe fmax v_uncertainty\n"
        "thermo          10\n"
        f"neb             0.0 {FORCE_TOLERANCE} 1000 1000 100 final final.coords\n"
        f"{LOOK}"
    )


BODIES = {
    "dynamics": Body(CHECK_STEPS, _dynamics),
    "minimization": Body(1, _minimization),
    "neb": Body(1, _path, has_images=True),
}
"""By `Condition.run`."""
