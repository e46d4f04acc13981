"""Every run of pytest that tries exercises ends with a table of their points."""

pytest_plugins = ["exercises.points"]
