let late = 'not yet';
exports.handler = (event) => {
  if (event === 'forget') {
    setTimeout(() => (late = 'done'), 10);
    return 'a value that nobody reads';
  }
  return new Promise((resolve) => event === 'report' && resolve(late));
};
