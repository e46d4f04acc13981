"""Helpers of several test files for networks."""


def condition(network):
    """Everything about a network that must not change."""
    return (
        [
            (m.training, *m._forward_hooks, *m._forward_pre_hooks, *m._backward_hooks)
            for m in network.modules()
        ],
        [(p.requires_grad, p.grad is None) for p in network.parameters()],
        {name: value.numpy(force=True).tobytes() for name, value in network.state_dict().items()},
    )
