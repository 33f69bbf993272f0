exports.handler = () => new Promise(() => {
  setImmediate(() => {
    throw new Error('nobody caught this');
  });
});
