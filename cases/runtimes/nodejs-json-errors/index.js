exports.handler = async (event) => {
  if (event.later) {
    setTimeout(() => {
      throw new TypeError('nobody caught this');
    }, 1);
    await new Promise(() => {});
  }
  throw event.odd ? 'a text' : new RangeError('out of range');
};
