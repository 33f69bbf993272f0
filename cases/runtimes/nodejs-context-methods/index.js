exports.handler = ({ method, values }, context) => {
  setTimeout(() => {}, 1000).unref();
  context[method](...values);
};
