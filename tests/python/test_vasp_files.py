"""Output of VASP: steps without convergence, steps of machine-learned force fields."""

import gzip

import forcesmith as fs
import pytest

REACHED = "------------------------ aborting loop because EDIFF is reached ------------------------"
FAILED = "------------------------ aborting loop EDIFF was not reached (unconverged)  -------------"
HEADER = """ vasp.6.4.2 20Jul23 (build) complex
 executed on             LinuxGNU date 2024.01.01  00:00:00
 POTCAR:    PAW_PBE Cu 22Jun2005
 POTCAR:    PAW_PBE Cu 22Jun2005
   NELM   =      5;   NELMIN=  2; NELMDL= -5     # of ELM steps
   ISPIN  =      1    spin polarized calculation?
   ions per type =               1
"""


def outcar_step(number, iterations, said, energy, ml=False):
    """A step of an OUTCAR: iterations of the electrons, what VASP said of them."""
    lines = [f"--------------- Iteration {number:6d}({n:4d})  --------" for n in iterations]
    kind = "ML " if ml else ""
    return "\n".join(
        [
            *lines,
            said,
            f"  {kind}in kB       1.0 2.0 3.0 4.0 5.0 6.0",
            "      direct lattice vectors                 reciprocal lattice vectors",
            *(f"     {3 * (k == 0)}.0 {3 * (k == 1)}.0 {3 * (k == 2)}.0  0 0 0" for k in range(3)),
            "",
            " POSITION                                       TOTAL-FORCE (eV/Angst)",
            " ---------------------------------------------------------------------",
            "      0.0 0.0 0.0    0.1 0.0 0.0",
            " ---------------------------------------------------------------------",
            f"  {kind}FREE ENERGIE OF THE ION-ELECTRON SYSTEM (eV)",
            "  ---------------------------------------------------",
            f"  free  energy {kind or '  '}TOTEN  = {energy:18.8f} eV",
            "",
            f"  {kind}energy  without entropy= {energy:.8f}  {kind}energy(sigma->0) = {energy:.8f}",
            "",
        ]
    )


def outcar(*steps):
    return HEADER + "\n".join(steps)


def vasprun_step(energy, changes):
    iterations = "".join(
        f'<scstep><energy><i name="e_fr_energy">{energy + change}</i>'
        f'<i name="e_0_energy">{energy + change}</i></energy></scstep>'
        for change in changes
    )
    return f"""<calculation>{iterations}
<structure><crystal><varray name="basis"><v>3 0 0</v><v>0 3 0</v><v>0 0 3</v></varray></crystal>
<varray name="positions"><v>0 0 0</v></varray></structure>
<varray name="forces"><v>0.1 0 0</v></varray>
<energy><i name="e_fr_energy">{energy}</i><i name="e_0_energy">{energy}</i></energy></calculation>
"""


def vasprun(*steps):
    cell = "<varray name='basis'><v>3 0 0</v><v>0 3 0</v><v>0 0 3</v></varray>"
    return f"""<?xml version="1.0" encoding="ISO-8859-1"?>
<modeling>
<kpoints><varray name="kpointlist"><v>0 0 0</v></varray>
<varray name="weights"><v>1</v></varray></kpoints>
<parameters><separator name="electronic"><i type="int" name="NELM">5</i>
<i name="EDIFF">0.0001</i></separator></parameters>
<atominfo><array name="atoms"><set><rc><c>Cu</c><c>1</c></rc></set></array></atominfo>
<structure name="initialpos"><crystal>{cell}</crystal>
<varray name="positions"><v>0 0 0</v></varray></structure>
{"".join(steps)}</modeling>
"""


def energies(path):
    return [atoms.get_potential_energy() for atoms in fs.read(path)]


@pytest.mark.parametrize("name", ["OUTCAR", "any.name", "OUTCAR.gz", "packed"])
def test_outcar_without_convergence(tmp_path, name):
    path = tmp_path / name
    text = outcar(
        outcar_step(1, [1, 2, 3], REACHED, -1.0),
        outcar_step(2, [1, 2, 3, 4, 5], FAILED, -2.0),
        outcar_step(3, [1, 2, 3, 4, 5], REACHED, -3.0),
        outcar_step(4, [1, 2, 3, 4, 5], "", -4.0),  # older versions say nothing
        outcar_step(5, [1, 2], "", -5.0),
    ).encode()
    path.write_bytes(gzip.compress(text) if name in ("OUTCAR.gz", "packed") else text)
    with pytest.warns(UserWarning, match=rf"{name}: 2 of 5 steps are left out.* not converge"):
        assert energies(path) == [-1.0, -3.0, -5.0]


@pytest.mark.parametrize("name", ["vasprun.xml", "any.name", "vasprun.xml.gz"])
@pytest.mark.parametrize("end", ["", "cut"])
def test_vasprun_without_convergence(tmp_path, name, end):
    path = tmp_path / name
    text = vasprun(
        vasprun_step(-1.0, [1, 0.1, 0]),
        vasprun_step(-2.0, [1, 0.5, 0.3, 0.1, 0]),
        vasprun_step(-3.0, [1, 0.5, 0.3, 1e-5, 0]),
        vasprun_step(-4.0, [0]),
    )
    if end:  # the run was ended in the middle of a step
        text = text.replace("</modeling>", vasprun_step(-5.0, [1])[:150])
    path.write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
    with pytest.warns(UserWarning, match=rf"{name}: 1 of 4 steps are left out.* not converge"):
        assert energies(path) == [-1.0, -3.0, -4.0]


def test_all_steps_converged(tmp_path):
    (tmp_path / "OUTCAR").write_text(outcar(outcar_step(1, [1, 2], REACHED, -1.0)))
    (tmp_path / "vasprun.xml").write_text(vasprun(vasprun_step(-1.0, [1, 0])))
    for name in ("OUTCAR", "vasprun.xml"):
        assert energies(tmp_path / name) == [-1.0]


def test_steps_of_a_force_field(tmp_path):
    """ASE does not read their energies; the other file has only the steps of electrons."""
    path = tmp_path / "OUTCAR"
    path.write_text(
        outcar(outcar_step(1, [1, 2], REACHED, -1.0), outcar_step(2, [1], "", -2.0, ml=True))
    )
    with pytest.raises(ValueError, match=r"OUTCAR: ASE cannot read this file; .*\(.*=.*\)\.$"):
        fs.read(path)
    (tmp_path / "vasprun.xml").write_text("<modeling>")
    with pytest.raises(ValueError, match="it may be truncated"):
        fs.read(path)
    (tmp_path / "vasprun.xml").write_text(vasprun(vasprun_step(-1.0, [1, 0])))
    with pytest.raises(ValueError, match=r"OUTCAR: .*, but vasprun.xml beside it reads; use that"):
        fs.read(path)
