exports.handler = async (size) => 'y'.repeat(size);
