"""Which format a potential file has is told by its content; its name counts where that does not.
What is no file or no potential ends with one sentence, soon.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys

import forcesmith as fs
import pytest
from contract_examples import ELEMENTS, make_potential

MOMENTS = {"type": "moment_tensor", "level": 6, "cutoff": 4.2, "min_distance": 1.5}
BISPECTRUM = {"type": "bispectrum", "twojmax": 2, "rcutfac": 4.1}
FUNCTIONS = {"type": "symmetry_functions", "cutoff": 4.0, "radial": 2, "angular": 1}


def same(first: fs.Potential, second: fs.Potential) -> bool:
    documents = [json.loads(potential.to_json()) for potential in (first, second)]
    for document in documents:
        del document["provenance"]
    return documents[0] == documents[1]


def refuse(path, *parts: str, elements=None) -> str:
    with pytest.raises(ValueError) as caught:
        fs.Potential.read(path, elements)
    message = str(caught.value)
    assert message.endswith(".") and "\n" not in message and len(message) <= 300
    for part in parts:
        assert part in message, message
    return message


@pytest.fixture
def moments() -> fs.Potential:
    return make_potential([MOMENTS], {"type": "linear"})


@pytest.fixture
def snap() -> fs.Potential:
    return make_potential([BISPECTRUM], {"type": "linear", "shared": False})


# --- any name ---


@pytest.mark.parametrize(
    "name", ["pot.txt", "pot", "pot.mtp", "pot.snapcoeff", "input.nn", ".json"]
)
def test_json_of_any_name(moments, name, tmp_path):
    moments.write(tmp_path / "a.json")
    (tmp_path / "a.json").rename(tmp_path / name)
    assert same(fs.Potential.read(tmp_path / name), moments)


@pytest.mark.parametrize("name", ["pot.txt", "pot", "pot.json", "pot.snapparam"])
def test_mlip_of_any_name(moments, name, tmp_path):
    moments.write(tmp_path / "a.mtp")
    expected = fs.Potential.read(tmp_path / "a.mtp", ELEMENTS)
    (tmp_path / "a.mtp").rename(tmp_path / name)
    assert same(fs.Potential.read(tmp_path / name, ELEMENTS), expected)


@pytest.mark.parametrize(
    ("coefficients", "parameters"),
    [
        ("Ta.coeff", "Ta.param"),
        ("coeff_Ta.txt", "param_Ta.txt"),
        ("Ta.snapcoeff.txt", "Ta.snapparam.txt"),
        ("Ta.txt", "Ta.snapparam"),
        ("Ta.snapcoeff", "Ta.txt"),
        ("coeff.json", "param.json"),
    ],
)
def test_snap_of_any_name(snap, coefficients, parameters, tmp_path):
    snap.write(tmp_path / "a.snapcoeff")
    expected = fs.Potential.read(tmp_path / "a.snapcoeff")
    (tmp_path / "a.snapcoeff").rename(tmp_path / coefficients)
    (tmp_path / "a.snapparam").rename(tmp_path / parameters)
    given = [coefficients, parameters]
    if coefficients == "Ta.txt" or parameters == "Ta.txt":  # only one tells the other
        given = ["Ta.txt"]
    for name in given:
        assert same(fs.Potential.read(tmp_path / name), expected)


def test_settings_of_networks_of_any_name(tmp_path):
    networks = make_potential([FUNCTIONS], {"type": "neural_network", "hidden_layers": [3]})
    networks.write(tmp_path / "input.nn")
    expected = fs.Potential.read(tmp_path)
    (tmp_path / "input.nn").rename(tmp_path / "settings.txt")
    assert same(fs.Potential.read(tmp_path / "settings.txt"), expected)


def test_commands_take_any_name(moments, tmp_path):
    moments.write(tmp_path / "a.mtp")
    (tmp_path / "a.mtp").rename(tmp_path / "pot.txt")
    for arguments in (["info"], ["convert", str(tmp_path / "b.json")]):
        command = [sys.executable, "-m", "forcesmith.cli", arguments[0], str(tmp_path / "pot.txt")]
        subprocess.run([*command, *arguments[1:], "--elements", "Mg,O"], check=True)
    assert fs.Potential.read(tmp_path / "b.json").elements == ELEMENTS


# --- compression and encodings ---


@pytest.mark.parametrize("name", ["a.json.gz", "a.json", "a"])
def test_gzip(moments, name, tmp_path):
    path = tmp_path / name
    path.write_bytes(gzip.compress(moments.to_json().encode()))
    try:
        potential = fs.Potential.read(path)
    except ValueError as error:  # built without zlib
        assert "compressed by gzip; unpack it first" in str(error)
        pytest.skip("built without zlib")
    assert same(potential, moments)
    path.write_bytes(path.read_bytes()[:-20])
    refuse(path, name, "compressed by gzip, and damaged")


def test_gzip_of_both_files(snap, tmp_path):
    snap.write(tmp_path / "a.snapcoeff")
    for name in ("snapcoeff", "snapparam"):
        text = (tmp_path / f"a.{name}").read_bytes()
        (tmp_path / f"b.{name}.gz").write_bytes(gzip.compress(text))
    try:
        assert same(fs.Potential.read(tmp_path / "b.snapcoeff.gz"), snap)
    except ValueError as error:
        assert "compressed by gzip; unpack it first" in str(error)


@pytest.mark.parametrize(
    ("start", "part"),
    [
        (b"BZh91AY", "bzip2"),
        (b"\xfd7zXZ\0", "xz"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
        (b"PK\x03\x04", "zip"),
        (b"\x89HDF\r\n", "HDF5"),
        (b"\x80\x04\x95", "pickled"),
        ('{"format"'.encode("utf-16"), "UTF-16"),
    ],
)
def test_what_is_no_text(start, part, tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(start + bytes(range(256)))
    refuse(path, "a.json", part)


def test_byte_order_mark(moments, tmp_path):
    path = tmp_path / "a.mtp"
    moments.write(path)
    expected = fs.Potential.read(path, ELEMENTS)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert same(fs.Potential.read(path, ELEMENTS), expected)


def test_invalid_utf8(moments, tmp_path):
    text = moments.to_json().encode()
    (tmp_path / "a.json").write_bytes(text.replace(b'"forcesmith potential"', b'"\xff\xfe"', 1))
    refuse(tmp_path / "a.json", "a.json", "not valid UTF-8")
    moments.write(tmp_path / "a.mtp")
    text = (tmp_path / "a.mtp").read_bytes()
    (tmp_path / "a.mtp").write_bytes(text.replace(b"version = 1.1.0", b"version = \xff\xfe\x01", 1))
    refuse(tmp_path / "a.mtp", "a.mtp", "version ??", elements=ELEMENTS)


# --- what is no file ---


def test_folders_devices_and_pipes(tmp_path):
    (tmp_path / "a.json").mkdir()
    os.mkfifo(tmp_path / "b.json")
    (tmp_path / "c.json").symlink_to("/dev/zero")
    (tmp_path / "d.json").touch()
    (tmp_path / "e.json").symlink_to("nowhere")
    reasons = ["a folder", "a device or a pipe", "a device or a pipe", "empty", "does not exist"]
    for name, reason in zip("abcde", reasons, strict=True):
        refuse(
            tmp_path / f"{name}.json", f'{name}.json": it is {reason}'.replace("is does", "does")
        )
    refuse("/dev/zero", "/dev/zero", "a device or a pipe")
    refuse("/dev/null", "/dev/null")


def test_a_pipe_beside_it(snap, tmp_path):
    snap.write(tmp_path / "a.snapcoeff")
    (tmp_path / "a.snapparam").unlink()
    os.mkfifo(tmp_path / "a.snapparam")
    refuse(tmp_path / "a.snapcoeff", "a.snapparam", "a device or a pipe")


def test_a_huge_file(tmp_path):
    with open(tmp_path / "a.json", "wb") as file:
        file.truncate(20 * 2**30)  # a hole
    refuse(tmp_path / "a.json", "larger than 1 GiB")


def test_a_name_that_is_no_utf8(tmp_path, moments):
    path = os.fsencode(tmp_path) + b"/\xff.json"
    moments.write(tmp_path / "plain.json")
    try:
        shutil.copy(tmp_path / "plain.json", path)
    except OSError:
        pytest.skip("this file system wants UTF-8")
    assert same(fs.Potential.read(os.fsdecode(path)), moments)
    with pytest.raises(ValueError, match=r"\?\.mtp"):
        fs.Potential.read(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.mtp"))


# --- other programs ---


@pytest.mark.parametrize(
    ("name", "text", "part"),
    [
        ("nep.txt", "nep4 2 Mg O\ncutoff 6 4 100 80\n", "NEP potential of GPUMD"),
        ("a.json", "nep4_zbl 2 Mg O\nzbl 1 2\n", "NEP potential of GPUMD"),
        ("gap.xml", "<GAP_2020>\n", "XML"),
        ("a.yace", "elements: [Mg]\nE0: [0]\ndeltaSplineBins: 0.001\n", "atomic cluster expansion"),
        ("a.json", '{"elements": ["Mg"], "E0": [0], "functions": {}}', "atomic cluster expansion"),
        ("input.json", '{"model": {"type_map": ["O"]}, "training": {}}', "DeePMD-kit"),
        ("a.json", '{"a": 1, "b": 2}', "its keys are a, b"),
        ("frozen.pb", "\n\x12\x00\x01graph\n", "binary"),
        ("Ta06A.mliap", "# Ta\nvariable zblz equal 73\n", "LAMMPS commands"),
        ("Ta06A.snap", "# Ta\npair_style hybrid/overlay zbl 4 4.8 snap\n", "LAMMPS commands"),
        ("notes.txt", "Remember the milk.\n", "Neither the content"),
    ],
)
def test_files_of_other_programs(name, text, part, tmp_path):
    (tmp_path / name).write_text(text)
    refuse(tmp_path / name, name, part)


# --- messages ---


def test_messages_show_no_control_characters(moments, tmp_path):
    document = json.loads(moments.to_json())
    for wrong in (
        "\u202eab",
        "a\u2028b",
        "a\u0085b",
        "\u200b",
        "\ue000",
        "a\x7fb",
        "a\nb",
        "\U000e0001",
    ):
        path = tmp_path / "a.json"
        path.write_text(json.dumps({**document, wrong: 1}, ensure_ascii=False))
        assert refuse(path, "Unknown parameter").isprintable()
    path.write_text(json.dumps({**document, "Größe": 1}, ensure_ascii=False))
    refuse(path, '"Größe"')


def test_messages_are_short(moments, tmp_path):
    long = "x" * 100_000
    document = json.loads(moments.to_json())
    texts = [
        json.dumps({**document, long: 1}),
        json.dumps({**document, "elements": [long, long]}),
        json.dumps({**document, "elements": [f"X{n}" for n in range(500)]}),
        json.dumps({**document, "model": {"type": long}}),
        json.dumps({**document, "units": {"length": long}}),
        json.dumps({**document, "version": long}),
        f"MTP\nversion = {long}\n",
        f"MTP\n{long} = 3\n",
        f"1 2\n{long} 0.5 1\n1\n2\n",
        f"rcutfac 4\ntwojmax {long}\n",
        f"number_of_elements 1\nelements {long}\n",
        f"nep4 {long}",
    ]
    (tmp_path / "a.snapparam").write_text("rcutfac 4\ntwojmax 2\n")
    (tmp_path / "a.snapcoeff").write_text("1 6\nTa 0.5 1\n1\n2\n3\n4\n5\n6\n")
    for text in texts:
        path = tmp_path / "a.txt"
        path.write_text(text)
        refuse(path)
    refuse(tmp_path / ("x" * 5000 + ".json"))
    refuse("/".join(["y" * 100] * 20) + ".mtp")
