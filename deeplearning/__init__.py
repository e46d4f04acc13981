"""Recurrent networks, image captioning, network visualization and style transfer, written to be
read.
"""
