"""What the system is about: entities, values, the workflow, the policy, and every error."""
