"""What the hub reaches on this machine, each figure beside its reference in the same run."""
