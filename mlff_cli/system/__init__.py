"""The machine: files, processes, signals, logs, devices."""
