"""Parts over one image, in NumPy, OpenCV or C."""
