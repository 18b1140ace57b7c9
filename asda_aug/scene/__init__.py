"""What is on a sample: image, keypoints, person boxes, colours."""
