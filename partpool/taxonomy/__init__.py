"""What classes there are: label schemes, part classes, keypoint names."""
