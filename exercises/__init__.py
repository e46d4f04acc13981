"""How points are decided: the exercises' calls, the stored answers, and hints that teach."""
