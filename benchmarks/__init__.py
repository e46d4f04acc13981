"""Measure the package's speed, relative to the matrix products that it needs and to PyTorch:
`make bench`.
"""
