exports.handler = async () => {
  console.trace('trace');
  console.debug('debug');
  console.log('log');
  console.info('info');
  console.warn('warn');
  console.error('error');
  console.fatal('fatal');
};
