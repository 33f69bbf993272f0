console.log('init');
exports.handler = async () => {
  console.log('plain');
  console.info('%s is %d', 'answer', 42, { nested: { deep: { deeper: {} } } });
  console.debug('two\nlines');
  console.warn('ü ✓ 😀');
  console.error(new Error('shown').message);
  console.trace('traced');
  console.fatal('lost');
  console.log();
  process.stdout.write('half a line');
  console.log('whole event');
  process.stdout.write('one\ntwo\n');
  process.stderr.write('three\n');
};
