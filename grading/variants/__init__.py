"""Right but unusual implementations. Each module is one: its functions replace the exercises' own.

A module need not have all functions; `loss` and `sample` are methods of `CaptioningRNN`.
"""

import importlib
import inspect
import pkgutil

from grading.manifest import MANIFEST


def variants():
    """All right implementations.

    Returns: dictionary from a module's name to its functions, a dictionary from name, as in the
    manifest, to function
    """
    names = dict.fromkeys(exercise.name for exercise in MANIFEST.exercises.values())
    found = {}
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        members = inspect.getmembers(importlib.import_module(module.name), inspect.isfunction)
        own = {name: member for name, member in members if member.__module__ == module.name}
        short = {name: name.split(".")[-1] for name in names}
        found[module.name.split(".")[-1]] = {
            name: own[last] for name, last in short.items() if last in own
        }
    return found
