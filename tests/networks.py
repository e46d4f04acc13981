"""What tests of several modules ask of a network."""


def condition(network):
    """Everything about a network that has to stay as it is."""
    return (
        [
            (m.training, *m._forward_hooks, *m._forward_pre_hooks, *m._backward_hooks)
            for m in network.modules()
        ],
        [(p.requires_grad, p.grad is None) for p in network.parameters()],
        {name: value.numpy(force=True).tobytes() for name, value in network.state_dict().items()},
    )
