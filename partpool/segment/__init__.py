"""From a label map to candidate segments."""
