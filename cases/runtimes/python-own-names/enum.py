raise ImportError('the function\'s own')
