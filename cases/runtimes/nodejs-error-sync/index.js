exports.handler = (event, context, callback) => {
  if (event === 'callback') {
    callback(new RangeError('called back'));
  } else {
    throw new Error('thrown');
  }
};
