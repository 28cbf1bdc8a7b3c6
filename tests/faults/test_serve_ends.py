"""The service's end and its reload: nobody who is being served notices."""
