"""Long work in processes of its own: queue, worker, and the bridge from stored rows to stages and back."""
