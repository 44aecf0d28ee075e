"""The rivals: each as good as its kind can be, so that a ratio means something."""
