"""Exercises as calls: plain arrays in, plain arrays out, whoever wrote the functions.

`CALLS[exercise](package, inputs)` passes arrays to the function of an exercise and names the arrays
that it returns. This is all that tests and grader know about an exercise; nothing here computes an
answer. An exercise is named after its function, with the cell in brackets if one function counts as
two exercises: `CaptioningRNN.loss[lstm]`.

A cache is never inspected: a backward function gets the one that its own forward function made,
after the forward function has been called once more with other numbers. For every argument `x`, the
output `x kept` says whether it is unchanged.
"""

import importlib

import numpy as np

MODULES = {
    "rnn_layers": "deeplearning.rnn_layers",
    "rnn": "deeplearning.classifiers.rnn",
    "network_visualization": "deeplearning.network_visualization",
    "style_transfer": "deeplearning.style_transfer",
}
PARAMETERS = ["W_embed", "W_proj", "b_proj", "Wx", "Wh", "b", "W_vocab", "b_vocab"]


class Package:
    """The modules that hold the exercises, imported on first use: the NumPy ones don't need
    PyTorch.
    """

    def __getattr__(self, name):
        return importlib.import_module(MODULES[name])


def _layer(name, arguments, outputs):
    """Call of a forward function, which returns its outputs and a cache."""

    def call(package, inputs):
        returned = getattr(package.rnn_layers, name)(*(inputs[key] for key in arguments.split()))
        named = _named(name, outputs + " cache", returned)
        del named["cache"]
        return named

    return call


def _layer_backward(name, arguments, upstream, outputs):
    """Call of a backward function on the cache of its forward function."""

    def call(package, inputs):
        forward_name = name.replace("backward", "forward")
        forward = getattr(package.rnn_layers, forward_name)
        backward = getattr(package.rnn_layers, name)
        values = [inputs[key] for key in arguments.split()]
        states = ["next_h", "next_c"] if name == "lstm_step_backward" else ["out"]
        cache = _named(forward_name, " ".join([*states, "cache"]), forward(*values))["cache"]
        others = (-value if value.dtype.kind == "f" else value[::-1].copy() for value in values)
        forward(*others)  # the cache must survive another call
        return _named(name, outputs, backward(*(inputs[key] for key in upstream.split()), cache))

    return call


def _named(function, names, returned):
    """The values that a function returned, by name; several values come as a tuple, one alone."""
    names = names.split()
    if returned is None:
        raise ValueError(f"{function} returned None: it must end with `return {', '.join(names)}`")
    values = (returned,) if len(names) == 1 else returned
    if not isinstance(values, tuple | list) or len(values) != len(names):
        one = f"a single {type(values).__name__}"
        got = f"{len(values)} values" if isinstance(values, tuple | list) else one
        raise ValueError(
            f"{function} must return {len(names)} values, {', '.join(names)}, but returned {got}"
        )
    return dict(zip(names, values, strict=True))


def _model(package, inputs, cell):
    """A captioning model with given parameters; its vocabulary has a word per row of W_embed."""
    V, W = inputs["W_embed"].shape
    D, H = inputs["W_proj"].shape
    words = {f"word{i}": i for i in range(V)}
    special = {int(inputs[name]): f"<{name.upper()}>" for name in ("null", "start", "end")}
    word_to_idx = {special.get(i, word): i for word, i in words.items()}
    model = package.rnn.CaptioningRNN(word_to_idx, D, W, H, cell, inputs["W_embed"].dtype)
    model.params = {name: inputs[name] for name in PARAMETERS}
    return model


def _captioning_loss(cell):
    def call(package, inputs):
        model = _model(package, inputs, cell)
        named = _named("loss", "loss grads", model.loss(inputs["features"], inputs["captions"]))
        grads = named["grads"]
        if not isinstance(grads, dict):
            raise ValueError(
                f"loss must return the gradients as a dictionary, got {type(grads).__name__}"
            )
        loss = np.array(named["loss"], model.params["W_embed"].dtype)
        return {"loss": loss} | {f"d{name}": value for name, value in grads.items()}

    return call


