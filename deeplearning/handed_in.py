"""What students hand in: the notebooks, and the files with the exercises that each of them tests.

The students' version has no `grading/exercises.toml`; a test checks that this table agrees with it.
"""

NOTEBOOKS = {
    "RNN_Captioning.ipynb": ("deeplearning/rnn_layers.py", "deeplearning/classifiers/rnn.py"),
    "LSTM_Captioning.ipynb": ("deeplearning/rnn_layers.py", "deeplearning/classifiers/rnn.py"),
    "NetworkVisualization-PyTorch.ipynb": ("deeplearning/network_visualization.py",),
    "StyleTransfer-PyTorch.ipynb": ("deeplearning/style_transfer.py",),
}
CAPTIONER = "captioner.npz"  # a model of your own, for extra credit
EXERCISE_FILES = tuple(dict.fromkeys(file for files in NOTEBOOKS.values() for file in files))
# The hand-out's placeholder for an answer; a question that still has it counts as unanswered
ANSWER = "**Your answer.** *Write it here.*"
