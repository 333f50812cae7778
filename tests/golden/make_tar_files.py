"""Writes tests/golden/webdataset: the same samples in the three formats that Python's tarfile writes.

    python3 tests/golden/make_tar_files.py
"""
import io
import pathlib
import tarfile

folder = pathlib.Path(__file__).parent / "webdataset"
folder.mkdir(exist_ok=True)
long_name = "folder/" + "long" * 20 + "/000001"
longer_name = "x" * 90 + "/" + "y" * 120 + "/000002"

for name, kind in (("ustar", tarfile.USTAR_FORMAT), ("gnu", tarfile.GNU_FORMAT), ("pax", tarfile.PAX_FORMAT)):
    with tarfile.open(folder / f"{name}.tar", "w", format=kind) as archive:
        keys = ["000000", long_name, "\u00e9t\u00e9/000003"] + ([] if name == "ustar" else [longer_name])
        for number, key in enumerate(keys):
            for ending in ("cls", "txt"):
                text = f"{number}" if ending == "cls" else f"caption of {key}"
                member = tarfile.TarInfo(f"{key}.{ending}")
                member.size = len(text.encode())
                archive.addfile(member, io.BytesIO(text.encode()))
