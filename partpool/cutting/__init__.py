"""From a kept segment and its photograph to an encoded patch."""
