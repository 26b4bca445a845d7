"""What a learner sees: checks, exercises, questions, charts and widgets. The core never imports this package."""
