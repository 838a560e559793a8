"""Data files under any name, compressed, damaged, or none at all."""

import bz2
import gzip
import lzma
import os

import ase.io
import forcesmith as fs
import pytest
from ase import Atoms
from sample_data import labelled

CFG = """BEGIN_CFG
 Size
 2
 Supercell
 4 0 0
 0 4 0
 0 0 4
 AtomData: id type cartes_x cartes_y cartes_z fx fy fz
 1 0 0 0 0 0 0 0
 2 0 2 2 2 0 0 0
 Energy
 -1.5
END_CFG
"""
N2P2 = (
    "begin\nlattice 4 0 0\nlattice 0 4 0\nlattice 0 0 4\natom 0 0 0 Cu 0 0 1 0 0\nenergy 1\nend\n"
)
FITSNAP = """# comment
{"Dataset": {"Data": [{"AtomTypes": ["Cu"], "Positions": [[0, 0, 0]], "Energy": -1,
"Lattice": [[3, 0, 0], [0, 3, 0], [0, 0, 3]], "NumAtoms": 1}]}}
"""
XYZ = """1
Lattice="3 0 0 0 3 0 0 0 3" Properties=species:S:1:pos:R:3 energy=-1.0
Cu 0 0 0
"""
TEXTS = {"cfg": CFG, "n2p2": N2P2, "json": FITSNAP, "extxyz": XYZ}
COMPRESSED = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}


def read(path, **options):
    return fs.read(path, elements=["Cu"], **options)


@pytest.fixture(params=TEXTS)
def text(request):
    return TEXTS[request.param]


@pytest.mark.parametrize("name", ["a.cfg.0", "train.cfgs", "data", "data.txt", "data.cfg_old.2"])
def test_names_do_not_matter(tmp_path, text, name):
    path = tmp_path / name
    path.write_text(text)
    [atoms] = read(path)
    assert set(atoms.symbols) == {"Cu"} and atoms.calc.results["energy"]


@pytest.mark.parametrize("ending", COMPRESSED)
def test_compressed(tmp_path, text, ending):
    for name in (f"data.{ending}", "data"):
        path = tmp_path / name
        path.write_bytes(COMPRESSED[ending](text.encode()))
        [atoms] = read(path)
        assert atoms.calc.results["energy"]
        path.write_bytes(COMPRESSED[ending](text.encode() * 9)[:-9])
        with pytest.raises(ValueError, match=rf"{name}: this compressed file is damaged"):
            read(path)


def test_compressed_files_of_formats_that_ase_does_not_open(tmp_path):
    ase.io.write(tmp_path / "a.traj", labelled(Atoms("Cu"), energy=-1.0))
    data = (tmp_path / "a.traj").read_bytes()
    (tmp_path / "b.traj.xz").write_bytes(lzma.compress(data))
    assert read(tmp_path / "b.traj.xz")[0].get_potential_energy() == -1.0


def test_folder_with_compressed_files(tmp_path):
    folder = tmp_path / "bcc"
    folder.mkdir()
    (folder / "a.json").write_text(FITSNAP)
    (folder / "b.json.gz").write_bytes(gzip.compress(FITSNAP.encode()))
    (folder / "c.txt").write_text(FITSNAP)
    assert [atoms.info["config_type"] for atoms in read(tmp_path)] == ["bcc", "bcc"]


@pytest.mark.parametrize(
    "changed",
    [
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.rstrip("\n").encode(),
    ],
)
def test_as_other_editors_write_it(tmp_path, text, changed):
    path = tmp_path / "data"
    path.write_bytes(changed(text))
    assert len(read(path)) == 1


@pytest.mark.parametrize("content", [b"", b"\n", b" \r\n\n", gzip.compress(b"")])
@pytest.mark.parametrize("name", ["a.cfg", "a.extxyz", "a.json", "OUTCAR", "a"])
def test_empty(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"{name}: there is nothing in this file"):
        read(path)


def test_no_text(tmp_path, text):
    path = tmp_path / "data"
    path.write_bytes(text[:30].encode() + b"\xff" + text[30:].encode())
    with pytest.raises(ValueError, match=r"data.*: this is not .*text .*in UTF-8"):
        read(path)


