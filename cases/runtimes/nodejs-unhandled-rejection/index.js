exports.handler = async () => {
  Promise.reject(new Error('nobody handled this'));
  await new Promise((resolve) => setTimeout(resolve, 1000));
};
