"""torchvision, with a one-sentence error if its version does not fit PyTorch's."""

try:
    import torchvision
    import torchvision.transforms.functional
except RuntimeError as error:  # operator torchvision::nms does not exist
    raise ImportError(
        f"torchvision does not fit PyTorch ({error}): install both together, by "
        "pip install --upgrade torch torchvision"
    ) from error

__all__ = ["torchvision"]
