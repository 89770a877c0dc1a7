"""What people would use instead, as programs of their own: `URL TOKEN FOLDER`, one JSON line at the end."""
