console.log('init');
class OrderError extends Error {}
exports.handler = async () => {
  console.log('plain');
  console.info('%s is %d', 'answer', 42, { nested: { deep: 1 } });
  console.debug({ order: 7, lines: ['a', 'b'] });
  console.warn('ü ✓ 😀\ntwo lines');
  console.error(Object.assign(new OrderError('shown'), { code: 'E_ORDER' }));
  console.error('it failed:', new OrderError('again'));
  console.trace(1.5);
  console.fatal(null);
  console.log();
  const circular = {};
  circular.self = circular;
  console.log(circular);
  process.stdout.write('not an object\n');
};
