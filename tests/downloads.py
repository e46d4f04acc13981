"""Helpers shared by tests of downloads."""

import io
import zipfile


def zipped(folder, inside="coco_captioning/", **more):
    """Bytes of a zip with the files of a folder, and more of them by name."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, inside + path.name)
        for name, content in more.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def contents(folder):
    """Dictionary from the names of a folder's files to their bytes."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}
