"""The use cases of tasks: commands, questions, and the facts that the rules need."""
