print("loading")
raise RuntimeError("cannot start")