def _captioning_sample(cell):
    def call(package, inputs):
        model = _model(package, inputs, cell)
        return {"captions": model.sample(inputs["features"], max_length=int(inputs["max_length"]))}

    return call


def network(inputs):
    """A small frozen network from pictures (N, 3, H, W) to scores (N, C): convolution, tanh, mean,
    affine.
    """
    import torch  # imported here, because the calls of questions 1 and 2 don't need it

    conv_w, conv_b, w, b = (
        torch.from_numpy(inputs[name]) for name in ("conv_w", "conv_b", "w", "b")
    )
    with torch.device("meta"):  # no weights are drawn, so torch's generator is not advanced
        made = torch.nn.Sequential(
            torch.nn.Conv2d(3, len(conv_w), 3, padding=1),
            torch.nn.Tanh(),
            torch.nn.AdaptiveAvgPool2d(1),
            torch.nn.Flatten(),
            torch.nn.Linear(len(conv_w), len(w)),
        )
    state = {"0.weight": conv_w, "0.bias": conv_b, "4.weight": w, "4.bias": b}
    made.load_state_dict(state, assign=True)
    return made.eval().requires_grad_(False)


def _tensor(array):
    import torch

    return torch.from_numpy(array)  # shares the array's memory: changing one changes the other


def _array(result):
    """A tensor as an array; anything else as it is."""
    import torch

    return result.detach().cpu().numpy() if isinstance(result, torch.Tensor) else result


def _saliency(package, inputs):
    X = _tensor(inputs["X"])
    y = _tensor(inputs["y"])
    maps = package.network_visualization.compute_saliency_maps(X, y, network(inputs))
    return {"saliency": _array(_named("compute_saliency_maps", "saliency", maps)["saliency"])}


def _for_pictures(function, pictures, name, output):
    """A function's result for several pictures; `name` and `output` are for messages.

    Earlier editions asked for a single picture. So a function that fails on several, or whose
    result depends on their order in the minibatch, gets them one by one.
    """

    def result_for(pictures):
        return _array(_named(name, output, function(pictures))[output])

    if len(pictures) == 1:
        return {output: result_for(pictures)}
    one_by_one = [pictures[k : k + 1].clone() for k in range(len(pictures))]
    turned = pictures.flip(0)
    try:
        result = result_for(pictures)
        again = result_for(turned)
        alike = np.allclose(result, again[::-1], rtol=1e-3, atol=1e-3)
    except Exception:
        alike = False
    if alike:
        return {output: result}
    return {output: np.concatenate([result_for(picture) for picture in one_by_one])}


def _fooling(package, inputs):
    make_fooling_image = package.network_visualization.make_fooling_image
    target_y = int(inputs["target_y"])
    model = network(inputs)
    X = _tensor(inputs["X"])
    return _for_pictures(
        lambda X: make_fooling_image(X, target_y, model), X, "make_fooling_image", "X_fooling"
    )


def _update_step(package, inputs):
    numbers = int(inputs["target_y"]), float(inputs["l2_reg"]), float(inputs["learning_rate"])
    update_step = package.network_visualization.class_visualization_update_step
    img = _tensor(inputs["img"])
    model = network(inputs)
    return _for_pictures(
        lambda img: update_step(img, model, *numbers),
        img,
        "class_visualization_update_step",
        "next_img",
    )


def _loss_and_gradients(loss, tensors):
    """A loss, and its gradients with respect to named tensors; zero for those it ignores."""
    import torch

    if loss is None:
        raise ValueError("it returned None: it must end with `return loss`")
    if isinstance(loss, torch.Tensor) and loss.requires_grad:
        loss.sum().backward()  # a loss that isn't a single number is caught by its shape later
    zero = {name: torch.zeros_like(tensor) for name, tensor in tensors.items()}
    gradients = {
        f"d{name}": _array(zero[name] if t.grad is None else t.grad) for name, t in tensors.items()
    }
    loss = _array(loss)
    return {
        "loss": np.array(loss, np.float64) if isinstance(loss, float | int) else loss
    } | gradients


