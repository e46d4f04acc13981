"""The same training step in PyTorch, in the ways that people usually write it."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from benchmarks.problem import captioner, minibatch


class Captioner(nn.Module):
    """The package's model; with `packed`, captions that have ended are left out of the recurrence
    and the scores.
    """

    def __init__(self, shape, packed=False):
        super().__init__()
        self.packed = packed
        self.embed = nn.Embedding(shape.V, shape.W)
        self.proj = nn.Linear(shape.D, shape.H)
        self.recurrent = {"rnn": nn.RNN, "lstm": nn.LSTM}[shape.cell](
            shape.W, shape.H, batch_first=True
        )
        self.vocab = nn.Linear(shape.H, shape.V)

    def load(self, params):
        """Copy the parameters of a `CaptioningRNN`, whose gates are in the order i, f, o, g (here
        i, f, g, o).
        """
        with torch.no_grad():
            for name, parameter in self.named_parameters():
                parameter.copy_(torch.from_numpy(self.translated(params)[name]))
        return self

    @staticmethod
    def translated(params):
        """Parameters or gradients of a `CaptioningRNN` under this model's names."""
        K = params["b"].shape[0]
        H = params["Wh"].shape[0]
        order = (
            [*range(2 * H), *range(3 * H, 4 * H), *range(2 * H, 3 * H)]
            if K == 4 * H
            else list(range(K))
        )
        return {
            "embed.weight": params["W_embed"],
            "proj.weight": params["W_proj"].T,
            "proj.bias": params["b_proj"],
            "recurrent.weight_ih_l0": params["Wx"].T[order],
            "recurrent.weight_hh_l0": params["Wh"].T[order],
            "recurrent.bias_ih_l0": params["b"][order],
            "recurrent.bias_hh_l0": 0 * params["b"],
            "vocab.weight": params["W_vocab"].T,
            "vocab.bias": params["b_vocab"],
        }

    def forward(self, features, captions):
        """Loss of a minibatch, summed over words and averaged over captions."""
        x = self.embed(captions[:, :-1])
        y = captions[:, 1:]
        h0 = self.proj(features)[None]
        state = (h0, torch.zeros_like(h0)) if isinstance(self.recurrent, nn.LSTM) else h0
        if self.packed:
            lengths = (y != 0).sum(1)
            x = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
            y = pack_padded_sequence(y, lengths, batch_first=True, enforce_sorted=False).data
            h = self.recurrent(x, state)[0].data
        else:
            h = self.recurrent(x, state)[0].flatten(0, 1)
            y = y.flatten()
        return F.cross_entropy(self.vocab(h), y, ignore_index=0, reduction="sum") / len(features)


def training_step(shape, packed=False, fused=False):
    features, captions = map(torch.from_numpy, minibatch(shape))
    model = Captioner(shape, packed).load(captioner(shape).params)
    optimiser = torch.optim.Adam(model.parameters(), 1e-3, fused=fused)

    def step():
        optimiser.zero_grad()
        model(features, captions).backward()
        optimiser.step()

    return step
