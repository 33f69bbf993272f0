exports.handler = async () => {
  throw new Error('ü'.repeat(1_000_000));
};
