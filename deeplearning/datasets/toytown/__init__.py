"""Toytown: a little world with pictures, captions and truth made by code, so that everything runs
offline.

world        what exists: kinds, colours, settings, relations, and the record of a scene
pen          drawing with an unsteady hand
objects      how objects are drawn
creatures    how animals, people and plants are drawn
places       how settings are drawn, below their skies
skies        how skies are drawn
scene        placing things and painting the picture
plan         which scenes the data set shows
grammar      captions of a scene
truth        whether a caption is true of a scene
phrases      the words that the truth checker knows
words        the kind of each word in captions
dataset      all of it on disk, in the COCO layout
record       the recorded truth about each picture
training_pictures   pictures for training the networks
clouds       where portraits of classes start from
train_squeezenet    the network whose features describe pictures
train_robust        the same network, made hard to mislead
"""

NAME = "toytown_captioning"  # of the data set's folder
