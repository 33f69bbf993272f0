exports.handler = async (status) => {
  process.stdout.write('last words');
  process.exit(status);
};
