"""Which segments are kept, and why the others are not."""
