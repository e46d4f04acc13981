"""Unpack a downloaded zip: only the expected files, so that none can end up anywhere else."""

import errno
import shutil
import sys
import zipfile
from pathlib import PurePosixPath

from tqdm import tqdm

CHUNK = 1 << 20  # bytes


def unpack(path, folder, names, limit):
    """Extract the files with given names to a folder, wherever in the zip they are.

    Inputs:
    - path: The zip
    - folder: Folder to create and write into; it is removed if anything fails
    - names: Set of file names
    - limit: Maximum total size of the files in bytes

    Raises ValueError for a damaged or unexpected zip, and OSError for a full disk.
    """
    folder.mkdir()
    try:
        with zipfile.ZipFile(path) as archive:
            _unpack(archive, folder, _members(archive, names, limit))
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise  # those two codes come from damaged offsets, which point outside the file
        # damaged bytes can make zipfile and zlib raise almost anything
        if isinstance(error, Exception):
            raise ValueError(f"the zip can't be unpacked: {error}") from error
        raise


def _unpack(archive, folder, members):
    total = sum(member.file_size for member in members)
    free = shutil.disk_usage(folder).free
    if total > free:
        raise OSError(
            errno.ENOSPC, f"{total / 2**20:.1f} MiB are needed, {free / 2**20:.1f} MiB are free"
        )
    with tqdm(
        desc="unpacking", total=total, unit="B", unit_scale=True, unit_divisor=1024, file=sys.stdout
    ) as bar:
        for member in members:
            path = folder / PurePosixPath(member.filename).name
            # zipfile checks the CRC, and never returns more bytes than `file_size`
            with archive.open(member) as source, open(path, "xb") as file:
                while chunk := source.read(CHUNK):
                    file.write(chunk)
                    bar.update(len(chunk))


def _members(archive, names, limit):
    members = [
        member for member in archive.infolist() if PurePosixPath(member.filename).name in names
    ]
    found = [PurePosixPath(member.filename).name for member in members]
    size = sum(member.file_size for member in members)
    if len(set(found)) != len(found):
        raise ValueError("it holds files of the same name twice")
    if size > limit:
        raise ValueError(f"it unpacks to {size / 2**20:.1f} MiB, more than {limit >> 20}")
    if any(
        member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for member in members
    ):
        raise ValueError("it is compressed in an unusual way")
    return members
