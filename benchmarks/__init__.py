"""How fast the package is, as ratios against the matrix products that it needs and against PyTorch:
`make bench`.
"""
