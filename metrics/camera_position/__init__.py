"""Score of answers that place a camera in an image."""
