"""Toytown: a little world whose pictures, captions and truth we make ourselves, so that everything
runs offline.

world        what there is: kinds, colours, settings, relations, and how a scene is written down
pen          drawing with an unsteady hand
objects      how things are drawn
creatures    how animals, people and plants are drawn
places       how the settings are drawn, below their skies
scene        placing things, painting the picture
plan         which scenes the data set shows
grammar      captions of a scene
truth        whether a caption is true of a scene
dataset      all of it on disk, in the COCO layout
record       what was recorded about each picture
training_pictures   what the networks that come with it are trained on
clouds       what portraits of classes begin with
train_squeezenet    the network whose features describe pictures
train_robust        the same network, hard to mislead
"""

NAME = "toytown_captioning"  # of the data set's folder
