"""What the lists can be asked: filters, sorts, pages, search words, statistics."""
