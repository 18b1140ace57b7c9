"""Parts over a batch of tensors, differentiable in where they go."""
