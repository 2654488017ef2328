"""Each declared bug once more at an ordinary size, of an adapter that was trained."""
