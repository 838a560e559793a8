#!/usr/bin/env python3
"""Make a small PBE training set for rock-salt MgO with O and Mg vacancies.

Labels come from Quantum ESPRESSO pw.x (plane waves, ultrasoft pseudopotentials,
PBE, 2x2x2 conventional supercells: 64 atoms, 63 with a vacancy).
k-points (--kmode): "bp" (default) is the Baldereschi mean-value point
(1/4,1/4,1/4) of the cubic supercell, the single point a shifted 2x2x2 mesh
reduces to by cubic symmetry; "gamma" is the Gamma point only, 2-2.5 times
cheaper but 0.4 eV too low for the O-vacancy formation energy and up to
0.2 eV/A off for the atoms next to it.
The Mg pseudopotential is generated here by ld1.x, the O one is the
O.pbe-rrkjus.UPF that the Debian package quantum-espresso-data ships.

Needs: pw.x and ld1.x on PATH (Debian: quantum-espresso quantum-espresso-data and an
optimised BLAS, e.g. libopenblas0-serial), Python with numpy and ase.

Resumable: each configuration has its own folder run_<kmode>/<id>/ with result.json once
finished; run again to continue.  The extended XYZ file is rewritten after
every finished configuration.

  make_mgo.py                       run or continue, 2 pw.x at a time, until all is done
  make_mgo.py --minutes 45          start nothing new after 45 minutes
  make_mgo.py --list                list the configurations and what is done
  make_mgo.py --collect             only rewrite the XYZ file and the summary
Output: mgo_pbe.extxyz (bp) or mgo_pbe_gamma.extxyz (gamma).
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import threading
import time

import numpy as np
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

RY, BOHR = 13.605693122994, 0.529177210903  # eV, Angstrom
A0 = 4.242  # lattice constant (A) the cells are built from
ECUT, ECUTRHO = 40, 320  # Ry
DEGAUSS = 0.004  # Ry, Gaussian smearing (only Mg-vacancy cells feel it)
CONV = 1e-7  # Ry, SCF
DMIN = 1.55  # A, closest approach allowed in rattled cells
SETTINGS = (
    "QE-pw.x PBE USPP(Mg.pbe-n-us 2e NLCC, O.pbe-rrkjus 6e) ecutwfc={}Ry "
    f"ecutrho={{}}Ry k={{}} nspin=1 gaussian={DEGAUSS}Ry conv_thr={CONV:g}Ry"
)
KNAME = {"bp": "(1/4,1/4,1/4)", "gamma": "Gamma"}
MG_LD1 = """ &input
   title='Mg', zed=12.0, rel=1,
   config='[Ne] 3s2.0 3p0 3d-2',
   iswitch=3, dft='PBE'
 /
 &inputp
   pseudotype=3, file_pseudopw='Mg.pbe-n-us.UPF', author='ld1.x',
   lloc=2, which_augfun='PSQ', rmatch_augfun=1.9,
   nlcc=.true., new_core_ps=.true., rcore=2.1, tm=.true.
 /
