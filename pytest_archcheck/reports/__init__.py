"""Tell: findings in, text out. No report judges."""
