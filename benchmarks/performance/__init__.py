"""What lives cost: by stage, by family, by layers, by lives already run, and on two processes."""
