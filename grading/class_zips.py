"""Zips that hold a whole class: tell them from a student's, and unpack them."""

import contextlib
import datetime
import os
import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from grading.file_names import PACKAGES
from grading.people import FEW, are_parts, are_people, is_version
from grading.platforms import (
    BLACKBOARD,
    BRIGHTSPACE,
    CANVAS,
    DRIVE,
    GRADESCOPE,
    METADATA,
    MOODLE,
    NBGRADER,
)
from grading.unpack import LOOSE, is_noise, path_in_zip, shown

MAX_CLASS = 20 << 30  # bytes of a class's zip, unpacked
MAX_FILES = 1_000_000
LOOKED_AT = 20_000  # files whose names are checked to tell what a zip holds


# deeply nested folders raise RecursionError, which is a RuntimeError
UNREADABLE = (OSError, ValueError, NotImplementedError, RuntimeError, zipfile.BadZipFile)


class ClassUnread(Exception):
    """A class's zip can't be unpacked as a whole: it counts as nobody's work."""


def unpacked_class(
    paths, scratch: Path, *, alone: bool = False, exported: bool = False
) -> Path | None:
    """The folder that a class's zips were unpacked into; None if they hold no class.

    Inputs:
    - paths: Paths of the zips: one, or the parts that a large folder was packed into
    - scratch: Folder to unpack into
    - alone: Whether no other work lies next to them
    - exported: Whether only a platform's file names make them a class's

    Raises ClassUnread if some of a class's files can't be unpacked.
    """
    first = Path(paths[0])
    origin = zlib.crc32(os.fsencode(first.resolve().parent))  # many zips are called submissions.zip
    target = scratch / f"{origin:08x}" / first.stem
    with contextlib.ExitStack() as stack:
        try:
            archives = [stack.enter_context(zipfile.ZipFile(path)) for path in paths]
            infos = [(a, i) for a in archives for i in a.infolist() if not i.is_dir()]
            if not _is_class([info for _, info in infos[:LOOKED_AT]], alone, exported):
                return None
        except UNREADABLE:
            return None
        if sum(info.file_size for _, info in infos) > MAX_CLASS or len(infos) > MAX_FILES:
            raise ClassUnread(f"{first.name} is too large to be unpacked here: unpack it yourself")
        shutil.rmtree(target, ignore_errors=True)
        for archive, info in infos:
            try:
                _extract(archive, info, target)
            except (*UNREADABLE, zlib.error, EOFError) as error:
                name = shown(path_in_zip(info))
                raise ClassUnread(
                    f"{first.name} holds the work of several people, and {name} in it can't be "
                    f"unpacked ({error}): download it again, or unpack it yourself"
                ) from error
    return target


def _is_class(infos, alone, exported):
    """Whether a zip holds submissions: a platform's file names, several zips and no work, or, if
    the zip lies alone, folders of several people.
    """
    paths = list(map(path_in_zip, infos))
    paths = [path for path in paths if not is_noise(path) and path.name]
    if any(path.parts[0] in PACKAGES for path in paths):
        return False
    if _is_export(paths, alone) or exported:
        return _is_export(paths, alone)
    zips = [path for path in paths if path.suffix.lower() == ".zip"]
    near = [path for path in paths if len(path.parts) <= 4 and path.suffix in LOOSE]
    several = len(zips) > 1 and not all(is_version(path.name) for path in zips)
    several = (
        several
        or len(zips) > FEW
        and not are_parts(zips)
        or any(DRIVE.fullmatch(path.name) for path in zips)
    )
    several = several and len(near) < (len(zips) if alone else 1)
    return several or alone and are_people(paths)


def _is_export(paths, alone):
    """Whether files have names that a platform gives."""
    parts = {part for path in paths for part in path.parts[:2]}
    patterns = (MOODLE, BLACKBOARD, BRIGHTSPACE, NBGRADER)
    if any(p.fullmatch(part) for p in patterns for part in parts):
        return True
    if any(map(GRADESCOPE.fullmatch, parts)) and (alone or METADATA in parts):
        return True
    return sum(bool(CANVAS.fullmatch(path.name)) for path in paths) > len(paths) / 2


def _short(name):
    """A file's name; if it is longer than most file systems allow, its beginning and a hash."""
    raw = os.fsencode(name)
    if len(raw) <= 255:
        return name
    suffix = PurePosixPath(name).suffix[:20]
    return f"{raw[:150].decode('utf-8', 'ignore')}~{zlib.crc32(raw):08x}{suffix}"


def _extract(archive, info, target):
    """Extract one plain file of a zip, below the target."""
    path = path_in_zip(info)
    kind = stat.S_IFMT(info.external_attr >> 16) or stat.S_IFREG
    if path.is_absolute() or ".." in path.parts or not path.name or kind != stat.S_IFREG:
        return
    where = target.joinpath(*map(_short, path.parts))
    try:
        where.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(info) as source, open(where, "wb") as file:
            shutil.copyfileobj(source, file)
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        return  # a folder with the name of a file
    with contextlib.suppress(ValueError, OverflowError):
        when = datetime.datetime(*info.date_time).timestamp()
        os.utime(where, (when, when))  # unpacked again, an export is the same
