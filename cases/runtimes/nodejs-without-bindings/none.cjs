process.binding = () => {
  throw new Error('there are none');
};
