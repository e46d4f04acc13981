"""What decides the points: the calls of the exercises, the stored answers, and hints that teach."""