5
3S  1  0  2.00  0.00  2.30  2.50  0.0
3S  2  0  0.00  6.50  1.40  2.50  0.0
3P  2  1  0.00  0.00  2.40  2.60  0.0
3P  3  1  0.00  6.30  1.40  2.60  0.0
3D  3  2 -2.00  0.30  2.30  2.30  0.0
"""
ZVAL = {"Mg": 2, "O": 6}
MASS = {"Mg": 24.305, "O": 15.999}
PP = {"Mg": "Mg.pbe-n-us.UPF", "O": "O.pbe-rrkjus.UPF"}


# ---------------------------------------------------------------- structures
def pristine():
    return bulk("MgO", "rocksalt", a=A0, cubic=True) * (2, 2, 2)


def vacancy(el):
    at = pristine()
    centre = at.cell.sum(0) / 2
    idx = [i for i, s in enumerate(at.get_chemical_symbols()) if s == el]
    del at[min(idx, key=lambda i: (round(np.linalg.norm(at.positions[i] - centre), 6), i))]
    return at


def strain(at, eps):
    """eps: 6 Voigt components (xx yy zz yz xz xy; shears are engineering)."""
    e = np.array(
        [
            [eps[0], eps[5] / 2, eps[4] / 2],
            [eps[5] / 2, eps[1], eps[3] / 2],
            [eps[4] / 2, eps[3] / 2, eps[2]],
        ]
    )
    at = at.copy()
    at.set_cell(at.cell @ (np.eye(3) + e), scale_atoms=True)
    return at


def rattle(at, sigma, rng):
    """Gaussian displacements, sigma per Cartesian component; atoms closer than
    DMIN to another are drawn again."""
    at = at.copy()
    p0 = at.positions.copy()
    if sigma <= 0:
        return at
    at.positions = p0 + rng.normal(0, sigma, p0.shape)
    for _ in range(2000):
        d = at.get_all_distances(mic=True) + 99 * np.eye(len(at))
        bad = np.unique(np.argwhere(d < DMIN)[:, :1])
        if not len(bad):
            break
        at.positions[bad] = p0[bad] + rng.normal(0, sigma, (len(bad), 3))
    else:
        raise RuntimeError("could not rattle")
    at.positions -= (at.positions - p0).mean(0)
    return at


def iso(x):
    return [x, x, x, 0, 0, 0]


def spec():
    """The ordered list of jobs: id, kind, base, strain, rattle, seed."""
    pristine_jobs, vac_o, vac_mg, hot = [], [], [], []

    def add(lst, cid, ctype, base, eps, sig):
        lst.append(
            dict(
                id=cid,
                kind="scf",
                config_type=ctype,
                base=base,
                strain=list(map(float, eps)),
                rattle=sig,
            )
        )

    add(pristine_jobs, "p_eq", "pristine_eq", "pristine", iso(0), 0)
    for x in (-2, 2, -1, 1, -4, 4, -3, 3):
        add(pristine_jobs, f"p_iso{x:+d}", "pristine_iso", "pristine", iso(x / 100), 0)
    for k, (x, s) in enumerate([(0, 0.05), (0, 0.10), (0, 0.15), (-2, 0.08), (2, 0.08), (3, 0.12)]):
        add(pristine_jobs, f"p_isor{k}", "pristine_iso_rattle", "pristine", iso(x / 100), s)
    for k, (e, s) in enumerate(
        [
            ([3, 0, 0, 0, 0, 0], 0.03),
            ([0, 0, -3, 0, 0, 0], 0.03),
            ([0, 2, -1, 0, 0, 0], 0.08),
            ([-2, -2, 3, 0, 0, 0], 0.12),
            ([0, 0, 4, 0, 0, 0], 0.10),
        ]
    ):
        add(pristine_jobs, f"p_uni{k}", "pristine_uniaxial", "pristine", np.array(e) / 100, s)
    for k, (e, s) in enumerate(
        [
            ([0, 0, 0, 4, 0, 0], 0.02),
            ([0, 0, 0, 0, -6, 0], 0.02),
            ([0, 0, 0, 2, 2, -2], 0.06),
            ([1, 0, -1, 0, 3, 3], 0.10),
            ([-1, -1, -1, 5, 0, 2], 0.15),
        ]
    ):
        add(pristine_jobs, f"p_sh{k}", "pristine_shear", "pristine", np.array(e) / 100, s)
    for lst, v, tag in ((vac_o, "vac_O", "vo"), (vac_mg, "vac_Mg", "vm")):
        rows = [
            (iso(0), 0.05),
            (iso(0), 0.10),
            (iso(0), 0.02),
            (iso(0.01), 0.04),
            (iso(-0.01), 0.04),
            (iso(0.02), 0.08),
            (iso(-0.02), 0.08),
            ([0.02, 0, 0, 0, 0, 0], 0.05),
            ([0, 0, 0, 0.03, 0, 0], 0.05),
            (iso(0), 0.15),
            (iso(0), 0.03),
            (iso(0), 0.08),
            (iso(0.03), 0.06),
            (iso(-0.03), 0.06),
            (iso(0.02), 0.12),
            (iso(-0.01), 0.12),
            ([0, -0.03, 0, 0, 0, 0], 0.08),
            ([0.01, -0.01, 0.02, 0, 0, 0], 0.12),
            ([0, 0, 0, 0, 0.04, -0.02], 0.08),
            ([0.01, 0, -0.01, 0.03, 0.03, 0], 0.12),
        ]
        for k, (e, s) in enumerate(rows):
            add(lst, f"{tag}_{k:02d}", v + ("_rattle" if not any(e) else "_strain"), v, e, s)
    for k in range(5):
        for base, tag in (("pristine", "p"), ("vac_O", "vo"), ("vac_Mg", "vm")):
            add(
                hot,
                f"ht_{tag}{k}",
                base + "_hot",
                base,
                iso((0, 0.01, 0.02, 0, 0.02)[k]),
                (0.20, 0.22, 0.24, 0.26, 0.28)[k],
            )
    relax = [
        dict(
            id=f"relax_{v}", kind="relax", config_type=f"{v}_relax", base=v, strain=iso(0), rattle=0
        )
        for v in ("vac_O", "vac_Mg")
    ]
    mols = [
        dict(id="ref_O2", kind="ref", config_type="ref_O2", base="O2"),
        dict(id="ref_Mg", kind="ref", config_type="ref_Mg_hcp", base="Mg"),
    ]
    jobs = relax + pristine_jobs[:15] + vac_o[:8] + mols + vac_mg[:8] + hot[:6]
    jobs += pristine_jobs[15:] + vac_o[8:12] + vac_mg[8:12] + hot[6:9]
    jobs += vac_o[12:] + vac_mg[12:] + hot[9:]
    for j in jobs:
        j["seed"] = sum(ord(c) * 131**i for i, c in enumerate(j["id"])) % (2**31)
    return jobs


def build(job, run):
    if job["base"] == "O2":
        at = molecule("O2")
        at.set_distance(0, 1, 1.22)
        at.set_cell([9.0, 9.2, 9.4])
        at.center()
        at.pbc = True
        return at
    if job["base"] == "Mg":
        return bulk("Mg", "hcp", a=3.19, c=5.18)
    if job["base"] == "pristine":
        at = pristine()
    elif job["kind"] == "relax":
        at = vacancy(job["base"][4:])
    else:  # rattled vacancy cells start from the relaxed one
        r = load(run, "relax_" + job["base"])
        if r is None:
            raise RuntimeError("relaxed vacancy missing")
        f = r["frames"][-1]
        at = Atoms(f["symbols"], positions=f["positions"], cell=f["cell"], pbc=True)
    return rattle(strain(at, job["strain"]), job["rattle"], np.random.RandomState(job["seed"]))


# ---------------------------------------------------------------- pw.x
def pw_input(at, job, pseudo, ecut, ecutrho, kmode):
    s = at.get_chemical_symbols()
    sp = sorted(set(s))
    nel = sum(ZVAL[x] for x in s)
    calc = "relax" if job["kind"] == "relax" else "scf"
    kp = "K_POINTS gamma\n"
    nosym = ""
    if kmode == "bp" and job["kind"] != "ref":
        e = job["strain"]
        if job["rattle"] == 0 and e[0] == e[1] == e[2] and not any(e[3:]):
            kp = "K_POINTS automatic\n2 2 2 1 1 1\n"  # cubic symmetry leaves one point
        else:
            kp = "K_POINTS crystal\n1\n0.25 0.25 0.25 1.0\n"
            nosym = ", nosym=.true."  # or pw.x adds the star of the point
    system = (
        f"nbnd={nel // 2 + 10}, occupations='smearing', smearing='gaussian', "
        f"degauss={DEGAUSS}{nosym}"
    )
    if job["base"] == "O2":
        calc = "relax"
        system = (
            "nspin=2, starting_magnetization(1)=0.5, tot_magnetization=2, nbnd=10, "
            "occupations='smearing', smearing='gaussian', degauss=0.001"
        )
    if job["base"] == "Mg":
        calc = "vc-relax"
        system = "occupations='smearing', smearing='mv', degauss=0.01"
        kp = "K_POINTS automatic\n12 12 8 0 0 0\n"
    if job.get("nspin2"):
        system += ", nspin=2, tot_magnetization=2, " + ", ".join(
            f"starting_magnetization({i + 1})=0.2" for i in range(len(sp))
        )
    t = f"""&CONTROL
 calculation='{calc}', prefix='x', outdir='./o', pseudo_dir='{pseudo}',
 tprnfor=.true., tstress=.true.,
 disk_io='none', nstep=12, forc_conv_thr=4e-4, etot_conv_thr=1e-5
