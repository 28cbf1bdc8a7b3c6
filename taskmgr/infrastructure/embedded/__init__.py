"""The MongoDB server that the service starts itself: its binary, its folder, its life."""
