"""The jobs: load, call a rule or a pure function, save. Any of them may run twice."""
