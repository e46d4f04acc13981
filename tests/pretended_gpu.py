"""A fake GPU for machines without one: tensors that claim to be on it, compute on the CPU, and
refuse to be mixed with the CPU's.

They claim to be on the device meta, which needs no driver. Operations that a real GPU would refuse,
on tensors of two devices or making an array from its memory, are refused here too.
"""

import contextlib

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

GPU = torch.device("meta")
aten = torch.ops.aten


class OnGPU(torch.Tensor):
    """A tensor that claims to be on the GPU; `inner` is the one used in computations."""

    is_meta = False

    @staticmethod
    def __new__(cls, inner):
        layout = {"strides": inner.stride(), "storage_offset": inner.storage_offset()}
        return cls._make_wrapper_subclass(cls, inner.shape, dtype=inner.dtype, device=GPU, **layout)

    def __init__(self, inner):
        self.inner = inner

    def __repr__(self):
        return f"OnGPU({self.inner})"

    def __bool__(self):
        return bool(self.inner)

    def item(self):
        return self.inner.item()

    def tolist(self):
        return self.inner.tolist()

    def new_tensor(self, *args, **kwargs):
        return OnGPU(self.inner.new_tensor(*args, **kwargs))

    def numpy(self, force=False):
        if not force:
            raise TypeError("can't convert a GPU's tensor to an array: copy it to the CPU first")
        return self.inner.detach().numpy()

    def __array__(self, *_):
        return self.numpy()

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        return _computed(function, args, kwargs or {})


@contextlib.contextmanager
def pretended_gpu():
    """Tensors made on the device GPU, or from tensors there, are of type OnGPU."""
    with _Operations(), _Makers():
        yield


def put(model):
    """The model, in place, with parameters and buffers on the GPU."""
    for module in model.modules():
        for name, parameter in module._parameters.items():
            if parameter is not None:
                there = OnGPU(parameter.detach())
                module._parameters[name] = torch.nn.Parameter(there, parameter.requires_grad)
        for name, buffer in module._buffers.items():
            if buffer is not None:
                module._buffers[name] = OnGPU(buffer)
    return model


class _Operations(TorchDispatchMode):
    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        return _computed(function, args, kwargs or {})


class _Makers(TorchFunctionMode):
    """These two make their tensor before any operation is intercepted."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if function not in (torch.tensor, torch.as_tensor) or isinstance(args[0], torch.Tensor):
            return function(*args, **kwargs)
        device = kwargs.pop("device", None)
        made = function(*args, **kwargs)
        return made if device is None else made.to(device)


def _computed(function, args, kwargs):
    """The result of an operation; on the GPU if its tensors are there."""
    tensors = [x for x in tree_flatten((args, kwargs))[0] if isinstance(x, torch.Tensor)]
    there = [isinstance(x, OnGPU) for x in tensors]
    device = kwargs.pop("device", None)
    on_gpu = any(there) if device is None else torch.device(device) == GPU
    inner_args, inner_kwargs = tree_map(_inner, (args, kwargs))
    if function is aten.copy_.default:
        inner_args[0].copy_(inner_args[1])
        return args[0]
    if function is not aten._to_copy.default and any(there):
        # numbers go everywhere, and indices may come from the CPU
        ours = [x for x, is_there in zip(tensors, there, strict=True) if not is_there and x.ndim]
        if ours and not (there[0] and "index" in function.__name__):
            raise RuntimeError(f"{function}: expected all tensors to be on one device")
    if device is not None and function is not aten._to_copy.default:
        inner_kwargs["device"] = "cpu"
    result = function(*inner_args, **inner_kwargs)
    if function.__name__.split(".")[0].endswith("_") and isinstance(args[0], OnGPU):
        return args[0]  # it was changed in place
    return tree_map(_there, result) if on_gpu else result


def _inner(x):
    return x.inner if isinstance(x, OnGPU) else x


def _there(x):
    return OnGPU(x) if isinstance(x, torch.Tensor) else x
