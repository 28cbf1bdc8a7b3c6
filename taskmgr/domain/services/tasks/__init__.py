"""The use cases of tasks.

- `questions`: what can be asked, for scripts, lists and boards;
- `commands`: what can be done; a new command goes here;
- `fields`: turns the values of a command into fields of a task;
- `facts`, `relations`: read what the rules need to know; a new fact goes here;
- `transitions`: judges every move of a task without making one;
- `recording`: judges a step, writes the task and its entry in the log.
"""