def _content_loss(package, inputs):
    current = _tensor(inputs["content_current"]).requires_grad_()
    original = _tensor(inputs["content_original"])
    loss = package.style_transfer.content_loss(float(inputs["content_weight"]), current, original)
    return _loss_and_gradients(loss, {"content_current": current})


def _gram_matrix(package, inputs):
    gram_matrix = package.style_transfer.gram_matrix
    features = _tensor(inputs["features"])
    gram = _named("gram_matrix", "gram", gram_matrix(features))["gram"]
    return {
        "gram": _array(gram),
        "gram_unnormalized": _array(gram_matrix(features, normalize=False)),
    }


def _style_loss(package, inputs):
    layers = inputs["style_layers"].tolist()
    feats = [
        _tensor(inputs[key]).requires_grad_() for key in sorted(inputs) if key.startswith("feats")
    ]
    targets = [_tensor(inputs[f"style_target{k}"]) for k in range(len(layers))]
    loss = package.style_transfer.style_loss(
        feats, layers, targets, inputs["style_weights"].tolist()
    )
    return _loss_and_gradients(loss, {f"feats{k}": feats[k] for k in layers})


def _tv_loss(package, inputs):
    img = _tensor(inputs["img"]).requires_grad_()
    return _loss_and_gradients(
        package.style_transfer.tv_loss(img, float(inputs["tv_weight"])), {"img": img}
    )


def _watched(call):
    """The call on copies of the inputs, with outputs that say which of them are unchanged."""

    def watched(package, inputs):
        copies = {name: value.copy() for name, value in inputs.items()}
        outputs = call(package, copies)
        arrays = {name: value for name, value in inputs.items() if value.ndim}
        return outputs | {
            f"{name} kept": np.array(_as_it_was(copies[name], a)) for name, a in arrays.items()
        }

    return watched


def _as_it_was(copy, array):
    """Whether two arrays are the same to the byte, even if code has patched NumPy's comparisons."""
    same_kind = (copy.shape, copy.dtype) == (array.shape, array.dtype)
    return same_kind and copy.tobytes() == array.tobytes()


RNN_STEP = "x prev_h Wx Wh b"
LSTM_STEP = "x prev_h prev_c Wx Wh b"
SEQUENCE = "x h0 Wx Wh b"
CALLS = {
    "rnn_step_forward": _layer("rnn_step_forward", RNN_STEP, "next_h"),
    "rnn_step_backward": _layer_backward(
        "rnn_step_backward", RNN_STEP, "dnext_h", "dx dprev_h dWx dWh db"
    ),
    "rnn_forward": _layer("rnn_forward", SEQUENCE, "h"),
    "rnn_backward": _layer_backward("rnn_backward", SEQUENCE, "dh", "dx dh0 dWx dWh db"),
    "word_embedding_forward": _layer("word_embedding_forward", "x W", "out"),
    "word_embedding_backward": _layer_backward("word_embedding_backward", "x W", "dout", "dW"),
    "CaptioningRNN.loss[rnn]": _captioning_loss("rnn"),
    "CaptioningRNN.sample[rnn]": _captioning_sample("rnn"),
    "lstm_step_forward": _layer("lstm_step_forward", LSTM_STEP, "next_h next_c"),
    "lstm_step_backward": _layer_backward(
        "lstm_step_backward", LSTM_STEP, "dnext_h dnext_c", "dx dprev_h dprev_c dWx dWh db"
    ),
    "lstm_forward": _layer("lstm_forward", SEQUENCE, "h"),
    "lstm_backward": _layer_backward("lstm_backward", SEQUENCE, "dh", "dx dh0 dWx dWh db"),
    "CaptioningRNN.loss[lstm]": _captioning_loss("lstm"),
    "CaptioningRNN.sample[lstm]": _captioning_sample("lstm"),
    "compute_saliency_maps": _saliency,
    "make_fooling_image": _fooling,
    "class_visualization_update_step": _update_step,
    "content_loss": _content_loss,
    "gram_matrix": _gram_matrix,
    "style_loss": _style_loss,
    "tv_loss": _tv_loss,
}
CALLS = {exercise: _watched(call) for exercise, call in CALLS.items()}
