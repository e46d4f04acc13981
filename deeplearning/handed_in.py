"""What students write: the notebooks, and the files with the exercises that each of them tries out.

The students' version has no `grading/exercises.toml`; a test holds this table to it.
"""

NOTEBOOKS = {
    "RNN_Captioning.ipynb": ("deeplearning/rnn_layers.py", "deeplearning/classifiers/rnn.py"),
    "LSTM_Captioning.ipynb": ("deeplearning/rnn_layers.py", "deeplearning/classifiers/rnn.py"),
    "NetworkVisualization-PyTorch.ipynb": ("deeplearning/network_visualization.py",),
    "StyleTransfer-PyTorch.ipynb": ("deeplearning/style_transfer.py",),
}
CAPTIONER = "captioner.npz"  # a model of your own, for extra credit
EXERCISE_FILES = tuple(dict.fromkeys(file for files in NOTEBOOKS.values() for file in files))
# What the hand-out puts in place of an answer; a question whose answer is still this is empty
ANSWER = "**Your answer.** *Write it here.*"
