"""What the suite finds under other seeds that nobody declared."""
