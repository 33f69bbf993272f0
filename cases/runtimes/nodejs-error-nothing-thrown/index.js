// AWS takes an error that is undefined for no error.
exports.handler = () => {
  throw undefined;
};
