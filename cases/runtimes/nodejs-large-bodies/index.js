exports.handler = async (text) => (text.startsWith('x') ? text : 'y'.repeat(text));