/
&SYSTEM
 ibrav=0, nat={len(at)}, ntyp={len(sp)}, ecutwfc={ecut}, ecutrho={ecutrho}, {system}
/
&ELECTRONS
 conv_thr={CONV:g}, mixing_beta=0.7, electron_maxstep=80
/
&IONS
/
&CELL
/
ATOMIC_SPECIES
"""
    t += "".join(f"{x} {MASS[x]} {PP[x]}\n" for x in sp)
    t += "CELL_PARAMETERS angstrom\n"
    t += "".join(f"{x:.12f} {y:.12f} {z:.12f}\n" for x, y, z in at.cell)
    t += "ATOMIC_POSITIONS angstrom\n"
    for symbol, (x, y, z) in zip(s, at.positions, strict=True):
        t += f"{symbol} {x:.12f} {y:.12f} {z:.12f}\n"
    return t + kp


def parse(out, at):
    """All ionic steps in a pw.x output.

    Energy (eV), forces (eV/A), stress (eV/A^3, ASE sign), positions (A).
    """
    o = open(out, errors="replace").read()
    n = len(at)
    frames = []
    pos, cell = at.positions, at.cell.array
    for part in re.split(r"(?=^!\s+total energy)", o, flags=re.M)[1:]:
        m = re.match(r"!\s+total energy\s+=\s+(-?[\d.]+)", part)
        force_line = r"^\s+atom\s+\d+ type\s+\d+\s+force =\s+(\S+)\s+(\S+)\s+(\S+)"
        f = re.findall(force_line, part, re.M)[:n]
        s = re.search(r"total\s+stress.*\n((?:.*\n){3})", part)
        if len(f) < n or not s or "convergence NOT achieved" in part:
            break
        st = (
            -np.array([[float(x) for x in ln.split()[:3]] for ln in s.group(1).splitlines()])
            * RY
            / BOHR**3
        )
        frames.append(
            dict(
                energy=float(m.group(1)) * RY,
                forces=(np.array(f, float) * RY / BOHR).tolist(),
                stress=st.tolist(),
                positions=np.asarray(pos).tolist(),
                cell=np.asarray(cell).tolist(),
                symbols=at.get_chemical_symbols(),
            )
        )
        c = re.search(r"CELL_PARAMETERS \(angstrom\)\n((?:.*\n){3})", part)
        if c:
            cell = np.array([[float(x) for x in ln.split()] for ln in c.group(1).splitlines()])
        atom_line = r"(?:[A-Z][a-z]?\s+\S+\s+\S+\s+\S+.*\n)"
        p = re.search(rf"ATOMIC_POSITIONS \(angstrom\)\n({atom_line}{{{n}}})", part)
        if p:
            pos = np.array([[float(x) for x in ln.split()[1:4]] for ln in p.group(1).splitlines()])
    nit = [int(x) for x in re.findall(r"convergence has been achieved in\s+(\d+) iterations", o)]
    return frames, nit, "JOB DONE" in o


def load(run, cid):
    if cid.startswith("ref_"):  # references do not depend on kmode
        run = os.path.join(os.path.dirname(run), "run_ref")
    p = os.path.join(run, cid, "result.json")
    return json.load(open(p)) if os.path.exists(p) else None


LIVE = {}


def do(job, run, pseudo, args):
    d = os.path.join(
        run if job["kind"] != "ref" else os.path.join(os.path.dirname(run), "run_ref"), job["id"]
    )
    os.makedirs(d, exist_ok=True)
    at = build(job, run)
    ec, er = (args.ecut, args.ecut * ECUTRHO // ECUT)
    open(f"{d}/pw.in", "w").write(pw_input(at, job, pseudo, ec, er, args.kmode))
    env = dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    t = time.time()
    with open(f"{d}/pw.out", "w") as fo:
        p = subprocess.Popen(
            ["nice", "-n", str(args.nice), "pw.x", "-in", "pw.in"],
            cwd=d,
            env=env,
            stdout=fo,
            stderr=subprocess.STDOUT,
        )
        LIVE[job["id"]] = p
        rc = p.wait()
        LIVE.pop(job["id"], None)
    wall = time.time() - t
    frames, nit, done = parse(f"{d}/pw.out", at)
    shutil.rmtree(f"{d}/o", ignore_errors=True)
    if not done or not frames:
        return f"FAILED rc={rc} done={done} frames={len(frames)} ({wall:.0f} s)"
    m = re.search(r"PWSCF\s+:\s+(.*?)CPU", open(f"{d}/pw.out").read())
    res = dict(
        job=job,
        wall_s=wall,
        cpu=m.group(1).strip() if m else "",
        nit=nit,
        frames=frames,
        settings=SETTINGS.format(ec, er, KNAME[args.kmode]),
    )
    json.dump(res, open(f"{d}/result.tmp", "w"))
    os.replace(f"{d}/result.tmp", f"{d}/result.json")
    fmax = np.abs(frames[-1]["forces"]).max()
    return f"ok {wall:.0f} s wall, cpu {res['cpu']}, nit {nit}, fmax {fmax:.3f}"


# ---------------------------------------------------------------- output
def collect(run, out):
    lst = []
    for job in spec():
        r = load(run, job["id"])
        if r is None or job["kind"] == "ref":
            continue
        fr = r["frames"]
        keep = list(range(len(fr)))
        if job["kind"] == "relax":  # first, clearly different ones on the way, last
            keep = [0]
            for i in range(1, len(fr) - 1):
                if (
                    np.abs(np.array(fr[i]["positions"]) - np.array(fr[keep[-1]]["positions"])).max()
                    > 0.01
                ):
                    keep.append(i)
            if len(fr) > 1:
                keep.append(len(fr) - 1)
        for i in keep:
            f = fr[i]
            at = Atoms(f["symbols"], positions=f["positions"], cell=f["cell"], pbc=True)
            s = np.array(f["stress"])
            at.calc = SinglePointCalculator(
                at,
                energy=f["energy"],
                forces=np.array(f["forces"]),
                stress=s[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]],
            )
            ct = job["config_type"]
            if job["kind"] == "relax":
                ct = job["base"] + (
                    "_unrelaxed" if i == 0 else "_relaxed" if i == len(fr) - 1 else "_relax_path"
                )
            at.info.update(
                config_type=ct,
                config_id=job["id"] + (f"_{i}" if job["kind"] == "relax" else ""),
                rattle=float(job["rattle"]),
                strain=np.array(job["strain"]),
                fmax=float(np.linalg.norm(f["forces"], axis=1).max()),
                settings=r["settings"],
            )
            lst.append(at)
    if lst:
        write(out + ".tmp", lst, format="extxyz")
        os.replace(out + ".tmp", out)
    return lst


def summary(run):
    o = []
    E = {j["id"]: load(run, j["id"]) for j in spec()}
    pts = [
        (A0 * (1 + j["strain"][0]), E[j["id"]]["frames"][-1])
        for j in spec()
        if j["config_type"] in ("pristine_eq", "pristine_iso") and E[j["id"]]
    ]
    e0 = None
    if len(pts) >= 5:
        a = np.array([p[0] for p in pts])
        e = np.array([p[1]["energy"] for p in pts])
        x = a**-2.0
        c = np.polyfit(x, e, 3)  # Birch-Murnaghan (energy cubic in a^-2)
        g = np.linspace(a.min(), a.max(), 20001)
        y = np.polyval(c, g**-2.0)
        k = y.argmin()
        v = 8 * g**3
        B = v[k] * np.gradient(np.gradient(y, v), v)[k] * 160.21766
        e0 = y[k]
        o.append(
            f"64-atom EOS ({len(pts)} points): a0 = {g[k]:.4f} A, B = {B:.1f} GPa, "
            f"E0 = {e0 / 32:.4f} eV/MgO"
        )
    if E["p_eq"]:
        e0 = E["p_eq"]["frames"][-1]["energy"]
    for v in ("vac_O", "vac_Mg"):
        r = E["relax_" + v]
        if r and e0:
            f = r["frames"]
            residual = np.linalg.norm(f[-1]["forces"], axis=1).max()
            s = (
                f"{v}: {len(f)} ionic steps, relaxation energy "
                f"{f[-1]['energy'] - f[0]['energy']:.3f} eV, residual force {residual:.4f} eV/A"
            )
            ref = E["ref_O2"] if v == "vac_O" else E["ref_Mg"]
            if ref:
                mu = ref["frames"][-1]["energy"] / 2
                limit = "1/2 O2" if v == "vac_O" else "Mg hcp"
                s += (
                    f"; E_f = {f[-1]['energy'] + mu - e0:.3f} eV ({limit} limit), "
                    f"unrelaxed {f[0]['energy'] + mu - e0:.3f}"
                )
            o.append(s)
    if E["relax_vac_O"] and E["relax_vac_Mg"] and E["p_eq"]:
        sch = (
            E["relax_vac_O"]["frames"][-1]["energy"]
            + E["relax_vac_Mg"]["frames"][-1]["energy"]
            - 2 * e0
            + e0 / 32
        )
        o.append(
            "neutral vacancy pair (reference-free): E_f(V_O) + E_f(V_Mg) with "
            f"mu_Mg + mu_O = mu_MgO: {sch:.3f} eV"
        )
    if E["ref_O2"] and E["ref_Mg"] and e0:
        elements = (E[ref]["frames"][-1]["energy"] / 2 for ref in ("ref_O2", "ref_Mg"))
        o.append(f"formation enthalpy of MgO: {e0 / 32 - sum(elements):.3f} eV/MgO")
    return o


def main():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    ap.add_argument("--dir", default=os.path.dirname(os.path.abspath(__file__)))
    ap.add_argument("--workers", type=int, default=2)
    ap.add_argument("--nice", type=int, default=15)
    ap.add_argument("--ecut", type=int, default=ECUT)
    ap.add_argument("--minutes", type=float, default=1e9, help="start nothing new after this")
    ap.add_argument("--hard-minutes", type=float, default=1e9, help="end running pw.x after this")
    ap.add_argument("--kmode", choices=("bp", "gamma"), default="bp")
    ap.add_argument("--only", default="", help="comma-separated ids")
    ap.add_argument("--list", action="store_true")
    ap.add_argument("--collect", action="store_true")
    args = ap.parse_args()
    args.dir = os.path.abspath(args.dir)
    run = os.path.join(args.dir, "run_" + args.kmode)
    pseudo = os.path.join(args.dir, "pseudo")
    out = os.path.join(args.dir, "mgo_pbe.extxyz" if args.kmode == "bp" else "mgo_pbe_gamma.extxyz")
    jobs = spec()
    if args.only:
        jobs = [j for j in jobs if j["id"] in args.only.split(",")]
    if args.list:
        for j in jobs:
            print(j["id"], j["config_type"], "done" if load(run, j["id"]) else "-")
        return
    if not args.collect:
        os.makedirs(pseudo, exist_ok=True)
        if not os.path.exists(f"{pseudo}/{PP['O']}"):
            shutil.copy("/usr/share/espresso/pseudo/" + PP["O"], pseudo)
        if not os.path.exists(f"{pseudo}/{PP['Mg']}"):
            subprocess.run(
                ["ld1.x"],
                input=MG_LD1,
                text=True,
                cwd=pseudo,
                check=True,
                stdout=open(f"{pseudo}/mg.out", "w"),
            )
        t0 = time.time()
        todo = [j for j in jobs if not load(run, j["id"])]
        lock = threading.Lock()
        stop = [False]

        def ready(j):
            return (
                j["kind"] != "scf"
                or j["base"] == "pristine"
                or load(run, "relax_" + j["base"]) is not None
            )

        def worker():
            while True:
                with lock:
                    if stop[0] or (time.time() - t0) / 60 > args.minutes:
                        return
                    j = next((x for x in todo if ready(x)), None)
                    if j is None:
                        if not todo or not LIVE:
                            return
                    else:
                        todo.remove(j)
                if j is None:
                    time.sleep(3)
                    continue
                try:
                    msg = do(j, run, pseudo, args)
                except Exception as e:
                    msg = f"ERROR {e!r}"
                with lock:
                    if msg.startswith("ok"):
                        collect(run, out)
                    print(time.strftime("%H:%M:%S"), j["id"], msg, flush=True)

        th = [threading.Thread(target=worker) for _ in range(args.workers)]
        for x in th:
            x.start()
            time.sleep(1)
        while any(x.is_alive() for x in th):
            time.sleep(2)
            if (time.time() - t0) / 60 > args.hard_minutes:
                stop[0] = True
                for p in list(LIVE.values()):
                    p.terminate()
    lst = collect(run, out)
    print(len(lst), "configurations in", out)
    for s in summary(run):
        print(s)


if __name__ == "__main__":
    main()
