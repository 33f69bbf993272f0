handler = 'text'