@pytest.mark.parametrize("content", ["1", "BEGIN_CFG", "begin", "{", "#", "x"])
def test_one_line_without_an_end(tmp_path, content):
    path = tmp_path / "data"
    path.write_text(content)
    with pytest.raises(ValueError, match="data"):
        read(path)


@pytest.mark.parametrize("name", ["pipe", "pipe.cfg"])
def test_pipes_and_devices(tmp_path, name):
    """They would wait, or never end."""
    os.mkfifo(tmp_path / name)
    for path in (tmp_path / name, "/dev/zero"):
        with pytest.raises(OSError, match="expected a file, found a device or a pipe"):
            read(path)
    with pytest.raises(ValueError, match="Cannot read the settings file .*this is no file"):
        fs.FitSettings.from_toml(tmp_path / name)


@pytest.mark.parametrize("content", ["[" * 100_000, '{"Dataset": ' + '{"Data":' * 100_000])
def test_deep_json(tmp_path, content):
    path = tmp_path / "a.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"a\.json: .*recursion"):
        read(path)


def test_deep_settings(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text("a = " + "[" * 100_000)
    with pytest.raises(ValueError, match=r"a\.toml is not valid TOML"):
        fs.FitSettings.from_toml(path)


@pytest.mark.parametrize("count", ["1000000000", "9" * 30, "9" * 9999])
def test_more_atoms_than_there_are(tmp_path, count):
    path = tmp_path / "a.xyz"
    path.write_text(XYZ.replace("1\n", f"{count}\n", 1))
    with pytest.raises(ValueError, match=r"a\.xyz, line 1: 9*1?0*(\.\.\.)? atoms .*ends after 1"):
        read(path)


def test_long_words_are_shortened(tmp_path):
    path = tmp_path / "data"
    long = "x" * 100_000
    for text, old in (
        (CFG, "fx"),
        (CFG, "-1.5"),
        (N2P2, "Cu"),
        (N2P2, "energy"),
        (XYZ, "-1.0"),
    ):
        path.write_text(text.replace(old, long))
        with pytest.raises(ValueError, match="data") as found:
            fs.check_configurations(read(path), ["Cu"], "train")
        assert len(str(found.value).replace(str(path), "")) < 300
    path.write_text(CFG.replace("Energy", long))
    with pytest.warns(UserWarning, match="not used") as caught:
        read(path)
    assert len(str(caught[0].message).replace(str(path), "")) < 300
    path.write_text(FITSNAP.replace('"Cu"', f'"{long}"'))
    with pytest.raises(ValueError, match="is no chemical symbol") as found:
        read(path)
    assert len(str(found.value).replace(str(path), "")) < 300
    with pytest.raises(OSError, match="File name too long") as found:
        read(long)
    assert len(str(found.value)) < 300


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("1", "configuration 1 was asked for, but the file has 1"),
        ("-2", "configuration -2 was asked for"),
        ("9" * 30, r"configuration 9+ was asked for"),
        ("::0", "a slice must not have the step 0"),
        ("a", "'a' does not select"),
        ("", "'' does not select"),
        ("1:2:3:4", "'1:2:3:4' does not select"),
    ],
)
def test_selections_that_cannot_be(tmp_path, part, message):
    path = tmp_path / "a.xyz"
    path.write_text(XYZ)
    with pytest.raises(ValueError, match=rf"a\.xyz: {message}"):
        read(f"{path}@{part}")
    folder = tmp_path / "b@1"
    folder.mkdir()
    with pytest.raises(FileNotFoundError, match="b@1/a.xyz: no such file"):
        read(folder / "a.xyz")


@pytest.mark.parametrize("part", ["1:", "0:0", "9" * 30 + ":"])
def test_selection_of_nothing(tmp_path, part):
    path = tmp_path / "a.xyz"
    path.write_text(XYZ)
    with pytest.warns(UserWarning, match=r"a\.xyz: .* selects none of the 1 configuration"):
        assert read(f"{path}@{part}") == []
