def run(c): print("RUN", c)
