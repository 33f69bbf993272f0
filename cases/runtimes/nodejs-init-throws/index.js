console.log('loading');
throw new TypeError('cannot start');
