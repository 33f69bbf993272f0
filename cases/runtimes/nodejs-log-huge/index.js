exports.handler = async () => {
  console.log('ü'.repeat(700_000));
  console.log('next');
};
