NAME = 'found by PYTHONPATH'
