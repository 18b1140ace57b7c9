"""What samples of data sets look like: reading them, and writing them back changed."""
