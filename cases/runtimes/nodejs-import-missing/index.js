require('left-pad');
