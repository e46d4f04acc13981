"""Recurrent networks, image captioning, network visualization and style transfer, in code written
to be read.
"""
