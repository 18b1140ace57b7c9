"""What covers people: parts, and the controls that they are compared with."""
