"""How still the person is held, and what that costs."""
