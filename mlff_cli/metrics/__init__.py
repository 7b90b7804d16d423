"""Pure functions: scores from predictions, figures from the score matrix."""
