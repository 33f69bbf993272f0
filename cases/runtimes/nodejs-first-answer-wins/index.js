exports.handler = (event, context, callback) => {
  context.succeed('first');
  context.fail(new Error('second'));
  callback(new Error('third'));
  return Promise.resolve('fourth');
};
