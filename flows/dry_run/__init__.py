"""``plan=true``: what a run would compute, and why."""
